package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// lockPoll is how often a lock that another process holds is tried again.
const lockPoll = 50 * time.Millisecond

// sysrootLock is the state of the lock in this process.
type sysrootLock struct {
	mu   sync.Mutex
	path string
	file *os.File
}

// Lock takes the lock of the sysroot, the one that "ostree admin" takes, for several changes in a
// row. It waits as [Options.LockTimeout] says and returns a [*BusyError] if that is not enough, also
// when this Sysroot holds it already: the lock is not reentrant. The lock goes away with the
// process, however that ends.
func (s *Sysroot) Lock(ctx context.Context) (unlock func() error, err error) {
	path := filepath.Join(s.path, "ostree/lock")
	if s.opts.LockTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.opts.LockTimeout)
		defer cancel()
	}
	for waits := false; ; waits = true {
		err := s.lock.try(path)
		if err == nil {
			return s.lock.release, nil
		}
		if !errors.Is(err, unix.EAGAIN) {
			return nil, fmt.Errorf("lock sysroot: %w", err)
		}
		if s.opts.LockTimeout == 0 {
			return nil, busy(path, nil)
		}
		if !waits {
			s.report(LockWait{})
		}
		select {
		case <-ctx.Done():
			return nil, busy(path, ctx.Err())
		case <-time.After(lockPoll):
		}
	}
}

func busy(path string, err error) error {
	pid, command := holder(path)
	return &BusyError{Path: path, PID: pid, Command: command, Err: err}
}

// hold takes the lock for one change, unless the caller of the package holds it for several.
func (s *Sysroot) hold(ctx context.Context) (unlock func(), err error) {
	if s.lock.held() {
		return func() {}, nil
	}
	release, err := s.Lock(ctx)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := release(); err != nil {
			s.log.Warn("sysroot lock not released cleanly", "error", err)
		}
	}, nil
}

func (l *sysrootLock) held() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file != nil
}

// try takes the lock or returns EAGAIN. Whoever releases it unlinks the file, so a lock on a file
// that is gone by then is worth nothing and is tried again.
func (l *sysrootLock) try(path string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		return unix.EAGAIN
	}
	for {
		file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o660)
		if err != nil {
			return err
		}
		valid, err := lockFile(file)
		if err == nil && valid {
			l.path, l.file = path, file
			return nil
		}
		if err := errors.Join(err, file.Close()); err != nil {
			return err
		}
	}
}

// lockFile locks a file and tells whether it still has a name.
func lockFile(file *os.File) (valid bool, err error) {
	fd := file.Fd()
	lock := unix.Flock_t{Type: unix.F_WRLCK}
	if err := unix.FcntlFlock(fd, unix.F_OFD_SETLK, &lock); err != nil {
		return false, err
	}
	var st unix.Stat_t
	if err := unix.Fstat(int(fd), &st); err != nil {
		return false, err
	}
	return st.Nlink > 0, nil
}

// release unlinks and unlocks; a second call does nothing.
func (l *sysrootLock) release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := os.Remove(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	err = errors.Join(err, l.file.Close())
	l.file = nil
	return err
}
