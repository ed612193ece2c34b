package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
	"github.com/apt-ostree/apt-ostree/test/peer"
	"github.com/apt-ostree/apt-ostree/test/treelist"
)

func needLong(t *testing.T) {
	t.Helper()
	testenv.Long(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("ostree"), testenv.Tool("dpkg"), testenv.Tool("mmdebstrap"))
}

// TestLongSetsAgree composes sets of packages natively and by dpkg, which must give the same commit, and has
// mmdebstrap install them, which must give the same tree but for what differences.txt gives the reasons of. The
// embedded set and the server are in TestUnpackersAgree and TestTreeEqualsMmdebstrap.
func TestLongSetsAgree(t *testing.T) {
	needLong(t)
	for _, set := range []string{"development", "trixie"} {
		t.Run(set, func(t *testing.T) {
			tree := loadSet(t, set)
			if set == "trixie" {
				tree.Repos = reposOf(t, tree.Releasever)
			}
			c := newSetComposer(t, tree)
			native, _ := c.compose(assemble.UnpackNative, nil)
			var ours treelist.Tree
			byDpkg, debs := c.compose(assemble.UnpackDpkg, func(root string) (err error) {
				ours, err = treelist.Scan(root)
				return err
			})
			requireSameCommit(t, c.repo, byDpkg.Commit, native.Commit)
			require.NotEmpty(t, native.Kernel)
			require.GreaterOrEqual(t, len(debs), 150)
			checkDifferences(t, set, treelist.Compare(mmdebstrap(t, tree, debs), ours))
		})
	}
}

// TestLongStress composes desktops and servers together: the packages of the plan, and no others, are in the tree,
// and its own dpkg finds each of them configured.
func TestLongStress(t *testing.T) {
	needLong(t)
	c := newSetComposer(t, loadSet(t, "stress"))
	var audit []byte
	var entries []dpkg.Entry
	result, debs := c.compose(assemble.UnpackNative, func(root string) (err error) {
		if audit, err = exec.CommandContext(t.Context(), "chroot", root, "dpkg", "--audit").CombinedOutput(); err != nil {
			return fmt.Errorf("dpkg --audit: %w\n%s", err, audit)
		}
		status, err := os.ReadFile(filepath.Join(root, "var/lib/dpkg/status"))
		if err != nil {
			return err
		}
		entries, err = dpkg.ReadStatus(bytes.NewReader(status))
		return err
	})
	require.Empty(t, string(audit))
	require.GreaterOrEqual(t, len(debs), 800)
	require.Len(t, entries, len(debs))
	for _, e := range entries {
		require.Equal(t, "install ok installed", e.Want+" "+e.Flag+" "+e.State, e.Name)
	}
	require.NotEmpty(t, result.Kernel)
	run(t, "ostree", "--repo="+c.repo.Path(), "fsck", "--quiet")
}

// setComposer composes one treefile in several ways.
type setComposer struct {
	t    *testing.T
	tree *compose.Treefile
	repo *ostree.Repo
}

func newSetComposer(t *testing.T, tree *compose.Treefile) *setComposer {
	t.Helper()
	repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBare, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return &setComposer{t, tree, repo}
}

// compose returns the result and the .debs. inspect sees the tree before it is folded into a commit's layout.
func (c *setComposer) compose(unpacker assemble.UnpackMode, inspect func(root string) error) (*compose.Result, []string) {
	c.t.Helper()
	start := time.Now()
	composer, err := compose.New(compose.Options{
		Repo: c.repo, Treefile: c.tree, CacheDir: cacheDir(c.t), Timestamp: time.Unix(epoch, 0),
		Unpacker: unpacker, NoParent: true, NoRef: true, Force: true, Inspect: inspect,
	})
	require.NoError(c.t, err)
	plan, err := composer.Plan(c.t.Context())
	require.NoError(c.t, err)
	debs, err := composer.Download(c.t.Context(), plan, nil)
	require.NoError(c.t, err)
	c.t.Logf("%d packages downloaded after %.0f s", len(debs), time.Since(start).Seconds())
	result, err := composer.Apply(c.t.Context(), plan, nil)
	require.NoError(c.t, err)
	c.t.Logf("composed by %s after %.0f s", unpacker, time.Since(start).Seconds())
	return result, debs
}

// reposOf are the sources of a release that this machine itself does not have sources of.
func reposOf(t *testing.T, release string) []compose.Repo {
	t.Helper()
	sources, err := peer.SourcesBeside(release, "bookworm")
	require.NoError(t, err)
	repos := make([]compose.Repo, len(sources))
	for i, s := range sources {
		repos[i] = compose.Repo{URIs: s.URIs, Suites: s.Suites, Components: s.Components, Architectures: s.Architectures, SignedBy: signedBy(s.SignedBy)}
	}
	return repos
}

func signedBy(by source.SignedBy) []string {
	keys := slices.Concat(by.Keyrings, by.Fingerprints)
	if by.Key != "" {
		keys = append(keys, by.Key)
	}
	return keys
}
