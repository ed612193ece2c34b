package e2e_test

import (
	"bufio"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
	"github.com/apt-ostree/apt-ostree/test/peer"
	"github.com/apt-ostree/apt-ostree/test/treelist"
)

// TestTreeEqualsMmdebstrap composes real package sets and lets mmdebstrap install exactly the same
// .debs: before the tree is folded into a commit's layout, both must be equal but for the
// differences listed, each with its reason, in testdata/differences.txt.
func TestTreeEqualsMmdebstrap(t *testing.T) {
	needAll(t)
	for _, set := range []string{"embedded", "server"} {
		t.Run(set, func(t *testing.T) {
			tree := loadSet(t, set)
			ours, debs := composeTree(t, tree)
			if set == "server" {
				require.GreaterOrEqual(t, len(debs), 150)
			}
			theirs := mmdebstrap(t, tree, debs)
			checkDifferences(t, set, treelist.Compare(theirs, ours))
		})
	}
}

// loadSet reads the treefile of a set: the embedded one, or one in testdata.
func loadSet(t *testing.T, set string) *compose.Treefile {
	t.Helper()
	opts := compose.LoadOptions{Architecture: txn.NativeArchitecture()}
	tree, err := compose.Embedded(opts)
	if set != "embedded" {
		tree, err = compose.Load("testdata/"+set+".yaml", opts)
	}
	require.NoError(t, err)
	return tree
}

// composeTree composes and returns what the tree held before folding, and the .debs.
func composeTree(t *testing.T, tree *compose.Treefile) (treelist.Tree, []string) {
	t.Helper()
	repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBareUser, ostree.Options{})
	require.NoError(t, err)
	defer repo.Close()
	var listing treelist.Tree
	composer, err := compose.New(compose.Options{
		Repo: repo, Treefile: tree, CacheDir: cacheDir(t),
		Timestamp: time.Unix(epoch, 0),
		Inspect: func(root string) error {
			listing, err = treelist.Scan(root)
			return err
		},
	})
	require.NoError(t, err)
	plan, err := composer.Plan(t.Context())
	require.NoError(t, err)
	result, err := composer.Apply(t.Context(), plan, nil)
	require.NoError(t, err)
	require.NotEmpty(t, result.Kernel)
	debs, err := composer.Download(t.Context(), plan, nil)
	require.NoError(t, err)
	return listing, debs
}

// mmdebstrap installs the .debs from an archive that holds nothing else.
func mmdebstrap(t *testing.T, tree *compose.Treefile, debs []string) treelist.Tree {
	t.Helper()
	archive, root := t.TempDir(), filepath.Join(t.TempDir(), "root")
	set := peer.Set{Release: tree.Releasever, Architecture: tree.Basearch, Debs: debs, Epoch: epoch}
	if !tree.Docs() {
		set.DpkgOptions = assemble.DocExcludes()
	}
	require.NoError(t, set.LocalArchive(t.Context(), archive))
	require.NoError(t, set.Mmdebstrap(t.Context(), archive, root))
	listing, err := treelist.Scan(root)
	require.NoError(t, err)
	return listing
}

// allowed is one line of differences.txt.
type allowed struct {
	sets, kinds, pattern string
	used                 bool
}

// checkDifferences fails for differences that are not listed, and for lines that no difference
// needs any more.
func checkDifferences(t *testing.T, set string, differences []treelist.Difference) {
	t.Helper()
	list := readAllowed(t, set)
	var unexplained []string
	for _, d := range differences {
		if !explain(list, d) {
			unexplained = append(unexplained, d.String())
		}
	}
	for _, a := range list {
		if !a.used {
			t.Errorf("differences.txt: %s %s %s: nothing differs like this any more", a.sets, a.kinds, a.pattern)
		}
	}
	require.Empty(t, unexplained, "%d differences without a reason in differences.txt:\n%s", len(unexplained), strings.Join(unexplained, "\n"))
}

func explain(list []*allowed, d treelist.Difference) bool {
	for _, a := range list {
		match, err := path.Match(a.pattern, d.Path)
		prefix, deep := strings.CutSuffix(a.pattern, "/**")
		if deep {
			match, err = strings.HasPrefix(d.Path, prefix+"/"), nil
		}
		if err == nil && match && strings.Contains(a.kinds, d.Kind) {
			a.used = true
			return true
		}
	}
	return false
}

// readAllowed reads testdata/differences.txt: SETS KINDS PATTERN REASON per line, where sets and
// kinds are lists with commas, and a set is "all" or a name.
func readAllowed(t *testing.T, set string) []*allowed {
	t.Helper()
	f, err := os.Open("testdata/differences.txt")
	require.NoError(t, err)
	defer f.Close()
	var list []*allowed
	for lines := bufio.NewScanner(f); lines.Scan(); {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		fields := strings.Fields(text)
		require.GreaterOrEqual(t, len(fields), 4, "differences.txt: %q has no reason", text)
		if fields[0] == "all" || strings.Contains(","+fields[0]+",", ","+set+",") {
			list = append(list, &allowed{sets: fields[0], kinds: fields[1], pattern: fields[2]})
		}
	}
	return list
}
