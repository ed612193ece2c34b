package compose_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// needTrees is what a compose of the synthetic archive needs.
func needTrees(t *testing.T) {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("dpkg"), testenv.Tool("ldd"))
}

// syntheticArchive has a system and packages of a test.
func syntheticArchive(t *testing.T, debs ...apttest.Deb) *apttest.Archive {
	t.Helper()
	a := apttest.New(t, apttest.Options{})
	a.Add(append([]apttest.Deb{apttest.System(t)}, debs...)...)
	a.Publish()
	return a
}

// syntheticTree is a treefile for packages of an archive.
func syntheticTree(a *apttest.Archive, packages ...string) *compose.Treefile {
	s := a.Source()
	return &compose.Treefile{
		Ref: "test", Basearch: "amd64", Packages: packages, Container: true,
		Repos: []compose.Repo{{URIs: s.URIs, Suites: s.Suites, Components: s.Components, SignedBy: []string{s.SignedBy.Key}}},
	}
}

// a build is one composer with a repository and a cache of its own.
type build struct {
	*compose.Composer
	repo *ostree.Repo
}

func newBuild(t *testing.T, tree *compose.Treefile, change func(*compose.Options)) build {
	t.Helper()
	repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBare, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	opts := compose.Options{Repo: repo, Treefile: tree, CacheDir: t.TempDir(), Timestamp: time.Unix(1700000000, 0)}
	if change != nil {
		change(&opts)
	}
	c, err := compose.New(opts)
	require.NoError(t, err)
	return build{c, opts.Repo}
}

// plan plans.
func (b build) plan(t *testing.T) *compose.Plan {
	t.Helper()
	p, err := b.Plan(t.Context())
	require.NoError(t, err)
	return p
}

// compose makes the commit in one go.
func (b build) compose(t *testing.T) *compose.Result {
	t.Helper()
	r, err := b.Apply(t.Context(), b.plan(t), nil)
	require.NoError(t, err)
	return r
}

// requireSame compares the parts of commits first, to tell what differs.
func requireSame(t *testing.T, repo *ostree.Repo, want ostree.Checksum, other *ostree.Repo, got ostree.Checksum) {
	t.Helper()
	a, err := repo.LoadCommit(t.Context(), want)
	require.NoError(t, err)
	b, err := other.LoadCommit(t.Context(), got)
	require.NoError(t, err)
	require.Equal(t, a.Tree, b.Tree)
	require.Equal(t, a.Metadata, b.Metadata)
	require.Equal(t, want, got)
}
