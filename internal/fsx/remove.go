package fsx

import (
	"errors"
	"io/fs"
	"os"
	"runtime"
	"sync"

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
	r := remover{dev: st.Dev, free: make(chan struct{}, runtime.GOMAXPROCS(0)-1)}
	return r.entry(dirfd, name)
}

// remover is one run.
type remover struct {
	dev  uint64        // the file system that may be touched
	free chan struct{} // room for what further goroutines put in
}

// entry removes one entry of a directory.
func (r *remover) entry(dirfd int, name string) error {
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
	if st.Dev != r.dev {
		return &fs.PathError{Op: "remove", Path: name, Err: unix.EXDEV}
	}
	return r.dir(dirfd, name)
}

func (r *remover) dir(dirfd int, name string) error {
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
	if err := r.entries(int(d.Fd()), names); err != nil {
		return err
	}
	if err := retry(func() error { return unix.Unlinkat(dirfd, name, unix.AT_REMOVEDIR) }); err != nil {
		return ignoreMissing(&fs.PathError{Op: "rmdir", Path: name, Err: err})
	}
	return nil
}

// entries removes what is in a directory: the second half of many names by another goroutine, if
// a processor has none. On a tree of hard links the time goes into the kernel.
func (r *remover) entries(dirfd int, names []string) error {
	const worth = 8 // a goroutine
	if len(names) >= worth {
		select {
		case r.free <- struct{}{}:
			var others sync.WaitGroup
			var otherErr error
			half := len(names) / 2
			others.Go(func() {
				defer func() { <-r.free }()
				otherErr = r.entries(dirfd, names[half:])
			})
			err := r.entries(dirfd, names[:half])
			others.Wait()
			return errors.Join(err, otherErr)
		default:
		}
	}
	for _, name := range names {
		if err := r.entry(dirfd, name); err != nil {
			return err
		}
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
