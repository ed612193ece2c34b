package ostree

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A DeltaNotFoundError says that a repository lacks a static delta. It is
// [fs.ErrNotExist].
type DeltaNotFoundError struct{ Delta DeltaName }

// Error implements error.
func (e *DeltaNotFoundError) Error() string { return fmt.Sprintf("static delta %s not found", e.Delta) }

// Is makes it equal to the sentinel.
func (e *DeltaNotFoundError) Is(target error) bool { return target == fs.ErrNotExist }

// Deltas lists the static deltas of the repository, sorted by name. Those of its
// parents are not among them.
func (r *Repo) Deltas(ctx context.Context) ([]DeltaName, error) {
	dirs, err := readNames(r.fd, "deltas")
	if err != nil {
		return nil, fmt.Errorf("static deltas: %w", err)
	}
	var list []DeltaName
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		names, err := readNames(r.fd, "deltas/"+dir)
		if errors.Is(err, unix.ENOTDIR) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("static deltas: %w", err)
		}
		for _, name := range names {
			n, ok := parseDeltaDir(dir, name)
			if !ok {
				continue
			}
			// A directory without it is still being made, or was emptied.
			exists, err := r.hasDelta(n)
			if err != nil {
				return nil, err
			}
			if exists {
				list = append(list, n)
			}
		}
	}
	slices.SortFunc(list, compareDeltas)
	return list, nil
}

func compareDeltas(a, b DeltaName) int { return cmp.Compare(a.String(), b.String()) }

// HasDelta reports whether the repository has a static delta.
func (r *Repo) HasDelta(ctx context.Context, n DeltaName) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	return r.hasDelta(n)
}

func (r *Repo) hasDelta(n DeltaName) (bool, error) {
	_, err := fsx.StatAt(r.fd, n.superblockPath())
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// DeleteDelta removes a static delta, and its entry in the index of deltas if
// there is one. It is a [*DeltaNotFoundError] if it does not exist. A summary that lists it
// is not changed.
func (r *Repo) DeleteDelta(ctx context.Context, n DeltaName) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("delete static delta: %w", err)
	}
	exists, err := r.hasDelta(n)
	if err != nil {
		return fmt.Errorf("delete static delta: %w", err)
	}
	if !exists {
		return &DeltaNotFoundError{Delta: n}
	}
	if err := r.removeDelta(n); err != nil {
		return fmt.Errorf("delete static delta %s: %w", n, err)
	}
	return r.refreshDeltaIndex(ctx, n.To)
}

// removeDelta removes the superblock first: no reader finds a delta that lacks
// parts.
func (r *Repo) removeDelta(n DeltaName) error {
	if err := ignoreNotExist(unlinkAt(r.fd, n.superblockPath())); err != nil {
		return err
	}
	if err := fsx.RemoveAllAt(r.fd, n.Path()); err != nil {
		return err
	}
	return removeIfEmpty(r.fd, path.Dir(n.Path()))
}

// removeIfEmpty removes a directory that nothing is in.
func removeIfEmpty(dirfd int, name string) error {
	err := unix.Unlinkat(dirfd, name, unix.AT_REMOVEDIR)
	if err == nil || errors.Is(err, unix.ENOTEMPTY) || errors.Is(err, unix.EEXIST) || errors.Is(err, unix.ENOENT) {
		return nil
	}
	return &fs.PathError{Op: "rmdir", Path: name, Err: err}
}
