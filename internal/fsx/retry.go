package fsx

import (
	"errors"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// retry repeats a system call that a signal interrupted; the Go runtime sends
// itself signals all the time.
func retry(call func() error) error {
	for {
		if err := call(); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func retryInt(call func() (int, error)) (int, error) {
	for {
		n, err := call()
		if !errors.Is(err, unix.EINTR) {
			return n, err
		}
	}
}

// splitPath is filepath.Split on the cleaned path, with "." for no directory.
func splitPath(path string) (dir, name string) {
	path = filepath.Clean(path)
	return filepath.Dir(path), filepath.Base(path)
}
