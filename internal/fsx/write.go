package fsx

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// WriteFile replaces a file: readers see the old content or the new one, also
// after a power failure. The file gets exactly the given mode, the umask does
// not apply.
func WriteFile(path string, data []byte, mode os.FileMode) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	if err := writeAndRename(f, path, data, mode); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(dir)
}

func writeAndRename(f *os.File, path string, data []byte, mode os.FileMode) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Chmod(mode)
	}
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// ReplaceFile is [WriteFile] for what a function writes. The second function gets
// the finished file, which is open for reading only and not yet at its path.
func ReplaceFile(path string, mode os.FileMode, write, finish func(*os.File) error) error {
	dir := filepath.Dir(path)
	f, err := os.CreateTemp(dir, "."+filepath.Base(path)+".*.tmp")
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		return errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err := errors.Join(f.Chmod(mode), f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	if err := finishAndRename(f.Name(), path, finish); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return SyncDir(dir)
}

func finishAndRename(from, to string, finish func(*os.File) error) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	if err := errors.Join(finish(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(from, to)
}

// SyncDir makes the entries of a directory durable.
func SyncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// SyncFS writes everything of the file system that holds an open file to disk.
func SyncFS(f *os.File) error {
	if err := retry(func() error { return unix.Syncfs(int(f.Fd())) }); err != nil {
		return &fs.PathError{Op: "syncfs", Path: f.Name(), Err: err}
	}
	return nil
}

// TempFile creates a file without a name on the file system of an open
// directory. It vanishes when it is closed, unless [LinkTemp] names it.
func TempFile(dirfd int, mode uint32) (*os.File, error) {
	return OpenAt(dirfd, ".", unix.O_TMPFILE|unix.O_RDWR, mode)
}

// LinkTemp gives a [TempFile] a name. It does not replace: an existing name is
// fs.ErrExist.
func LinkTemp(f *os.File, dirfd int, name string) error {
	from := "/proc/self/fd/" + strconv.Itoa(int(f.Fd()))
	err := retry(func() error { return unix.Linkat(unix.AT_FDCWD, from, dirfd, name, unix.AT_SYMLINK_FOLLOW) })
	if err != nil {
		return &fs.PathError{Op: "linkat", Path: name, Err: err}
	}
	return nil
}

// LinkAt makes a hard link. A symbolic link is linked itself.
func LinkAt(fromfd int, from string, tofd int, to string) error {
	err := retry(func() error { return unix.Linkat(fromfd, from, tofd, to, 0) })
	if err != nil {
		return &os.LinkError{Op: "linkat", Old: from, New: to, Err: err}
	}
	return nil
}

// LUtimesAt sets the modification time of a name in an open directory, in
// seconds since 1970, and leaves the access time alone.
func LUtimesAt(dirfd int, name string, mtime int64) error {
	times := []unix.Timespec{{Nsec: unix.UTIME_OMIT}, {Sec: mtime}}
	flags := unix.AT_SYMLINK_NOFOLLOW
	if name == "" {
		flags = unix.AT_EMPTY_PATH
	}
	if err := retry(func() error { return unix.UtimesNanoAt(dirfd, name, times, flags) }); err != nil {
		return &fs.PathError{Op: "utimensat", Path: name, Err: err}
	}
	return nil
}

// Freeze writes the journal of the file system that holds an open directory
// out, so that a boot loader without journal support sees everything. It
// freezes the file system and thaws it at once; a file system that cannot
// freeze is synced instead.
func Freeze(f *os.File) error {
	if err := SyncFS(f); err != nil {
		return err
	}
	fd := int(f.Fd())
	err := retry(func() error { return unix.IoctlSetInt(fd, fiFreeze, 0) })
	switch {
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EPERM), errors.Is(err, unix.ENOSYS):
		return nil
	case err != nil:
		return fmt.Errorf("freeze the file system of %s: %w", f.Name(), err)
	}
	if err := retry(func() error { return unix.IoctlSetInt(fd, fiThaw, 0) }); err != nil {
		return fmt.Errorf("thaw the file system of %s: %w", f.Name(), err)
	}
	return nil
}

// FIFREEZE and FITHAW of linux/fs.h, which x/sys/unix does not name.
const (
	fiFreeze = 0xc0045877
	fiThaw   = 0xc0045878
)
