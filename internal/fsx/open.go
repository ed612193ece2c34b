package fsx

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// OpenBeneath opens a path below an open directory. Neither ".." nor a symbolic
// link can lead out of the directory; a path that tries gives EXDEV.
func OpenBeneath(dirfd int, path string, flags int, mode uint32) (*os.File, error) {
	return OpenHow(dirfd, path, flags, mode, unix.RESOLVE_BENEATH|unix.RESOLVE_NO_MAGICLINKS)
}

// OpenInRoot opens a path as a process would whose root is the open directory:
// absolute symbolic links and ".." start again at that root.
func OpenInRoot(dirfd int, path string, flags int, mode uint32) (*os.File, error) {
	return OpenHow(dirfd, path, flags, mode, unix.RESOLVE_IN_ROOT|unix.RESOLVE_NO_MAGICLINKS)
}

// OpenHow is openat2(2). O_CLOEXEC is always set.
func OpenHow(dirfd int, path string, flags int, mode uint32, resolve uint64) (*os.File, error) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Mode: uint64(mode), Resolve: resolve}
	fd, err := retryInt(func() (int, error) {
		fd, err := unix.Openat2(dirfd, path, &how)
		if errors.Is(err, unix.EAGAIN) {
			err = unix.EINTR // a concurrent rename made the kernel unsure: it asks to repeat
		}
		return fd, err
	})
	if err != nil {
		return nil, &fs.PathError{Op: "openat2", Path: path, Err: err}
	}
	return os.NewFile(uintptr(fd), path), nil
}

// OpenAt is openat(2) with O_CLOEXEC, without any guard: for names that are
// known to be single elements.
func OpenAt(dirfd int, name string, flags int, mode uint32) (*os.File, error) {
	fd, err := retryInt(func() (int, error) { return unix.Openat(dirfd, name, flags|unix.O_CLOEXEC, mode) })
	if err != nil {
		return nil, &fs.PathError{Op: "openat", Path: name, Err: err}
	}
	return os.NewFile(uintptr(fd), name), nil
}

// OpenDir opens a directory for the *at calls. A symbolic link is refused.
func OpenDir(path string) (*os.File, error) {
	return OpenAt(unix.AT_FDCWD, path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// OpenDirAt opens a directory in an open directory. A symbolic link is refused.
func OpenDirAt(dirfd int, name string) (*os.File, error) {
	return OpenAt(dirfd, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
}

// ReadLinkAt returns the target of a symbolic link in an open directory.
func ReadLinkAt(dirfd int, name string) (string, error) {
	for size := 256; ; size *= 4 {
		buf := make([]byte, size)
		n, err := retryInt(func() (int, error) { return unix.Readlinkat(dirfd, name, buf) })
		if err != nil {
			return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
		}
		if n < size {
			return string(buf[:n]), nil
		}
	}
}

// StatAt is fstatat(2) without following a symbolic link. An empty name means
// the descriptor itself.
func StatAt(dirfd int, name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	err := retry(func() error {
		return unix.Fstatat(dirfd, name, &st, unix.AT_SYMLINK_NOFOLLOW|unix.AT_EMPTY_PATH)
	})
	if err != nil {
		return st, &fs.PathError{Op: "fstatat", Path: name, Err: err}
	}
	return st, nil
}

// IsName tells whether a string can be the name of a directory entry: one
// element without NUL, and neither "." nor "..".
func IsName(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00")
}
