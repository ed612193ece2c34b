package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// mountOverlay mounts an overlay on a path of the running system.
func (s *Sysroot) mountOverlay(lower, upper, work, target string, readOnly bool) error {
	mount, err := newOverlay(lower, upper, work, readOnly)
	if err != nil {
		return fmt.Errorf("mount an overlay on %s: %w", target, err)
	}
	defer unix.Close(mount) //nolint:errcheck // nothing is written through it
	return s.inSystem(func() error { return attach(mount, target) })
}

// newOverlay makes an overlay that is mounted nowhere yet. Directories are named by descriptors, since a path may
// have characters that mean something to the kernel.
func newOverlay(lower, upper, work string, readOnly bool) (mount int, err error) {
	overlay, err := unix.Fsopen("overlay", unix.FSOPEN_CLOEXEC)
	if errors.Is(err, unix.ENODEV) {
		return -1, errors.New("the kernel has no overlayfs")
	}
	if err != nil {
		return -1, os.NewSyscallError("fsopen", err)
	}
	defer unix.Close(overlay) //nolint:errcheck // the mount outlives it
	for _, dir := range []struct{ key, path string }{{"lowerdir", lower}, {"upperdir", upper}, {"workdir", work}} {
		f, err := fsx.OpenDir(dir.path)
		if err != nil {
			return -1, err
		}
		defer f.Close()
		if err := unix.FsconfigSetString(overlay, dir.key, fmt.Sprintf("/proc/self/fd/%d", f.Fd())); err != nil {
			return -1, fmt.Errorf("fsconfig %s=%s: %w", dir.key, dir.path, err)
		}
	}
	attributes := 0
	if readOnly {
		attributes = unix.MOUNT_ATTR_RDONLY
		if err := unix.FsconfigSetFlag(overlay, "ro"); err != nil {
			return -1, os.NewSyscallError("fsconfig", err)
		}
	}
	if err := unix.FsconfigCreate(overlay); err != nil {
		return -1, os.NewSyscallError("fsconfig", err)
	}
	mount, err = unix.Fsmount(overlay, unix.FSMOUNT_CLOEXEC, attributes)
	return mount, os.NewSyscallError("fsmount", err)
}

// attach mounts what is mounted nowhere on a path.
func attach(mount int, target string) error {
	if err := unix.MoveMount(mount, "", unix.AT_FDCWD, target, unix.MOVE_MOUNT_F_EMPTY_PATH); err != nil {
		return &fs.PathError{Op: "mount", Path: target, Err: err}
	}
	return nil
}
