package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func inode(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	require.NoError(t, unix.Lstat(path, &st))
	return st
}

// stageHello writes a file whose checksum is goldenHello and returns the
// directory in which it waits.
func stageHello(t *testing.T, r *ostree.Repo, w *ostree.Writer) string {
	t.Helper()
	c, err := w.WriteFile(t.Context(), ostree.FileInfo{Mode: unix.S_IFREG | 0o644}, text("hello\n"))
	require.NoError(t, err)
	require.Equal(t, goldenHello, c.String())
	dirs := staged(t, r, "staging-*/"+goldenHello[:2])
	require.Len(t, dirs, 1)
	return dirs[0]
}

func helloPath(r *ostree.Repo) string {
	return filepath.Join(r.Path(), "objects", goldenHello[:2], goldenHello[2:]+".file")
}

func TestUpdateMovesNewDirectoriesWhole(t *testing.T) {
	t.Parallel()
	for _, each := range []bool{false, true} {
		r := newRepo(t, ostree.ModeBareUser)
		var dir unix.Stat_t
		require.NoError(t, r.UpdateWith(t.Context(), func(w *ostree.Writer) error {
			dir = inode(t, stageHello(t, r, w))
			return nil
		}, ostree.UpdateOptions{SyncEach: each}))
		require.FileExists(t, helloPath(r))
		require.Equal(t, dir.Ino, inode(t, filepath.Dir(helloPath(r))).Ino)
		requireNoLeftovers(t, r)
	}
}

func TestUpdateMovesIntoDirectoriesThatExist(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	other := filepath.Join(filepath.Dir(helloPath(r)), "other")
	update(t, r, func(w *ostree.Writer) error {
		stageHello(t, r, w)
		// As if another process had been faster.
		require.NoError(t, os.Mkdir(filepath.Dir(other), 0o755))
		return os.WriteFile(other, nil, 0o644)
	})
	require.FileExists(t, helloPath(r))
	require.FileExists(t, other)
	requireNoLeftovers(t, r)
}

func TestUpdateMovesCommitsLast(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	dirs := map[string]uint64{}
	update(t, r, func(w *ostree.Writer) error {
		tree, err := w.WriteTree(t.Context(), ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755}))
		require.NoError(t, err)
		c, err := w.WriteCommit(t.Context(), ostree.Commit{Tree: tree})
		require.NoError(t, err)
		dirs[c.String()[:2]] = inode(t, staged(t, r, "staging-*/"+c.String()[:2])[0]).Ino
		return nil
	})
	for name, ino := range dirs {
		require.NotEqual(t, ino, inode(t, filepath.Join(r.Path(), "objects", name)).Ino, "a commit is moved after all it refers to")
	}
	requireNoLeftovers(t, r)
}

// What is made below a directory with the setgid bit gets its group; a directory
// that was moved there would not have it.
func TestUpdateKeepsTheGroupOfObjects(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	objects := filepath.Join(r.Path(), "objects")
	require.NoError(t, os.Chmod(objects, 0o775|os.ModeSetgid))
	update(t, r, func(w *ostree.Writer) error {
		stageHello(t, r, w)
		return nil
	})
	require.FileExists(t, helloPath(r))
	made := inode(t, filepath.Dir(helloPath(r)))
	require.Equal(t, inode(t, objects).Gid, made.Gid)
	require.NotZero(t, made.Mode&unix.S_ISGID)
	requireNoLeftovers(t, r)
}
