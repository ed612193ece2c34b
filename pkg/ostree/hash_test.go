package ostree_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func ids(uid, gid uint32) ostree.HashOptions {
	return ostree.HashOptions{UID: &uid, GID: &gid, NoXattrs: true}
}

func TestHashFileIsTheChecksumOfTheObject(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "hello"), []byte("hello\n"), 0o644))
	require.NoError(t, os.Symlink("hello", filepath.Join(dir, "link")))
	require.NoError(t, os.Chmod(dir, 0o755))
	r := newRepo(t, ostree.ModeArchive)
	var tree *ostree.Tree
	var root uint32
	update(t, r, func(w *ostree.Writer) error {
		tree = ostree.NewTree(dirMode)
		return w.AddDirectory(t.Context(), tree, "/", dir, ostree.AddOptions{UID: &root, GID: &root, NoXattrs: true})
	})
	for _, name := range []string{"hello", "link"} {
		entry, err := tree.Lookup(name)
		require.NoError(t, err)
		c, err := ostree.HashFile(t.Context(), filepath.Join(dir, name), ids(0, 0))
		require.NoError(t, err)
		require.Equal(t, entry.File, c, name)
	}
	c, err := ostree.HashFile(t.Context(), dir, ids(0, 0))
	require.NoError(t, err)
	require.Equal(t, "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488", c.String(), "the dirmeta of a plain directory")
	other, err := ostree.HashFile(t.Context(), filepath.Join(dir, "hello"), ids(0, 1))
	require.NoError(t, err)
	require.NotEqual(t, c, other)
	_, err = ostree.HashFile(t.Context(), filepath.Join(dir, "nope"), ids(0, 0))
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestHashFileAgreesWithThePeer(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Tree{"file": ostreetest.File("x").Perm(0o750), "link": ostreetest.Link("file"), "dir": ostreetest.Dir()})
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "pipe"), 0o600))
	require.NoError(t, unix.Setxattr(filepath.Join(dir, "file"), "user.note", []byte("y"), 0))
	for _, name := range []string{"file", "link", "dir", "pipe"} {
		c, err := ostree.HashFile(t.Context(), filepath.Join(dir, name), ostree.HashOptions{})
		require.NoError(t, err)
		out, err := exec.CommandContext(t.Context(), "ostree", "checksum", filepath.Join(dir, name)).Output()
		require.NoError(t, err)
		require.Equal(t, strings.TrimSpace(string(out)), c.String(), name)
	}
}

func TestDiffSides(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	dir := t.TempDir()
	require.NoError(t, r.Checkout(t.Context(), c, filepath.Join(dir, "co"), ostree.CheckoutOptions{UserMode: true}))
	side := ostree.DiffSide{Dir: filepath.Join(dir, "co")}
	diff := func(from, to ostree.DiffSide, o ostree.HashOptions) []ostree.DiffEntry {
		entries, err := r.DiffSides(t.Context(), from, to, o)
		require.NoError(t, err)
		return entries
	}
	tree := ostree.DiffSide{Tree: commit.Tree}
	require.Empty(t, diff(tree, side, ids(0, 0)))
	require.Empty(t, diff(side, side, ids(0, 0)))
	require.NotEmpty(t, diff(tree, side, ids(0, 7)), "the owner counts")

	require.NoError(t, os.RemoveAll(filepath.Join(side.Dir, "usr/lib/b")))
	require.NoError(t, os.WriteFile(filepath.Join(side.Dir, "etc/new"), nil, 0o644))
	require.NoError(t, os.Chmod(filepath.Join(side.Dir, "usr/bin/hello"), 0o700))
	require.NoError(t, unix.Mkfifo(filepath.Join(side.Dir, "var/pipe"), 0o600))
	want := []ostree.DiffEntry{
		{Kind: ostree.Added, Path: "/etc/new"}, {Kind: ostree.Modified, Path: "/usr/bin/hello"},
		{Kind: ostree.Removed, Path: "/usr/lib/b"}, {Kind: ostree.Removed, Path: "/usr/lib/b/twin"}, {Kind: ostree.Added, Path: "/var/pipe"},
	}
	require.Equal(t, want, diff(tree, side, ids(0, 0)))
	require.Len(t, diff(side, tree, ids(0, 0)), len(want))
}
