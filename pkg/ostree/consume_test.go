package ostree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestConsume(t *testing.T) {
	t.Parallel()
	for _, mode := range writableModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			parent := t.TempDir()
			dir := filepath.Join(parent, "tree")
			require.NoError(t, os.MkdirAll(filepath.Join(dir, "sub"), 0o755))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "sub/a"), []byte("a"), 0o644))
			require.NoError(t, os.Link(filepath.Join(dir, "sub/a"), filepath.Join(parent, "other name")))
			r, err := ostree.Init(filepath.Join(parent, "repo"), mode, fastOptions)
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, r.Close()) })

			opts := ostree.AddOptions{CanonicalPermissions: true, Consume: true}
			err = r.Update(t.Context(), func(w *ostree.Writer) error {
				_, err := addTree(t.Context(), w, dir, opts)
				require.NoError(t, err)
				return errInterrupted
			})
			require.ErrorIs(t, err, errInterrupted)
			require.FileExists(t, filepath.Join(dir, "sub/a"), "what is not committed is not lost")

			id := addedTreeWith(t, r, dir, opts)
			require.NoDirExists(t, dir)
			require.Equal(t, "d00755 0 0 /\nd00755 0 0 /sub\n-00644 0 0 1 /sub/a\n", ostreetest.ListTree(t, r, id))
			var st unix.Stat_t
			require.NoError(t, unix.Stat(filepath.Join(parent, "other name"), &st))
			if mode == ostree.ModeBareUserOnly {
				require.EqualValues(t, 2, st.Nlink, "the file was linked, not copied")
			} else {
				require.EqualValues(t, 1, st.Nlink)
			}
		})
	}
}

func TestConsumeRefusesToRemoveTheRepository(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeArchive, fastOptions)
	require.NoError(t, err)
	defer r.Close()
	err = r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := addTree(t.Context(), w, dir, ostree.AddOptions{Consume: true})
		return err
	})
	require.ErrorContains(t, err, r.Path())
	require.DirExists(t, r.Path())

	id := addedTreeWith(t, r, dir, ostree.AddOptions{CanonicalPermissions: true})
	require.Equal(t, "d00755 0 0 /\n", ostreetest.ListTree(t, r, id), "a repository is not part of its own commits")
}

// source makes a directory that can be consumed.
func source(t *testing.T, parent string, tree ostreetest.Tree) string {
	t.Helper()
	dir := filepath.Join(parent, "source")
	require.NoError(t, os.Mkdir(dir, 0o755))
	ostreetest.Write(t, dir, tree)
	return dir
}

// hold keeps the inodes of the files in a directory from being used again.
func hold(t *testing.T, dir string) {
	t.Helper()
	links := t.TempDir()
	for _, name := range inodes(t, dir) {
		require.NoError(t, os.Link(filepath.Join(dir, name), filepath.Join(links, strings.ReplaceAll(name, "/", "-"))))
	}
}

// inodes notes the inode of each regular file below a directory.
func inodes(t *testing.T, dir string) map[uint64]string {
	t.Helper()
	found := map[uint64]string{}
	require.NoError(t, filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			var st unix.Stat_t
			require.NoError(t, unix.Lstat(p, &st))
			found[st.Ino] = strings.TrimPrefix(p, dir)
		}
		return err
	}))
	return found
}

// moved lists which files of a directory have become objects without a copy.
func moved(t *testing.T, before map[uint64]string, r *ostree.Repo) []string {
	t.Helper()
	var names []string
	for ino := range inodes(t, filepath.Join(r.Path(), "objects")) {
		if name, ok := before[ino]; ok {
			names = append(names, name)
		}
	}
	return names
}

// TestConsumeIsThatOfOstree compares trees, what is left, and what was moved.
func TestConsumeIsThatOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	tree := ostreetest.Plain().Without("usr/lib/b/twin").With(ostreetest.Tree{ // which of two equal ones becomes the object is chance
		"a/x":    ostreetest.File("x").Perm(0o755).Xattr("user.x", "x"),
		"a/y":    ostreetest.File("y").Owner(3, 4),
		"a/b/z":  ostreetest.File("z").Perm(0o600),
		"a/b/l":  ostreetest.Link("z"),
		"skip/f": ostreetest.File("f"),
	})
	skip := filepath.Join(t.TempDir(), "skip")
	require.NoError(t, os.WriteFile(skip, []byte("/skip\n"), 0o600))
	for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeBareUserOnly, ostree.ModeBareUser, ostree.ModeArchive} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			theirDir, ourDir := source(t, t.TempDir(), tree), source(t, t.TempDir(), tree)
			hold(t, theirDir)
			hold(t, ourDir)
			before := inodes(t, theirDir)
			theirs := ostreetest.Repo(t, mode)
			c, err := ostree.ParseChecksum(ostreetest.CLI(t, theirs, "commit", "--orphan", "--consume", "--skip-list="+skip, "--tree=dir="+theirDir))
			require.NoError(t, err)
			movedTheirs := moved(t, before, theirs)
			commit, err := theirs.LoadCommit(t.Context(), c)
			require.NoError(t, err)

			list, err := ostree.ParseSkipList(strings.NewReader("/skip\n"))
			require.NoError(t, err)
			before = inodes(t, ourDir)
			ours := ostreetest.Repo(t, mode)
			require.Equal(t, commit.Tree, addedTreeWith(t, ours, ourDir, ostree.AddOptions{Consume: true, SkipList: list}))
			require.ElementsMatch(t, movedTheirs, moved(t, before, ours))
			require.NoDirExists(t, theirDir)
			require.NoDirExists(t, ourDir)
			ostreetest.CLI(t, ours, "fsck", "--quiet")
		})
	}
}

