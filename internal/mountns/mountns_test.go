package mountns_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/mountns"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// apart runs something in a mount namespace of its own; the thread that has it ends with it.
func apart(t *testing.T, do func() error) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := unix.Unshare(unix.CLONE_NEWNS)
		if err == nil {
			err = unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, "")
		}
		if err == nil {
			err = do()
		}
		done <- err
	}()
	require.NoError(t, <-done)
}

func TestRemountMount(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := t.TempDir()
	apart(t, func() error {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY|unix.MS_NOSUID, ""); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "before"), nil, 0o600); err == nil {
			t.Error("the mount is not read-only")
		}
		if err := mountns.Remount(dir); err != nil {
			return err
		}
		var st unix.Statfs_t
		if err := unix.Statfs(dir, &st); err != nil {
			return err
		}
		if st.Flags&unix.ST_NOSUID == 0 {
			t.Error("other options of the mount are lost")
		}
		return os.WriteFile(filepath.Join(dir, "after"), nil, 0o600)
	})
	require.FileExists(t, filepath.Join(dir, "after"))
}

// TestRemountDirectory is about a path that is no mount point, on a mount that is read-only.
func TestRemountDirectory(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := t.TempDir()
	below := filepath.Join(dir, "boot")
	require.NoError(t, os.Mkdir(below, 0o755))
	apart(t, func() error {
		if err := unix.Mount(dir, dir, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := unix.Mount("", dir, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return err
		}
		if err := mountns.Remount(below); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "beside"), nil, 0o600); err == nil {
			t.Error("the mount that has the directory became writable")
		}
		return os.WriteFile(filepath.Join(below, "after"), nil, 0o600)
	})
	require.FileExists(t, filepath.Join(below, "after"))
}

// TestRemountReadOnlyFileSystem names the reason when a mount option is not enough.
func TestRemountReadOnlyFileSystem(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	dir := t.TempDir()
	var result error
	apart(t, func() error {
		if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=64k"); err != nil {
			return err
		}
		if err := unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			return err
		}
		result = mountns.Remount(dir)
		return nil
	})
	require.ErrorContains(t, result, "the file system of "+dir)
}

func TestWritableElsewhere(t *testing.T) {
	t.Parallel()
	require.NoError(t, mountns.Writable(t.TempDir()))
	require.NoError(t, mountns.Writable(filepath.Join(t.TempDir(), "missing")))
}
