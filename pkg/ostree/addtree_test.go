package ostree_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// addTrees adds the trees of commits to an empty one, at paths.
func addTrees(t *testing.T, r *ostree.Repo, opts ostree.AddOptions, at string, commits ...ostree.Checksum) (ostree.TreeID, error) {
	t.Helper()
	var id ostree.TreeID
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		for _, c := range commits {
			from, err := loadCommitTree(t.Context(), w, c)
			require.NoError(t, err)
			if err := w.AddTree(t.Context(), tree, at, from, opts); err != nil {
				return err
			}
		}
		var err error
		id, err = w.WriteTree(t.Context(), tree)
		return err
	})
	return id, err
}

func loadCommitTree(ctx context.Context, w *ostree.Writer, c ostree.Checksum) (*ostree.Tree, error) {
	commit, err := w.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	return w.LoadTree(ctx, commit.Tree)
}

func TestAddTreeMerges(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	lower := ostreetest.Commit(t, r, "", ostreetest.Tree{
		"a/kept":    ostreetest.File("kept"),
		"a/both":    ostreetest.File("old"),
		"a/dir/x":   ostreetest.File("x"),
		"only/here": ostreetest.File("here"),
	})
	upper := ostreetest.Commit(t, r, "", ostreetest.Tree{
		"a":         ostreetest.Dir().Perm(0o700),
		"a/both":    ostreetest.File("new"),
		"a/dir/y":   ostreetest.File("y"),
		"new/there": ostreetest.File("there"),
	})
	id, err := addTrees(t, r, ostree.AddOptions{}, "/", lower, upper)
	require.NoError(t, err)
	require.Equal(t, `d00755 0 0 /
d00700 0 0 /a
-00644 0 0 3 /a/both
d00755 0 0 /a/dir
-00644 0 0 1 /a/dir/x
-00644 0 0 1 /a/dir/y
-00644 0 0 4 /a/kept
d00755 0 0 /new
-00644 0 0 5 /new/there
d00755 0 0 /only
-00644 0 0 4 /only/here
`, ostreetest.ListTree(t, r, id))

	alone, err := addTrees(t, r, ostree.AddOptions{}, "/", lower)
	require.NoError(t, err)
	commit, err := r.LoadCommit(t.Context(), lower)
	require.NoError(t, err)
	require.Equal(t, commit.Tree, alone, "one tree is what it was")

	id, err = addTrees(t, r, ostree.AddOptions{}, "/sub", lower, upper)
	require.NoError(t, err)
	require.Contains(t, ostreetest.ListTree(t, r, id), "/sub/a/dir/y\n")
}

func TestAddTreeReadsOnlyWhatBothHave(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		from, err := loadCommitTree(t.Context(), w, c)
		require.NoError(t, err)
		require.NoError(t, w.AddTree(t.Context(), tree, "/", from, ostree.AddOptions{}))
		_, err = w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		require.Zero(t, w.Stats().MetadataTotal, "nothing has changed, so nothing is written")
		return nil
	}))
}

func TestAddTreeReplacesOrRefuses(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	file := ostreetest.Commit(t, r, "", ostreetest.Tree{"a": ostreetest.File("x")})
	dir := ostreetest.Commit(t, r, "", ostreetest.Tree{"a/b": ostreetest.File("x")})
	for _, test := range []struct {
		commits []ostree.Checksum
		isDir   bool
	}{{[]ostree.Checksum{file, dir}, false}, {[]ostree.Checksum{dir, file}, true}} {
		for _, opts := range []ostree.AddOptions{{}, {UID: new(uint32)}} { // two ways of merging
			id, err := addTrees(t, r, opts, "/", test.commits...)
			require.NoError(t, err)
			want, err := addTrees(t, r, opts, "/", test.commits[1])
			require.NoError(t, err)
			require.Equal(t, want, id)

			opts.RefuseReplace = true
			_, err = addTrees(t, r, opts, "/", test.commits...)
			var replace *ostree.ReplaceError
			require.ErrorAs(t, err, &replace)
			require.Equal(t, ostree.ReplaceError{Path: "/a", Dir: test.isDir}, *replace)
		}
	}
}

func TestModifiersOfTrees(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		r := ostreetest.Repo(t, mode)
		c := ostreetest.Commit(t, r, "", modifiable())
		opts := modifiers(t)
		id, err := addTrees(t, r, opts, "/", c)
		require.NoError(t, err)
		requireModified(t, ostreetest.ListTree(t, r, id))
		require.Equal(t, []string{"/none"}, opts.StatOverrides.Unmatched())
	}
}