// TestConsumeKnownInodes consumes a checkout as ostree commit -I --consume does.
func TestConsumeKnownInodes(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	tree := ostreetest.Tree{"a": ostreetest.File("a"), "d/b": ostreetest.File("b")}
	for _, trust := range []bool{false, true} {
		var ids []ostree.TreeID
		for range 2 {
			r := ostreetest.Repo(t, ostree.ModeBare)
			dir, cache := linkedCheckout(t, r, tree)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "d/new"), []byte("new"), 0o644))
			if len(ids) > 0 {
				ids = append(ids, addedTreeWith(t, r, dir, ostree.AddOptions{Consume: true, DevIno: cache, TrustDevIno: trust}))
				require.NoDirExists(t, dir)
				break
			}
			flag := "--link-checkout-speedup"
			if trust {
				flag = "--devino-canonical"
			}
			c, err := ostree.ParseChecksum(ostreetest.CLI(t, r, "commit", "--orphan", "--consume", flag, "--tree=dir="+dir))
			require.NoError(t, err)
			commit, err := r.LoadCommit(t.Context(), c)
			require.NoError(t, err)
			require.NoDirExists(t, dir)
			ids = append(ids, commit.Tree)
		}
		require.Equal(t, ids[0], ids[1])
	}
}

func TestConsumeCopiesFromAnotherFileSystem(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	mount := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", mount, "tmpfs", 0, "size=1m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(mount, unix.MNT_DETACH)) })
	dir := source(t, mount, ostreetest.Plain())
	want := ostreetest.ListDir(t, dir)
	r := ostreetest.Repo(t, ostree.ModeBare)
	id := addedTreeWith(t, r, dir, ostree.AddOptions{Consume: true})
	require.Equal(t, want, ostreetest.ListTree(t, r, id))
	require.NoDirExists(t, dir)
}

func TestConsumeKeepsWhatWasNotThere(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUserOnly)
	dir := source(t, t.TempDir(), ostreetest.Tree{"d/a": ostreetest.File("a")})
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := addTree(t.Context(), w, dir, ostree.AddOptions{Consume: true})
		require.NoError(t, err)
		return os.WriteFile(filepath.Join(dir, "d/late"), []byte("late"), 0o600)
	})
	require.ErrorIs(t, err, unix.ENOTEMPTY)
	require.ErrorContains(t, err, dir)
	require.FileExists(t, filepath.Join(dir, "d/late"))
	require.NoFileExists(t, filepath.Join(dir, "d/a"))
}

// A failed update that can be resumed must not keep links to files which their
// owner may change before that.
func TestConsumeThatFailsKeepsNoLinks(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUserOnly)
	dir := source(t, t.TempDir(), ostreetest.Tree{"a": ostreetest.File("a"), "b": ostreetest.File("b").Perm(0o664)})
	resume := ostree.UpdateOptions{Resume: true}
	err := r.UpdateWith(t.Context(), func(w *ostree.Writer) error {
		_, err := addTree(t.Context(), w, dir, ostree.AddOptions{Consume: true})
		require.NoError(t, err)
		return errInterrupted
	}, resume)
	require.ErrorIs(t, err, errInterrupted)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("changed"), 0o644))
	require.NoError(t, r.UpdateWith(t.Context(), func(*ostree.Writer) error { return nil }, resume))
	objects := inodes(t, filepath.Join(r.Path(), "objects"))
	for ino := range inodes(t, dir) {
		require.NotContains(t, objects, ino)
	}
	files, err := filepath.Glob(filepath.Join(r.Path(), "objects/*/*.file"))
	require.NoError(t, err)
	require.Len(t, files, 1, "the file that had to be copied was kept")
}
