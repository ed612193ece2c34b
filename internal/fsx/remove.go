package fsx

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// RemoveAll removes a path and everything below it, like [os.RemoveAll]. It
// also clears the immutable attribute of directories and opens directories
// whose mode forbids it. It does not follow symbolic links and does not cross
// into other file systems: a mount below gives EXDEV and nothing of it is lost.
func RemoveAll(path string) error {
	parent, name := splitPath(path)
	dir, err := OpenAt(unix.AT_FDCWD, parent, unix.O_PATH|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer dir.Close()
	if err := RemoveAllAt(int(dir.Fd()), name); err != nil {
		return &fs.PathError{Op: "remove", Path: path, Err: err}
	}
	return nil
}

// RemoveAllAt is [RemoveAll] for a name in an open directory.
func RemoveAllAt(dirfd int, name string) error {
	st, err := StatAt(dirfd, name)
	if err != nil {
		return ignoreMissing(err)
	}
	return removeAt(dirfd, name, st.Dev)
}

// removeAt removes one entry; dev is the file system that may be touched.
func removeAt(dirfd int, name string, dev uint64) error {
	err := retry(func() error { return unix.Unlinkat(dirfd, name, 0) })
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, unix.EISDIR), errors.Is(err, unix.EPERM): // EPERM: a directory to POSIX, or immutable
	default:
		return &fs.PathError{Op: "unlinkat", Path: name, Err: err}
	}
	st, statErr := StatAt(dirfd, name)
	if statErr != nil {
		return ignoreMissing(statErr)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return removeImmutable(dirfd, name, err)
	}
	if st.Dev != dev {
		return &fs.PathError{Op: "remove", Path: name, Err: unix.EXDEV}
	}
	return removeDir(dirfd, name, dev)
}

func removeDir(dirfd int, name string, dev uint64) error {
	d, err := OpenDirAt(dirfd, name)
	if errors.Is(err, fs.ErrPermission) {
		if err := unix.Fchmodat(dirfd, name, 0o700, 0); err != nil {
			return &fs.PathError{Op: "chmod", Path: name, Err: err}
		}
		d, err = OpenDirAt(dirfd, name)
	}
	if err != nil {
		return ignoreMissing(err)
	}
	defer d.Close()
	if err := makeRemovable(d); err != nil {
		return err
	}
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := removeAt(int(d.Fd()), n, dev); err != nil {
			return err
		}
	}
	if err := retry(func() error { return unix.Unlinkat(dirfd, name, unix.AT_REMOVEDIR) }); err != nil {
		return ignoreMissing(&fs.PathError{Op: "rmdir", Path: name, Err: err})
	}
	return nil
}

// makeRemovable clears what keeps the entries of a directory from being removed.
func makeRemovable(d *os.File) error {
	immutable, err := IsImmutable(d)
	if err != nil || !immutable {
		return err
	}
	return SetImmutable(d, false)
}

// removeImmutable removes a regular file whose first unlink gave cause.
func removeImmutable(dirfd int, name string, cause error) error {
	f, err := OpenAt(dirfd, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return &fs.PathError{Op: "unlinkat", Path: name, Err: cause}
	}
	defer f.Close()
	if err := SetImmutable(f, false); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Unlinkat(dirfd, name, 0) }); err != nil {
		return &fs.PathError{Op: "unlinkat", Path: name, Err: err}
	}
	return nil
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
