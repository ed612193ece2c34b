package ostree_test

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

var fileSum = ostree.Checksum{1}

func sampleTree(t *testing.T) *ostree.Tree {
	t.Helper()
	tree := ostree.NewTree(dirMode)
	require.NoError(t, tree.MkdirAll("usr/lib/x", dirMode))
	require.NoError(t, tree.MkdirAll("/usr/share", dirMode))
	require.NoError(t, tree.SetFile("usr/lib/b", fileSum))
	require.NoError(t, tree.SetFile("usr/lib/a", fileSum))
	return tree
}

func show(t *testing.T, tree *ostree.Tree) string {
	t.Helper()
	var names []string
	require.NoError(t, tree.Walk("", func(name string, e ostree.Entry) error {
		if e.Dir && name != "." {
			name += "/"
		}
		names = append(names, name)
		return nil
	}))
	return strings.Join(names, " ")
}

func TestTree(t *testing.T) {
	t.Parallel()
	tree := sampleTree(t)
	require.Equal(t, ". usr/ usr/lib/ usr/lib/a usr/lib/b usr/lib/x/ usr/share/", show(t, tree))

	e, err := tree.Lookup("/usr/lib/a")
	require.NoError(t, err)
	require.Equal(t, ostree.Entry{Name: "a", File: fileSum}, e)
	e, err = tree.Lookup("/")
	require.NoError(t, err)
	require.Equal(t, ostree.Entry{Name: ".", Dir: true, Meta: dirMode}, e)
	entries, err := tree.ReadDir("usr/lib")
	require.NoError(t, err)
	require.Len(t, entries, 3)
	require.Equal(t, "x", entries[2].Name)
	require.True(t, entries[2].Dir)

	require.NoError(t, tree.Move("usr/lib", "lib"))
	require.NoError(t, tree.Move("lib/a", "lib/c"))
	require.NoError(t, tree.Remove("usr"))
	require.Equal(t, ". lib/ lib/b lib/c lib/x/", show(t, tree))
	require.True(t, tree.Exists("lib/x"))
	require.False(t, tree.Exists("usr/lib"))
	require.False(t, tree.Exists("lib/b/below"))

	meta := ostree.DirMeta{UID: 5, Mode: 0o041777}
	require.NoError(t, tree.SetMeta("lib", meta))
	require.NoError(t, tree.SetMeta("/", meta))
	e, err = tree.Lookup("lib")
	require.NoError(t, err)
	require.Equal(t, meta, e.Meta)
}

func TestTreeErrors(t *testing.T) {
	t.Parallel()
	tree := sampleTree(t)
	before := show(t, tree)
	lookup := func(name string) error { _, err := tree.Lookup(name); return err }
	readDir := func(name string) error { _, err := tree.ReadDir(name); return err }
	for want, errs := range map[error][]error{
		fs.ErrNotExist: {
			lookup("nope"), lookup("usr/lib/a/b"), readDir("nope"), tree.SetFile("nope/x", fileSum), tree.Mkdir("nope/x", dirMode),
			tree.Remove("nope"), tree.Move("nope", "usr/y"), tree.Move("usr/lib/a", "nope/a"), tree.SetMeta("nope", dirMode), tree.Move("nope", "nope"),
		},
		fs.ErrExist:     {tree.Mkdir("usr", dirMode), tree.Mkdir("usr/lib/a", dirMode), tree.Move("usr/lib/a", "usr/lib/b"), tree.Move("usr/share", "usr/lib")},
		syscall.ENOTDIR: {readDir("usr/lib/a"), tree.SetFile("usr/lib/a/x", fileSum), tree.MkdirAll("usr/lib/a/x", dirMode), tree.SetMeta("usr/lib/a", dirMode)},
		syscall.EISDIR:  {tree.SetFile("usr", fileSum)},
		syscall.EINVAL:  {tree.Remove("/"), tree.SetFile("", fileSum), tree.Move("usr", "usr/lib/usr"), tree.Move("/", "x")},
	} {
		for i, err := range errs {
			require.ErrorIs(t, err, want, "%v %d", want, i)
			require.ErrorAs(t, err, new(*fs.PathError))
		}
	}
	require.Error(t, tree.SetFile("usr/\xff", fileSum))
	require.NoError(t, tree.Move("usr", "/usr"))
	require.Equal(t, before, show(t, tree))
}

