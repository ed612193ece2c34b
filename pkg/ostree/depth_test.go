package ostree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// circle makes a damaged repository: the directory "d" is its own subdirectory.
func circle(t *testing.T) (*ostree.Repo, ostree.TreeID) {
	t.Helper()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Tree{"d/e/f": ostreetest.File("x"), "f": ostreetest.File("x")})
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	root, err := r.LoadDirTree(t.Context(), commit.Tree.Contents)
	require.NoError(t, err)
	object := func(c ostree.Checksum) string {
		return filepath.Join(r.Path(), "objects", c.String()[:2], c.String()[2:]+".dirtree")
	}
	data, err := os.ReadFile(object(commit.Tree.Contents))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(object(root.Dirs[0].Tree.Contents), data, 0o644))
	return ostreetest.Open(t, r.Path()), commit.Tree
}

// TestCircle: nothing walks for ever through a directory that is inside itself.
func TestCircle(t *testing.T) {
	t.Parallel()
	const problem = "directories inside each other"
	r, id := circle(t)
	tree, err := r.LoadTree(t.Context(), id)
	require.NoError(t, err)
	require.ErrorContains(t, tree.Walk("/", func(string, ostree.Entry) error { return nil }), problem)
	_, err = r.Diff(t.Context(), ostree.TreeID{}, id)
	require.ErrorContains(t, err, problem)
	view, err := r.FSTree(t.Context(), id)
	require.NoError(t, err)
	_, err = fs.Stat(view, strings.Repeat("d/", ostree.MaxTreeDepth+1)+"f")
	require.ErrorContains(t, err, problem)
	_, err = fs.Stat(view, strings.Repeat("d/", 10)+"f")
	require.NoError(t, err)
}
