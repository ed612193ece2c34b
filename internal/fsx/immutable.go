package fsx

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// SetImmutable sets or clears the immutable attribute of an open file. A file
// system without such an attribute, or a caller without the right to set it, is
// no error: the attribute is a guard against accidents.
func SetImmutable(f *os.File, on bool) error {
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return ignoreUnsupported(f, err)
	}
	want := flags &^ immutableFlag
	if on {
		want |= immutableFlag
	}
	if want == flags {
		return nil
	}
	return ignoreUnsupported(f, unix.IoctlSetPointerInt(int(f.Fd()), unix.FS_IOC_SETFLAGS, int(want)))
}

// IsImmutable tells whether an open file has the immutable attribute.
func IsImmutable(f *os.File) (bool, error) {
	flags, err := unix.IoctlGetUint32(int(f.Fd()), unix.FS_IOC_GETFLAGS)
	if err != nil {
		return false, ignoreUnsupported(f, err)
	}
	return flags&immutableFlag != 0, nil
}

// immutableFlag is FS_IMMUTABLE_FL of linux/fs.h, which x/sys/unix does not name.
const immutableFlag = 0x10

func ignoreUnsupported(f *os.File, err error) error {
	switch {
	case err == nil, errors.Is(err, unix.ENOTTY), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EPERM),
		errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EINVAL):
		return nil
	}
	return &fs.PathError{Op: "chattr", Path: f.Name(), Err: err}
}