func TestWalkSkips(t *testing.T) {
	t.Parallel()
	tree := sampleTree(t)
	var seen []string
	walk := func(at string, answers map[string]error) error {
		seen = nil
		return tree.Walk(at, func(name string, _ ostree.Entry) error {
			seen = append(seen, name)
			return answers[name]
		})
	}
	require.NoError(t, walk("usr", map[string]error{"usr/lib": fs.SkipDir}))
	require.Equal(t, []string{"usr", "usr/lib", "usr/share"}, seen)
	require.NoError(t, walk("/", map[string]error{"usr/lib/a": fs.SkipDir}))
	require.Equal(t, []string{".", "usr", "usr/lib", "usr/lib/a", "usr/share"}, seen)
	require.NoError(t, walk("/", map[string]error{"usr/lib": fs.SkipAll}))
	require.Equal(t, []string{".", "usr", "usr/lib"}, seen)
	stop := errors.New("stop")
	require.ErrorIs(t, walk("usr/lib/a", map[string]error{"usr/lib/a": stop}), stop)

	require.NoError(t, tree.Walk("", func(name string, e ostree.Entry) error {
		if strings.HasPrefix(name, "usr/lib/") || name == "usr/share" {
			return tree.Remove(name)
		}
		return nil
	}))
	require.Equal(t, ". usr/ usr/lib/", show(t, tree))
}

func TestTreesAreWrittenIncrementally(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	var first, second ostree.TreeID
	update(t, r, func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		c, err := w.WriteFile(t.Context(), plain, text("x"))
		require.NoError(t, err)
		for _, dir := range []string{"a/b", "a/c", "d/e"} {
			require.NoError(t, tree.MkdirAll(dir, dirMode))
			require.NoError(t, tree.SetFile(dir+"/f-"+dir[:1], c))
		}
		first, err = w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		written := w.Stats().MetadataWritten
		require.Equal(t, 6, written, "/ a d {a/b,a/c} d/e and one dirmeta")

		again, err := w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		require.Equal(t, first, again)
		require.Equal(t, written, w.Stats().MetadataWritten)
		return nil
	})
	update(t, r, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(t.Context(), first)
		require.NoError(t, err)
		require.NoError(t, tree.Move("a/b", "d/b"))
		second, err = w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		require.Equal(t, 3, w.Stats().MetadataTotal, "only /, a and d are written")
		return nil
	})
	tree, err := r.LoadTree(t.Context(), second)
	require.NoError(t, err)
	require.Equal(t, ". a/ a/c/ a/c/f-a d/ d/b/ d/b/f-a d/e/ d/e/f-d", show(t, tree))

	update(t, r, func(w *ostree.Writer) error {
		require.NoError(t, tree.Move("d/b", "a/b"))
		id, err := w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		require.Equal(t, first, id, "the same tree has the same name")
		return nil
	})
	_, err = r.LoadTree(t.Context(), ostree.TreeID{Contents: fileSum, Meta: fileSum})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
}

func TestLostDirectoryIsNotAMissingPath(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := writeGolden(t, r, goldenCommitValue(t))
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	removeObject(t, r, goldenSubTree, "dirtree")
	tree, err := r.LoadTree(t.Context(), commit.Tree)
	require.NoError(t, err)
	_, err = tree.Lookup("d/empty")
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.NotErrorIs(t, err, fs.ErrNotExist)
	require.True(t, tree.Exists("d/empty"))
}
