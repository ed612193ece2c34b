package etcmerge

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Trees are the directories of a merge.
type Trees struct {
	// Old has the defaults that Local started from: usr/etc of the merge deployment.
	Old string
	// Local is the live configuration: etc of the merge deployment.
	Local string
	// New starts as a copy of the new defaults and receives the local changes.
	New string
}

// Report says what a merge did.
type Report struct {
	// Changes are the local changes, all of which were carried over.
	Changes []Change `json:"changes"`
	// Skipped are the sockets, fifos and device nodes that were left behind.
	Skipped []string `json:"skipped,omitempty"`
}

// Count returns the number of changes of a kind.
func (r *Report) Count(kind Kind) int {
	n := 0
	for _, c := range r.Changes {
		if c.Kind == kind {
			n++
		}
	}
	return n
}

// ConflictError says that a local change cannot be carried over. The merge stopped there; the new
// tree is of no use then.
type ConflictError struct {
	// Path is the file or directory, relative to /etc.
	Path string
	// Reason is what is in the way.
	Reason string
	// DirectoryDefault tells that it is a directory, which the new defaults have there.
	DirectoryDefault bool
}

// Error names the file, what is in the way and the way out.
func (e *ConflictError) Error() string {
	return fmt.Sprintf("local configuration /etc/%s cannot be carried over: %s; move it away, then try again", e.Path, e.Reason)
}

// Merge applies the local changes to the new tree. It never leaves the new tree, whatever symbolic
// links are in it. An error other than a [*ConflictError] is one of the file system.
func Merge(ctx context.Context, trees Trees) (*Report, error) {
	changes, err := diffDirs(ctx, trees.Old, trees.Local)
	if err != nil {
		return nil, fmt.Errorf("compare %s with %s: %w", trees.Local, trees.Old, err)
	}
	local, err := fsx.OpenDir(trees.Local)
	if err != nil {
		return nil, err
	}
	defer local.Close()
	next, err := fsx.OpenDir(trees.New)
	if err != nil {
		return nil, err
	}
	defer next.Close()
	m := merger{local: local, next: next, report: &Report{Changes: changes}}
	for _, kind := range []Kind{Removed, Modified, Added} {
		for _, c := range changes {
			if c.Kind != kind {
				continue
			}
			if err := m.apply(ctx, c); err != nil {
				return nil, fmt.Errorf("merge /etc/%s: %w", c.Path, err)
			}
		}
	}
	return m.report, nil
}

// diffDirs is Diff for two directories on disk.
func diffDirs(ctx context.Context, a, b string) ([]Change, error) {
	rootA, err := os.OpenRoot(a)
	if err != nil {
		return nil, err
	}
	defer rootA.Close()
	rootB, err := os.OpenRoot(b)
	if err != nil {
		return nil, err
	}
	defer rootB.Close()
	return Diff(ctx, rootA.FS(), rootB.FS(), nil)
}

type merger struct {
	local, next *os.File
	report      *Report
	// copied are directories that were copied with all they hold.
	copied []string
}

// apply carries one change over.
func (m *merger) apply(ctx context.Context, c Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if c.Kind == Removed {
		return m.remove(c.Path)
	}
	for _, dir := range m.copied {
		if strings.HasPrefix(c.Path, dir+"/") {
			return nil
		}
	}
	return m.copy(ctx, c.Path)
}

// remove deletes a path from the new tree.
func (m *merger) remove(name string) error {
	dir, err := fsx.OpenBeneath(int(m.next.Fd()), path.Dir(name), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil // The new defaults have nothing there, not even the directory.
	}
	if err != nil {
		return outside(err, name)
	}
	defer dir.Close()
	return fsx.RemoveAll(fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), path.Base(name)))
}

// copy puts the local file, link or directory in the place of what the new tree has.
func (m *merger) copy(ctx context.Context, name string) error {
	from, err := fsx.OpenBeneath(int(m.local.Fd()), path.Dir(name), unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := m.parent(path.Dir(name))
	if err != nil {
		return err
	}
	defer to.Close()
	base := path.Base(name)
	st, err := fsx.StatAt(int(from.Fd()), base)
	if err != nil {
		return err
	}
	isDir := st.Mode&unix.S_IFMT == unix.S_IFDIR
	old, err := fsx.StatAt(int(to.Fd()), base)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	case old.Mode&unix.S_IFMT == unix.S_IFDIR && isDir:
		return nil // Its changed contents are changes of their own.
	case old.Mode&unix.S_IFMT == unix.S_IFDIR:
		return &ConflictError{Path: name, Reason: "the new default is a directory", DirectoryDefault: true}
	default:
		if err := unix.Unlinkat(int(to.Fd()), base, 0); err != nil {
			return &fs.PathError{Op: "unlinkat", Path: name, Err: err}
		}
	}
	if isDir {
		m.copied = append(m.copied, name)
	}
	return m.copyEntry(ctx, from, to, name, st)
}

// parent opens a directory of the new tree, makes it if it is missing, and gives it the attributes
// of the local one. The root keeps its own.
func (m *merger) parent(name string) (*os.File, error) {
	if name == "." {
		return fsx.OpenBeneath(int(m.next.Fd()), ".", unix.O_RDONLY|unix.O_DIRECTORY, 0)
	}
	dir, err := fsx.OpenBeneath(int(m.next.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		dir, err = m.makeDir(name)
	}
	if errors.Is(err, unix.ENOTDIR) {
		return nil, &ConflictError{Path: name, Reason: "it is a directory, but the new default is none"}
	}
	if err != nil {
		return nil, outside(err, name)
	}
	local, err := fsx.OpenBeneath(int(m.local.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
	if err == nil {
		err = copyAttributes(local, dir)
		err = errors.Join(err, local.Close())
	}
	if err != nil {
		return nil, errors.Join(err, dir.Close())
	}
	return dir, nil
}

// makeDir makes a directory of the new tree inside its parent.
func (m *merger) makeDir(name string) (*os.File, error) {
	up, err := m.parent(path.Dir(name))
	if err != nil {
		return nil, err
	}
	defer up.Close()
	if err := unix.Mkdirat(int(up.Fd()), path.Base(name), 0o700); err != nil {
		return nil, &fs.PathError{Op: "mkdirat", Path: name, Err: err}
	}
	return fsx.OpenDirAt(int(up.Fd()), path.Base(name))
}

// outside turns the refusal to follow a link out of /etc into a conflict.
func outside(err error, name string) error {
	if errors.Is(err, unix.EXDEV) || errors.Is(err, unix.ELOOP) {
		return &ConflictError{Path: name, Reason: "the new default leads out of /etc by a symbolic link"}
	}
	return err
}
