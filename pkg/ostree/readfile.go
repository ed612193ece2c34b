package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"golang.org/x/sys/unix"
)

// readMetaInto appends the bytes of a metadata object to a buffer, with as few
// system calls as there can be.
func (s *store) readMetaInto(name ObjectName, buf []byte) ([]byte, error) {
	err := s.find(name, func(s *store, path string) error {
		var err error
		buf, err = appendFile(buf, s.fd, path, maxMetadataSize)
		return err
	})
	if err != nil {
		return buf, fmt.Errorf("read %s: %w", name, err)
	}
	return buf, nil
}

// appendFile appends what is in a file to a buffer, at most limit bytes.
func appendFile(buf []byte, dirfd int, path string, limit int) ([]byte, error) {
	fd, err := openFD(dirfd, path)
	if err != nil {
		return buf, err
	}
	defer unix.Close(fd) //nolint:errcheck // opened for reading
	start := len(buf)
	for {
		buf = slices.Grow(buf, 4<<10)
		n, err := unix.Read(fd, buf[len(buf):cap(buf)])
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return buf, &fs.PathError{Op: "read", Path: path, Err: err}
		case n == 0:
			return buf, nil
		}
		buf = buf[:len(buf)+n]
		if len(buf)-start > limit {
			return buf, &CorruptError{What: path, Err: fmt.Errorf("more than the limit of %d bytes", limit)}
		}
	}
}

// openFD opens a file for reading and returns the bare descriptor. A symbolic
// link gives ELOOP; a pipe, which no object is, does not block.
func openFD(dirfd int, path string) (int, error) {
	for {
		fd, err := unix.Openat(dirfd, path, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return -1, &fs.PathError{Op: "open", Path: path, Err: err}
		}
		return fd, nil
	}
}
