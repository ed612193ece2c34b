package step

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// A Holder is the process that holds a lock.
type Holder struct {
	PID int `json:"pid"`
	// What it is doing, for people.
	What string `json:"what"`
	// Since when it holds the lock.
	Since time.Time `json:"since"`
}

// LockOptions configure Lock.
type LockOptions struct {
	// Wait is how long to wait for another holder; zero means not at all.
	Wait time.Duration

	// Clock is the time written into the lock file; nil means time.Now.
	Clock func() time.Time
}

// Locked is a lock that is held. The kernel takes it back when the process
// ends, however that happens.
type Locked struct {
	file *os.File
}

const lockPoll = 100 * time.Millisecond

// Lock takes the lock at path, an flock(2) on a file that is made if it is
// missing and never removed, and writes into it who holds it: this process,
// doing what. If another process has it, and still has it after
// LockOptions.Wait, the error is a [*BusyError]. Within one process, too, a
// lock has one holder.
func Lock(ctx context.Context, path, what string, opts LockOptions) (*Locked, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if err := acquire(ctx, file, opts.Wait); err != nil {
		_ = file.Close() // nothing was written
		return nil, err
	}
	now := time.Now
	if opts.Clock != nil {
		now = opts.Clock
	}
	if err := writeHolder(file, Holder{PID: os.Getpid(), What: what, Since: now()}); err != nil {
		_ = file.Close() // the error before it is the one to tell
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return &Locked{file: file}, nil
}

func acquire(ctx context.Context, file *os.File, wait time.Duration) error {
	deadline := time.Now().Add(wait)
	for {
		err := flock(file)
		if err == nil {
			return nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		left := time.Until(deadline)
		if left <= 0 {
			return &BusyError{Path: file.Name(), Holder: readHolder(file)}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("lock %s: %w", file.Name(), context.Cause(ctx))
		case <-time.After(min(left, lockPoll)):
		}
	}
}

func flock(file *os.File) error {
	for {
		err := unix.Flock(int(file.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

func writeHolder(file *os.File, h Holder) error {
	data, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := file.Truncate(0); err != nil {
		return err
	}
	_, err = file.WriteAt(append(data, '\n'), 0)
	return err
}

// readHolder is best effort: the holder may be about to write its name, and
// then the file still has the name of one that is no more.
func readHolder(file *os.File) Holder {
	const limit = 64 << 10
	data, err := io.ReadAll(io.NewSectionReader(file, 0, limit))
	if err != nil {
		return Holder{}
	}
	var h Holder
	if json.Unmarshal(data, &h) != nil || !alive(h.PID) {
		return Holder{}
	}
	return h
}

func alive(pid int) bool {
	return pid > 0 && !errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// Unlock gives the lock back. A second call returns an error.
func (l *Locked) Unlock() error {
	if err := l.file.Truncate(0); err != nil {
		return errors.Join(fmt.Errorf("unlock: %w", err), l.file.Close())
	}
	// A child that is being started has the file open until it executes its program, so closing it alone
	// may leave the lock taken for a moment.
	err := unix.Flock(int(l.file.Fd()), unix.LOCK_UN)
	if err = errors.Join(err, l.file.Close()); err != nil {
		return fmt.Errorf("unlock: %w", err)
	}
	return nil
}
