package fsx_test

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

func openDir(t *testing.T, path string) *os.File {
	t.Helper()
	d, err := fsx.OpenDir(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func TestXattrsAreSortedAndEmptyOnesDropped(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	big := make([]byte, 2000)
	big[0] = 1
	want := []fsx.Xattr{{Name: "user.a", Value: []byte("x")}, {Name: "user.b", Value: big}}
	require.NoError(t, fsx.LSetXattrs(path, []fsx.Xattr{want[1], want[0], {Name: "user.empty"}}))

	got, err := fsx.LXattrs(path)
	require.NoError(t, err)
	require.Equal(t, want, got)
	got, err = fsx.LXattrsAt(int(openDir(t, dir).Fd()), "f")
	require.NoError(t, err)
	require.Equal(t, want, got)
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	got, err = fsx.Xattrs(int(f.Fd()))
	require.NoError(t, err)
	require.Equal(t, want, got)

	all, err := fsx.AllXattrs(int(f.Fd()))
	require.NoError(t, err)
	require.Equal(t, append(want, fsx.Xattr{Name: "user.empty", Value: []byte{}}), all)

	_, err = fsx.LXattrs(filepath.Join(dir, "missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestOpenStaysInside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "tree/etc"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "secret"), []byte("s"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "tree/etc/passwd"), []byte("p"), 0o644))
	require.NoError(t, os.Symlink("../secret", filepath.Join(root, "tree/out")))
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(root, "tree/abs")))
	d := int(openDir(t, filepath.Join(root, "tree")).Fd())

	for _, path := range []string{"../secret", "out", "abs"} {
		_, err := fsx.OpenBeneath(d, path, unix.O_RDONLY, 0)
		require.ErrorIs(t, err, unix.EXDEV, path)
	}
	_, err := fsx.OpenInRoot(d, "out", unix.O_RDONLY, 0)
	require.ErrorIs(t, err, fs.ErrNotExist)
	f, err := fsx.OpenInRoot(d, "abs", unix.O_RDONLY, 0)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	target, err := fsx.ReadLinkAt(d, "abs")
	require.NoError(t, err)
	require.Equal(t, "/etc/passwd", target)
}

func TestIsName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "..a", "…", " "} {
		require.True(t, fsx.IsName(name), name)
	}
	for _, name := range []string{"", ".", "..", "a/b", "/", "a/", "/a"} {
		require.False(t, fsx.IsName(name), name)
	}
}

func TestWriteFileReplacesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	require.NoError(t, fsx.WriteFile(path, []byte("one"), 0o600))
	require.NoError(t, fsx.WriteFile(path, []byte("two"), 0o666))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "two", string(data))
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o666), info.Mode())

	require.NoError(t, os.Mkdir(filepath.Join(dir, "d"), 0o755))
	require.Error(t, fsx.WriteFile(filepath.Join(dir, "d"), nil, 0o644))
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 2)
}

func TestTempFileAndLinks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := int(openDir(t, dir).Fd())
	f, err := fsx.TempFile(d, 0o644)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.WriteString("content")
	require.NoError(t, err)
	require.NoError(t, fsx.LinkTemp(f, d, "a"))
	require.ErrorIs(t, fsx.LinkTemp(f, d, "a"), fs.ErrExist)
	require.NoError(t, fsx.LinkAt(d, "a", d, "b"))
	require.ErrorIs(t, fsx.LinkAt(d, "a", d, "b"), fs.ErrExist)
	st, err := fsx.StatAt(d, "b")
	require.NoError(t, err)
	require.EqualValues(t, 2, st.Nlink)
	require.NoError(t, fsx.LUtimesAt(d, "b", 1))
	st, err = fsx.StatAt(d, "a")
	require.NoError(t, err)
	require.EqualValues(t, 1, st.Mtim.Sec)

	out, err := os.Create(filepath.Join(dir, "copy"))
	require.NoError(t, err)
	defer out.Close()
	_, err = f.Seek(0, 0)
	require.NoError(t, err)
	require.NoError(t, fsx.CopyFile(out, f))
	data, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	require.Equal(t, "content", string(data))
}

func TestRemoveAll(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(outside, "keep"), nil, 0o644))
	dir := filepath.Join(t.TempDir(), "tree")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/b/c"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a/b/f"), nil, 0o400))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "a/link")))
	require.NoError(t, os.Chmod(filepath.Join(dir, "a/b"), 0))
	for i := range 20 { // enough for all processors
		sub := filepath.Join(dir, "many", strconv.Itoa(i))
		require.NoError(t, os.MkdirAll(sub, 0o755))
		for j := range 20 {
			require.NoError(t, os.WriteFile(filepath.Join(sub, strconv.Itoa(j)), nil, 0o644))
		}
	}
	require.NoError(t, fsx.RemoveAll(dir))
	require.NoFileExists(t, dir)
	require.FileExists(t, filepath.Join(outside, "keep"))
	require.NoError(t, fsx.RemoveAll(dir))
	require.NoError(t, fsx.RemoveAll(filepath.Join(dir, "below/missing")))
}

func TestRemoveAllImmutable(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := filepath.Join(t.TempDir(), "tree")
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "a/b"), 0o755))
	file := filepath.Join(dir, "a/b/f")
	require.NoError(t, os.WriteFile(file, nil, 0o644))
	for _, path := range []string{file, filepath.Join(dir, "a"), dir} {
		f, err := os.Open(path)
		require.NoError(t, err)
		require.NoError(t, fsx.SetImmutable(f, true))
		on, err := fsx.IsImmutable(f)
		require.NoError(t, err)
		require.True(t, on)
		require.NoError(t, f.Close())
	}
	require.ErrorIs(t, os.Remove(file), fs.ErrPermission)
	require.NoError(t, fsx.RemoveAll(dir))
	require.NoFileExists(t, dir)
}

func TestRemoveAllStopsAtMounts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := filepath.Join(t.TempDir(), "tree")
	mount := filepath.Join(dir, "mnt")
	require.NoError(t, os.MkdirAll(mount, 0o755))
	require.NoError(t, unix.Mount("tmpfs", mount, "tmpfs", 0, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(mount, 0)) })
	require.NoError(t, os.WriteFile(filepath.Join(mount, "keep"), nil, 0o644))
	require.ErrorIs(t, fsx.RemoveAll(dir), unix.EXDEV)
	require.FileExists(t, filepath.Join(mount, "keep"))
}

func TestFreezeFallsBackToSync(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	mount := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", mount, "tmpfs", 0, ""))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(mount, unix.MNT_DETACH)) })
	d, err := os.Open(mount)
	require.NoError(t, err)
	defer d.Close()
	require.NoError(t, fsx.Freeze(d))
}

func TestReplaceFile(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte("old"), 0o600))
	write := func(f *os.File) error { _, err := f.WriteString("new"); return err }
	fail := func(*os.File) error { return io.ErrClosedPipe }
	check := func(f *os.File) error {
		_, err := f.WriteString("x")
		require.Error(t, err, "it is open for reading only")
		data, err := io.ReadAll(f)
		require.Equal(t, "new", string(data))
		return err
	}
	require.ErrorIs(t, fsx.ReplaceFile(name, 0o644, fail, check), io.ErrClosedPipe)
	require.ErrorIs(t, fsx.ReplaceFile(name, 0o644, write, fail), io.ErrClosedPipe)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "old", string(data))
	require.NoError(t, fsx.ReplaceFile(name, 0o644, write, check))
	data, err = os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, "new", string(data))
	entries, err := os.ReadDir(filepath.Dir(name))
	require.NoError(t, err)
	require.Len(t, entries, 1)
}
