package composefs

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrUnsupported says that a file system or kernel has no fs-verity.
var ErrUnsupported = errors.New("the file system does not support fs-verity")

// Measure returns the digest that the kernel guards a file with, and false if it
// does not, or with one of another kind.
func Measure(f *os.File) (Digest, bool, error) {
	var arg struct {
		algorithm, size uint16
		digest          [64]byte
	}
	arg.size = uint16(len(arg.digest))
	err := ioctl(f, unix.FS_IOC_MEASURE_VERITY, unsafe.Pointer(&arg))
	switch {
	case errors.Is(err, unix.ENODATA) || errors.Is(err, ErrUnsupported):
		return Digest{}, false, nil
	case err != nil:
		return Digest{}, false, fmt.Errorf("measure fs-verity of %s: %w", f.Name(), err)
	case arg.algorithm != unix.FS_VERITY_HASH_ALG_SHA256 || int(arg.size) != len(Digest{}):
		return Digest{}, false, nil
	}
	return Digest(arg.digest[:len(Digest{})]), true, nil
}

// Enable makes the kernel guard a file with fs-verity: nobody can write to it any
// more, and reading something else than what it holds now gives an error. The
// file must be open for reading, and nowhere for writing. One that is guarded
// already is left as it is. The error is [ErrUnsupported] where that cannot be.
func Enable(f *os.File) error {
	arg := enableArg{version: 1, algorithm: unix.FS_VERITY_HASH_ALG_SHA256, blockSize: blockSize}
	err := ioctl(f, unix.FS_IOC_ENABLE_VERITY, unsafe.Pointer(&arg))
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("enable fs-verity of %s: %w", f.Name(), err)
	}
	return nil
}

// enableArg is struct fsverity_enable_arg.
type enableArg struct {
	version, algorithm, blockSize, saltSize uint32
	salt                                    uint64
	signatureSize, _                        uint32
	signature                               uint64
	_                                       [11]uint64
}

func ioctl(f *os.File, request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), request, uintptr(arg))
		runtime.KeepAlive(f)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOTTY:
			return ErrUnsupported
		}
		return errno
	}
}
