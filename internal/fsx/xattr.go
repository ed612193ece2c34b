package fsx

import (
	"errors"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Xattr is one extended attribute.
type Xattr struct {
	Name  string
	Value []byte
}

// Xattrs returns the attributes of an open file, sorted by name. Attributes
// without a value are left out, as OSTree does. A file system without
// attributes has none.
func Xattrs(fd int) ([]Xattr, error) {
	return withValue(AllXattrs(fd))
}

// AllXattrs returns the attributes of an open file, sorted by name, also those
// without a value.
func AllXattrs(fd int) ([]Xattr, error) {
	return xattrs("fd "+strconv.Itoa(fd),
		func(buf []byte) (int, error) { return unix.Flistxattr(fd, buf) },
		func(name string, buf []byte) (int, error) { return unix.Fgetxattr(fd, name, buf) })
}

// LXattrs returns the attributes of a path like [Xattrs]; a symbolic link is
// not followed.
func LXattrs(path string) ([]Xattr, error) {
	return withValue(xattrs(path,
		func(buf []byte) (int, error) { return unix.Llistxattr(path, buf) },
		func(name string, buf []byte) (int, error) { return unix.Lgetxattr(path, name, buf) }))
}

// LXattrsAt returns the attributes of a name in an open directory like
// [Xattrs]; a symbolic link is not followed.
func LXattrsAt(dirfd int, name string) ([]Xattr, error) {
	return LXattrs(procPath(dirfd) + "/" + name)
}

// LGetXattrAt reads one attribute of a name in an open directory into a buffer and
// returns its length; a symbolic link is not followed.
func LGetXattrAt(dirfd int, name, attr string, buf []byte) (int, error) {
	return retryInt(func() (int, error) { return unix.Lgetxattr(procPath(dirfd)+"/"+name, attr, buf) })
}

// SetXattrs sets attributes of an open file.
func SetXattrs(fd int, attrs []Xattr) error {
	for _, a := range attrs {
		err := retry(func() error { return unix.Fsetxattr(fd, a.Name, a.Value, 0) })
		if err != nil {
			return &fs.PathError{Op: "setxattr " + a.Name, Path: "fd " + strconv.Itoa(fd), Err: err}
		}
	}
	return nil
}

// RemoveXattr removes an attribute of an open file.
func RemoveXattr(fd int, name string) error {
	if err := retry(func() error { return unix.Fremovexattr(fd, name) }); err != nil {
		return &fs.PathError{Op: "removexattr " + name, Path: "fd " + strconv.Itoa(fd), Err: err}
	}
	return nil
}

// LSetXattrs sets attributes of a path; a symbolic link is not followed.
func LSetXattrs(path string, attrs []Xattr) error {
	for _, a := range attrs {
		err := retry(func() error { return unix.Lsetxattr(path, a.Name, a.Value, 0) })
		if err != nil {
			return &fs.PathError{Op: "setxattr " + a.Name, Path: path, Err: err}
		}
	}
	return nil
}

// LSetXattrsAt sets attributes of a name in an open directory; a symbolic link
// is not followed.
func LSetXattrsAt(dirfd int, name string, attrs []Xattr) error {
	return LSetXattrs(procPath(dirfd)+"/"+name, attrs)
}

// procPath names an open directory as a path. No kernel before 6.13 has
// attribute calls that take a directory and a name.
func procPath(dirfd int) string {
	if dirfd == unix.AT_FDCWD {
		return "."
	}
	return "/proc/self/fd/" + strconv.Itoa(dirfd)
}

func xattrs(path string, list func([]byte) (int, error), get func(string, []byte) (int, error)) ([]Xattr, error) {
	names, err := grow(256, list)
	if errors.Is(err, unix.ENOTSUP) || errors.Is(err, unix.ENODATA) {
		return nil, nil
	}
	if err != nil {
		return nil, &fs.PathError{Op: "listxattr", Path: path, Err: err}
	}
	if len(names) == 0 {
		return nil, nil
	}
	var attrs []Xattr
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		value, err := grow(128, func(buf []byte) (int, error) { return get(name, buf) })
		if errors.Is(err, unix.ENODATA) {
			continue // removed since it was listed
		}
		if err != nil {
			return nil, &fs.PathError{Op: "getxattr " + name, Path: path, Err: err}
		}
		attrs = append(attrs, Xattr{Name: name, Value: value})
	}
	slices.SortFunc(attrs, func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) })
	return attrs, nil
}

func withValue(attrs []Xattr, err error) ([]Xattr, error) {
	return slices.DeleteFunc(attrs, func(x Xattr) bool { return len(x.Value) == 0 }), err
}

// grow calls a function that fills a buffer, with a larger buffer until it fits.
func grow(size int, call func([]byte) (int, error)) ([]byte, error) {
	for {
		buf := make([]byte, size)
		n, err := retryInt(func() (int, error) { return call(buf) })
		if errors.Is(err, unix.ERANGE) && size < 1<<17 {
			size *= 4
			continue
		}
		if err != nil {
			return nil, err
		}
		return buf[:n], nil
	}
}
