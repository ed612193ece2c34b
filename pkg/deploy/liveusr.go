package deploy

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// StateDir is the directory in /run for what is known of a running deployment until the next boot. It
// need not exist.
func (s *Sysroot) StateDir(d Deployment) string {
	return filepath.Join(s.opts.runDir(), "ostree/deployment-state", d.Name())
}

// EtcDir is /etc of a running deployment, where the system has it: the directory of the deployment may be read-only,
// or below something that is mounted.
func (s *Sysroot) EtcDir(d Deployment) string {
	if s.opts.hostRoot() == "/" {
		return "/etc"
	}
	return d.Path + "/etc"
}

// WritableUsr opens the running system's /usr for writing, when that is an overlay of [UnlockTransient],
// which is read-only for everybody else: through a mount of its own that nobody sees, and that goes when
// the handle is closed. Names below it are those below /proc/self/fd/N.
func (s *Sysroot) WritableUsr() (usr *os.File, err error) {
	path := filepath.Join(s.opts.hostRoot(), "usr")
	fd := -1
	err = s.inSystem(func() (err error) {
		fd, err = unix.OpenTree(unix.AT_FDCWD, path, unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC)
		return err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "open_tree", Path: path, Err: err}
	}
	usr = os.NewFile(uintptr(fd), path)
	// Anything else is the tree of the deployment, which must not be written.
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil || st.Type != unix.OVERLAYFS_SUPER_MAGIC {
		usr.Close()
		return nil, errors.Join(fmt.Errorf("%s: not an overlay; something is mounted on it, or the overlay was unmounted", path), err)
	}
	if err := unix.MountSetattr(fd, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err != nil {
		usr.Close()
		return nil, &fs.PathError{Op: "mount_setattr", Path: path, Err: err}
	}
	if err := writableSuperblock(fd); err != nil {
		usr.Close()
		return nil, fmt.Errorf("make the overlay on %s writable: %w", path, err)
	}
	return usr, nil
}

// writableSuperblock makes the file system of a mount writable; its other mounts stay read-only.
func writableSuperblock(mount int) error {
	pick, err := unix.Fspick(mount, "", unix.FSPICK_EMPTY_PATH|unix.FSPICK_CLOEXEC)
	if err != nil {
		return fmt.Errorf("fspick: %w", err)
	}
	defer unix.Close(pick) //nolint:errcheck // nothing is written through it
	if err := unix.FsconfigSetFlag(pick, "rw"); err != nil {
		return fmt.Errorf("fsconfig: %w", err)
	}
	return unix.FsconfigReconfigure(pick)
}
