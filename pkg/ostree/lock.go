package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A LockMode says how a repository is locked.
type LockMode int

const (
	// Shared locks are held by those who add to a repository.
	Shared LockMode = iota
	// Exclusive locks are held by those who remove from it, such as prune.
	Exclusive
)

// String returns "shared" or "exclusive".
func (m LockMode) String() string {
	if m == Exclusive {
		return "exclusive"
	}
	return "shared"
}

// Lock locks the repository against other processes and against other users in
// this one, the way libostree does: an open file description lock on ".lock".
// It waits until ctx is done or the time in Options.LockTimeout has passed,
// which gives a [*LockedError]. Locks do not nest: a goroutine that holds one
// and asks for an exclusive one waits for itself. A repository that is not
// writable, or whose configuration says core.locking=false, is not locked.
func (r *Repo) Lock(ctx context.Context, mode LockMode) (unlock func() error, err error) {
	if !r.settings.locking || !r.writable {
		return func() error { return nil }, nil
	}
	path := filepath.Join(r.path, ".lock")
	f, err := fsx.OpenAt(r.fd, ".lock", unix.O_RDWR|unix.O_CREAT, 0o660)
	if err != nil {
		return nil, fmt.Errorf("lock repository %s: %w", r.path, err)
	}
	if err := waitLock(ctx, f, mode, path, r.lockTimeout()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

func (r *Repo) lockTimeout() time.Duration {
	if r.opts.LockTimeout != 0 {
		return r.opts.LockTimeout
	}
	return r.settings.lockTimeout
}

func waitLock(ctx context.Context, f *os.File, mode LockMode, path string, timeout time.Duration) error {
	return pollLock(ctx, mode, path, timeout, func() (bool, error) { return tryLock(f, mode) })
}

// pollLock tries until it gets the lock, with growing pauses, since a blocking
// call could not be interrupted when ctx is done. A negative timeout means for
// ever.
func pollLock(ctx context.Context, mode LockMode, path string, timeout time.Duration, try func() (bool, error)) error {
	const longest = 50 * time.Millisecond
	start := time.Now()
	for pause := time.Millisecond; ; pause = min(2*pause, longest) {
		ok, err := try()
		if ok || err != nil {
			return err
		}
		waited := time.Since(start)
		if timeout >= 0 && waited >= timeout {
			return &LockedError{Path: path, Mode: mode, Waited: waited}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the %s lock on %s: %w", mode, path, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}

// tryLock takes a lock that lasts until the open file is closed.
func tryLock(f *os.File, mode LockMode) (bool, error) {
	kind := int16(unix.F_RDLCK)
	if mode == Exclusive {
		kind = unix.F_WRLCK
	}
	for {
		err := unix.FcntlFlock(f.Fd(), unix.F_OFD_SETLK, &unix.Flock_t{Type: kind})
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, unix.EAGAIN), errors.Is(err, unix.EACCES):
			return false, nil
		case !errors.Is(err, unix.EINTR):
			return false, &fs.PathError{Op: "lock", Path: f.Name(), Err: err}
		}
	}
}
