package ostree

import (
	"errors"
	"io"
	"io/fs"

	"golang.org/x/sys/unix"
)

// An fdFile is an open file without what [os.File] adds, which costs more system
// calls than reading or writing a small file.
type fdFile int

// createFD creates a file that must not exist, for writing.
func createFD(at int, name string, mode uint32) (fdFile, error) {
	const flags = unix.O_WRONLY | unix.O_CREAT | unix.O_EXCL | unix.O_NOFOLLOW | unix.O_CLOEXEC
	for {
		fd, err := unix.Openat(at, name, flags, mode)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "create", Path: name, Err: err}
		}
		return fdFile(fd), nil
	}
}

// Read implements io.Reader.
func (f fdFile) Read(p []byte) (int, error) {
	for {
		n, err := unix.Read(int(f), p)
		switch {
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, &fs.PathError{Op: "read", Path: "file", Err: err}
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Seek implements io.Seeker.
func (f fdFile) Seek(offset int64, whence int) (int64, error) {
	return unix.Seek(int(f), offset, whence)
}

// Close implements io.Closer.
func (f fdFile) Close() error { return unix.Close(int(f)) }

func (f fdFile) writeAll(data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(int(f), data)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return &fs.PathError{Op: "write", Path: "staged file", Err: err}
		}
		data = data[max(n, 0):]
	}
	return nil
}

// readSized fills a buffer from a file of a known size. It does not ask for more
// than that, so it ends sooner than one that waits for the end of the file, and
// it returns io.ErrShortBuffer if the buffer is too small.
func (f fdFile) readSized(buf []byte, size int64) ([]byte, error) {
	if size > int64(len(buf)) {
		return nil, io.ErrShortBuffer
	}
	n := 0
	// A size of 0 may be that of a file which is made when it is read.
	for size == 0 || int64(n) < size {
		if n == len(buf) {
			return buf[:n], io.ErrShortBuffer
		}
		read, err := f.Read(buf[n:])
		n += read
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
	}
	return buf[:n], nil
}
