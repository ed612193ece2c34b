package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A BusyError says that something still used a mount when it was to go. The
// mount is gone from the tree all the same, but what the holders have open,
// they may still write to.
type BusyError struct {
	// Target is where the mount was.
	Target string

	// Holders are the processes that use it, as far as they could be found.
	Holders []Holder
}

// A Holder is a process that uses a mount.
type Holder struct {
	PID     int
	Command string
}

// Error names the mount and the processes.
func (e *BusyError) Error() string {
	if len(e.Holders) == 0 {
		return fmt.Sprintf("unmount %s: still in use", e.Target)
	}
	holders := make([]string, len(e.Holders))
	for i, h := range e.Holders {
		holders[i] = fmt.Sprintf("%s (pid %d)", h.Command, h.PID)
	}
	return fmt.Sprintf("unmount %s: still in use by %s", e.Target, strings.Join(holders, ", "))
}

// Unwrap makes errors.Is(err, unix.EBUSY) true.
func (e *BusyError) Unwrap() error { return unix.EBUSY }

// Unmount takes the overlay away and empties its work directory. A mount that
// stays in use for a moment is detached all the same, and the answer is a
// [*BusyError]. A second call does nothing.
func (m *Mounted) Unmount() error {
	if m.target == "" {
		return nil
	}
	err := unmount(m.target)
	m.target = ""
	if err != nil || m.overlay.Upper == "" {
		return err
	}
	return emptyDir(m.overlay.Work)
}

// Target is the directory the overlay is mounted on.
func (m *Mounted) Target() string { return m.overlay.Target }

// unmount tries for a short while, then detaches.
func unmount(target string) error {
	const attempts, pause = 10, 20 * time.Millisecond
	var err error
	for range attempts {
		err = unix.Unmount(target, unix.UMOUNT_NOFOLLOW)
		if !errors.Is(err, unix.EBUSY) {
			break
		}
		time.Sleep(pause)
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("unmount %s: %w", target, err)
	}
	holders := findHolders(target)
	if err := unix.Unmount(target, unix.UMOUNT_NOFOLLOW|unix.MNT_DETACH); err != nil {
		return fmt.Errorf("unmount %s: %w", target, err)
	}
	return &BusyError{Target: target, Holders: holders}
}

// emptyDir removes what the kernel left in a work directory, among it the mark
// that forbids mounting a volatile upper directory a second time.
func emptyDir(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
			return err
		}
	}
	return nil
}

// UnmountBelow unmounts everything mounted on dir or below it, the last first.
// It is how a new process takes away what one that was killed left mounted.
// Mounts in use are detached and reported as [*BusyError], after the rest is
// done.
func UnmountBelow(dir string) error {
	real, err := filepath.EvalSymlinks(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("unmount below %s: %w", dir, err)
	}
	if real, err = filepath.Abs(real); err != nil {
		return fmt.Errorf("unmount below %s: %w", dir, err)
	}
	if real == "/" {
		return errors.New("unmount below /: refused")
	}
	mounts, err := mountPoints()
	if err != nil {
		return fmt.Errorf("unmount below %s: %w", dir, err)
	}
	var errs []error
	for _, mount := range slices.Backward(mounts) {
		if mount == real || strings.HasPrefix(mount, real+"/") {
			errs = append(errs, unmount(mount))
		}
	}
	return errors.Join(errs...)
}
