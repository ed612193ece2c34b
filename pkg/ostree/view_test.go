package ostree_test

import (
	"io/fs"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestFSIsAFileSystem(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		r := ostreetest.Repo(t, mode)
		view := viewOf(t, r, ostreetest.Full().Without("usr/share/owned")) // a dangling link cannot be opened
		require.NoError(t, fstest.TestFS(view, "etc/passwd", "usr/bin/hi", "usr/lib/a/empty", "usr/share/ünïcödé/ß→x", "var/tmp"))
	}
}

func viewOf(t *testing.T, r *ostree.Repo, tree ostreetest.Tree) *ostree.TreeFS {
	t.Helper()
	view, err := r.FS(t.Context(), ostreetest.Commit(t, r, "", tree))
	require.NoError(t, err)
	return view
}

func TestFSFollowsLinksInsideTheTree(t *testing.T) {
	t.Parallel()
	view := viewOf(t, ostreetest.Repo(t, ostree.ModeBareUser), ostreetest.Tree{
		"usr/lib/os-release": ostreetest.File("ID=x"),
		"etc/os-release":     ostreetest.Link("../usr/lib/os-release"),
		"etc/absolute":       ostreetest.Link("/usr/lib/os-release"),
		"etc/outside":        ostreetest.Link("../../../../usr/lib/os-release"),
		"lib":                ostreetest.Link("usr/lib"),
		"loop":               ostreetest.Link("loop"),
		"dangling":           ostreetest.Link("/nope"),
		"through":            ostreetest.Link("usr/lib/os-release/x"),
		"slash":              ostreetest.Link("./usr//lib/"),
	})
	for _, name := range []string{"etc/os-release", "etc/absolute", "etc/outside", "lib/os-release", "slash/os-release"} {
		data, err := fs.ReadFile(view, name)
		require.NoError(t, err, name)
		require.Equal(t, "ID=x", string(data))
		info, err := fs.Stat(view, name)
		require.NoError(t, err)
		require.True(t, info.Mode().IsRegular())
	}
	info, err := fs.Lstat(view, "etc/absolute")
	require.NoError(t, err)
	require.Equal(t, "absolute", info.Name())
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	target, err := fs.ReadLink(view, "etc/absolute")
	require.NoError(t, err)
	require.Equal(t, "/usr/lib/os-release", target)

	for name, want := range map[string]error{
		"loop": unix.ELOOP, "dangling": fs.ErrNotExist, "through": unix.ENOTDIR, "usr/lib/os-release/x": unix.ENOTDIR,
		"../etc": fs.ErrInvalid, "/etc": fs.ErrInvalid,
	} {
		_, err := view.Stat(name)
		require.ErrorIs(t, err, want, name)
	}
	_, err = view.ReadFile("usr/lib")
	require.ErrorIs(t, err, unix.EISDIR)
	_, err = view.ReadDir("etc/os-release")
	require.ErrorIs(t, err, unix.ENOTDIR)
	_, err = view.ReadLink("usr/lib")
	require.ErrorIs(t, err, fs.ErrInvalid)
}

func TestFSModes(t *testing.T) {
	t.Parallel()
	view := viewOf(t, ostreetest.Repo(t, ostree.ModeBareUser), ostreetest.Full())
	for name, want := range map[string]fs.FileMode{
		"usr/bin/su":      0o755 | fs.ModeSetuid,
		"usr/bin/crontab": 0o755 | fs.ModeSetgid,
		"var/tmp":         0o777 | fs.ModeSticky | fs.ModeDir,
		"usr/bin/hi":      0o755,
	} {
		info, err := view.Stat(name)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode(), name)
	}
	info, err := view.Stat("usr/bin/crontab")
	require.NoError(t, err)
	require.EqualValues(t, 101, info.Sys().(*ostree.FileInfo).GID)
}
