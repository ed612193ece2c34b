package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// checkoutError gives an error of a checkout the peer's text.
func checkoutError(err error, subpath string) error {
	var hardlink *ostree.HardlinkError
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &hardlink) && hardlink.OtherDevice:
		return errors.New("Unable to do hardlink checkout across devices")
	case errors.As(err, &hardlink) && hardlink.Mode == ostree.ModeBareUser && !hardlink.UserMode:
		return errors.New("User repository mode requires user checkout mode to hardlink")
	case errors.As(err, &hardlink):
		return errors.New("Bare repository mode cannot hardlink in user checkout mode")
	case errors.As(err, &path) && path.Op == "subpath" && errors.Is(path.Err, fs.ErrNotExist):
		return fmt.Errorf("No such file or directory: %s", subpath)
	case errors.As(err, &path) && path.Op == "mkdir":
		return fmt.Errorf("mkdirat: %w", reason(path.Err))
	case errors.As(err, &link) && link.Op == "linkat":
		return fmt.Errorf("Hardlinking %s to %s: %w", link.Old, link.New, reason(link.Err))
	case errors.As(err, &path) && errors.Is(path.Err, unix.ENOTDIR):
		return fmt.Errorf("opendir(%s): %w", path.Path, reason(path.Err))
	case errors.As(err, &path):
		return fmt.Errorf("%s(%s): %w", path.Op, path.Path, reason(path.Err))
	case errors.As(err, &link):
		return fmt.Errorf("%s(%s, %s): %w", link.Op, link.Old, link.New, reason(link.Err))
	}
	return err
}

// reason is what the C library says about an error of a system call.
func reason(err error) error {
	if errno, ok := errors.AsType[syscall.Errno](err); ok {
		return errors.New(errnoText(errno))
	}
	return err
}
