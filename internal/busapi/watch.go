package busapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"
)

// settle is how long the sysroot must be left alone before it is read: changes come in bursts.
const settle = 100 * time.Millisecond

// watch has the state read again when another program changes the sysroot. All of them touch ostree/deploy as the
// last thing; staging touches /run/ostree.
func (s *Server) watch() (stop func(), err error) {
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("inotify: %w", err)
	}
	f := os.NewFile(uintptr(fd), "inotify") // of the poller, so that closing it ends a read
	for _, path := range []string{filepath.Join(s.opts.Sysroot, "ostree/deploy"), filepath.Join(s.opts.Sysroot, "run/ostree")} {
		_, err := unix.InotifyAddWatch(fd, path, unix.IN_ATTRIB|unix.IN_CREATE|unix.IN_DELETE|unix.IN_MOVED_TO|unix.IN_MOVED_FROM)
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return nil, errors.Join(&os.PathError{Op: "watch", Path: path, Err: err}, f.Close())
		}
	}
	touched := make(chan struct{}, 1)
	go func() {
		defer close(touched)
		buffer := make([]byte, 4096)
		for {
			if _, err := f.Read(buffer); err != nil {
				return // closed
			}
			select {
			case touched <- struct{}{}:
			default: // it has been noted already
			}
		}
	}()
	go func() {
		for range touched {
			time.Sleep(settle)
			if err := s.refresh(s.ctx); err != nil && s.ctx.Err() == nil {
				s.log.Error("the system cannot be read", "error", err)
			}
		}
	}()
	return func() { f.Close() }, nil
}
