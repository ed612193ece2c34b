package deploy

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Sysroot is an open sysroot. See the package documentation for what may be done concurrently.
type Sysroot struct {
	path string
	opts Options
	repo *ostree.Repo
	log  *slog.Logger
	lock sysrootLock
	// isFAT tells FAT file systems, isFATFilesystem but for tests.
	isFAT func(path string) bool
	// after is called after each named step of a change; tests stop there.
	after func(step string)
}

// Open opens the sysroot at a path, "/" for the running system. The error is a [*NotSysrootError]
// when there is none.
func Open(root string, opts Options) (*Sysroot, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	for _, dir := range []string{"ostree/deploy", "ostree/repo"} {
		info, err := os.Stat(filepath.Join(root, dir))
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) || (err == nil && !info.IsDir()) {
			return nil, &NotSysrootError{Path: root, Missing: dir}
		}
		if err != nil {
			return nil, fmt.Errorf("open sysroot: %w", err)
		}
	}
	if opts.Repo.RemotesDir == "" {
		if opts.Repo.RemotesDir, err = RemotesDir(root); err != nil {
			return nil, fmt.Errorf("open sysroot: %w", err)
		}
	}
	repo, err := ostree.Open(filepath.Join(root, "ostree/repo"), opts.Repo)
	if err != nil {
		return nil, fmt.Errorf("open sysroot %s: %w", root, err)
	}
	s := &Sysroot{path: root, opts: opts, repo: repo, log: opts.logger(), isFAT: isFATFilesystem, after: func(string) {}}
	if err := s.checkDevices(); err != nil {
		return nil, errors.Join(err, repo.Close())
	}
	return s, nil
}

// checkDevices makes sure that deployments can be hard links into the repository.
func (s *Sysroot) checkDevices() error {
	var ostreeDir, repo unix.Stat_t
	for dir, st := range map[string]*unix.Stat_t{"ostree": &ostreeDir, "ostree/repo": &repo} {
		if err := unix.Stat(filepath.Join(s.path, dir), st); err != nil {
			return &fs.PathError{Op: "stat", Path: filepath.Join(s.path, dir), Err: err}
		}
	}
	if ostreeDir.Dev != repo.Dev {
		return fmt.Errorf("open sysroot %s: ostree and ostree/repo are on different file systems, but deployments are hard links", s.path)
	}
	return nil
}

// Close releases the repository and, if it is held, the lock.
func (s *Sysroot) Close() error { return errors.Join(s.lock.release(), s.repo.Close()) }

// Path returns the absolute path of the sysroot.
func (s *Sysroot) Path() string { return s.path }

// Repo returns the repository of the sysroot. It is closed with the sysroot.
func (s *Sysroot) Repo() *ostree.Repo { return s.repo }

// Stateroots returns the names of the stateroots, sorted.
func (s *Sysroot) Stateroots() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(s.path, "ostree/deploy"))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if e.IsDir() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	return names, nil
}

// stateroot returns the stateroot a change is about: the one asked for, that of the running
// deployment, or the only one.
func (s *Sysroot) stateroot(name string, st *state) (string, error) {
	have, err := s.Stateroots()
	if err != nil {
		return "", err
	}
	booted := st.booted()
	switch {
	case name != "" && slices.Contains(have, name):
		return name, nil
	case name == "" && booted != nil:
		return booted.Stateroot, nil
	case name == "" && len(have) == 1:
		return have[0], nil
	}
	return "", &StaterootError{Name: name, Have: have}
}

// touch tells programs that watch the sysroot that something changed.
func (s *Sysroot) touch() error {
	dir := filepath.Join(s.path, "ostree/deploy")
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	if err := unix.UtimesNanoAt(unix.AT_FDCWD, dir, now, 0); err != nil {
		return &fs.PathError{Op: "utimensat", Path: dir, Err: err}
	}
	return nil
}

// step ends a named step of a change: it is where a change can be cancelled before its commit
// point, and where tests crash.
func (s *Sysroot) step(ctx context.Context, name string) error {
	s.after(name)
	return ctx.Err()
}

// afterLoader ends a step of a boot loader, which cannot be cancelled.
func (s *Sysroot) afterLoader(name string) { s.after("bootloader-" + name) }

// removeAll removes a path of the sysroot; missing is fine.
func removeAll(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return fsx.RemoveAll(path)
}
