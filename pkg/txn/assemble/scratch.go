package assemble

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// scratchPrefix begins the name of every scratch directory.
const scratchPrefix = "assemble-"

// ScratchDir is where builds on the repository at path put their scratch
// directories, unless Input.WorkDir says otherwise: a place that OSTree leaves
// to others, on the file system of the objects, so that checkouts can be hard
// links.
func ScratchDir(repo string) string { return filepath.Join(repo, "extensions", "apt-ostree") }

// scratch is the directory of one build. Its lock is held as long as the
// process lives, which is how others know whether it is abandoned.
type scratch struct {
	dir  string
	lock *os.File
}

// newScratch makes a directory below parent, after sweeping it.
func newScratch(parent string) (*scratch, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("scratch directory: %w", err)
	}
	gate, err := lockFile(filepath.Join(parent, ".lock"), unix.LOCK_EX)
	if err != nil {
		return nil, fmt.Errorf("scratch directory: %w", err)
	}
	defer gate.Close()
	if err := sweep(parent); err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(parent, scratchPrefix) // mode 0700
	if err != nil {
		return nil, fmt.Errorf("scratch directory: %w", err)
	}
	lock, err := lockFile(filepath.Join(dir, "lock"), unix.LOCK_EX)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("scratch directory: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// remove deletes the directory. Nothing of it may be mounted any more.
func (s *scratch) remove() error {
	err := fsx.RemoveAll(s.dir)
	if err != nil {
		err = fmt.Errorf("remove scratch directory: %w", err)
	}
	return errors.Join(err, s.lock.Close())
}

// Sweep unmounts and removes what builds of processes that are gone left below
// dir, see [ScratchDir]. Builds that are running are left alone. [Build] sweeps
// before it begins.
func Sweep(dir string) error {
	gate, err := lockFile(filepath.Join(dir, ".lock"), unix.LOCK_EX)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("sweep %s: %w", dir, err)
	}
	defer gate.Close()
	return sweep(dir)
}

// sweep needs the gate to be locked, so that no directory is seen between its
// creation and the locking of its own lock.
func sweep(parent string) error {
	entries, err := os.ReadDir(parent)
	if err != nil {
		return fmt.Errorf("sweep %s: %w", parent, err)
	}
	var errs []error
	for _, entry := range entries {
		if entry.IsDir() && strings.HasPrefix(entry.Name(), scratchPrefix) {
			errs = append(errs, sweepOne(filepath.Join(parent, entry.Name())))
		}
	}
	return errors.Join(errs...)
}

func sweepOne(dir string) error {
	lock, err := lockFile(filepath.Join(dir, "lock"), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil // in use
	}
	if err != nil {
		return fmt.Errorf("sweep %s: %w", dir, err)
	}
	defer lock.Close()
	if err := sandbox.KillBelow(dir); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	// A busy mount is detached; what still uses it can no longer reach the
	// files that are removed next.
	if err := sandbox.UnmountBelow(dir); err != nil && !errors.Is(err, unix.EBUSY) {
		return fmt.Errorf("sweep: %w", err)
	}
	if err := fsx.RemoveAll(dir); err != nil {
		return fmt.Errorf("sweep: %w", err)
	}
	return nil
}

// lockFile opens a file, creating it if its directory exists, and locks it for
// as long as it is open.
func lockFile(path string, how int) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(&fs.PathError{Op: "lock", Path: path, Err: err}, file.Close())
	}
	return file, nil
}
