// Package mountns gives a program that changes the running system the writable mounts it needs.
//
// The initramfs mounts /sysroot, and with it /boot, read-only, so that nobody writes there by accident.
// The programs that manage deployments write there on purpose, and each makes the mounts writable for
// itself alone, in a mount namespace of its own, as "ostree admin" does.
package mountns

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// paths are where a running system has what its deployments are made of.
var paths = []string{"/sysroot", "/boot"}

// Writable makes sure that the process may write below a sysroot. Only when that is the running system
// and its mounts are read-only is anything done: then the program is executed again, with its
// arguments and environment, in a namespace where they are not, and Writable does not return. So call
// it before anything that cannot be done twice.
//
// Everything but /sysroot and /boot is shared with the system, also mounts that are made later.
func Writable(sysroot string) error {
	readonly, err := readOnly(sysroot)
	if err != nil || len(readonly) == 0 {
		return err
	}
	// A namespace belongs to a thread, and a program that is executed gets that of the thread which does it.
	runtime.LockOSThread()
	if err := unix.Unshare(unix.CLONE_NEWNS); err != nil {
		return fmt.Errorf("mount namespace: %w", err)
	}
	for _, path := range readonly {
		if err := remount(path); err != nil {
			return err
		}
	}
	path := ownPath()
	err = unix.Exec(path, os.Args, os.Environ())
	return fmt.Errorf("execute %s: %w", path, err)
}

// ownPath is where the program is. By that the kernel names the process, for ps and the journal, so it is the path
// of its file, unless there is another program by now.
func ownPath() string {
	const running = "/proc/self/exe"
	path, err := os.Executable()
	if err != nil {
		return running
	}
	file, err := os.Stat(path)
	if err != nil {
		return running
	}
	own, err := os.Stat(running)
	if err != nil || !os.SameFile(file, own) {
		return running
	}
	return path
}

// readOnly returns the mounts to be changed.
func readOnly(sysroot string) ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, nil // whatever is tried fails with a better error
	}
	if _, err := os.Stat("/run/ostree-booted"); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if same, err := isRunning(sysroot); err != nil || !same {
		return nil, err
	}
	var found []string
	for _, path := range paths {
		ro, err := isReadOnly(path)
		if err != nil {
			return nil, err
		}
		if ro {
			found = append(found, path)
		}
	}
	return found, nil
}

// isRunning tells whether a sysroot is that of the running system, which is called / or /sysroot.
func isRunning(sysroot string) (bool, error) {
	have, err := os.Stat(sysroot)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // the one who opens it says so
	}
	if err != nil {
		return false, err
	}
	for _, path := range []string{"/", "/sysroot"} {
		info, err := os.Stat(path)
		if err == nil && os.SameFile(have, info) {
			return true, nil
		}
	}
	return false, nil
}

func isReadOnly(path string) (bool, error) {
	var st unix.Statfs_t
	err := unix.Statfs(path, &st)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, &fs.PathError{Op: "statfs", Path: path, Err: err}
	}
	return st.Flags&unix.ST_RDONLY != 0, nil
}

// remount makes one mount private and writable.
func remount(path string) error {
	// Mounts below it are the business of this program alone. A path that is not a mount point belongs to
	// a mount that must stay as it is.
	err := unix.Mount("", path, "", unix.MS_PRIVATE|unix.MS_REC, "")
	if errors.Is(err, unix.EINVAL) {
		err = unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, "")
	}
	if err != nil {
		return &fs.PathError{Op: "mount", Path: path, Err: err}
	}
	if err := unix.MountSetattr(unix.AT_FDCWD, path, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY}); err != nil {
		return &fs.PathError{Op: "mount_setattr", Path: path, Err: err}
	}
	ro, err := isReadOnly(path)
	if err == nil && ro {
		err = fmt.Errorf("the file system of %s is read-only, not just its mount: make it writable first (mount -o remount,rw), or see in the kernel log why it became so", path)
	}
	return err
}
