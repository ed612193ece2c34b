package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// PruneDeltas removes the static deltas to a commit, and the list of them. The
// commit stays.
func (r *Repo) PruneDeltas(ctx context.Context, to Checksum) error {
	unlock, err := r.Lock(ctx, Exclusive)
	if err != nil {
		return fmt.Errorf("prune static deltas: %w", err)
	}
	err = r.removeDeltas(ctx, func(c Checksum) (bool, error) { return c == to, nil })
	if err := errors.Join(err, unlock()); err != nil {
		return fmt.Errorf("prune static deltas: %w", err)
	}
	return nil
}

// pruneDeltas removes static deltas to commits that are gone.
func (r *Repo) pruneDeltas(ctx context.Context) error {
	return r.removeDeltas(ctx, func(to Checksum) (bool, error) {
		exists, err := r.store.has(ObjectName{to, ObjectCommit})
		return !exists, err
	})
}

func (r *Repo) removeDeltas(ctx context.Context, goes func(to Checksum) (bool, error)) error {
	err := r.removeDeltaFiles(ctx, "deltas", func(dir, name string) (Checksum, bool) {
		n, ok := parseDeltaDir(dir, name)
		return n.To, ok
	}, goes)
	if err != nil {
		return err
	}
	return r.removeDeltaFiles(ctx, "delta-indexes", func(dir, name string) (Checksum, bool) {
		name, ok := strings.CutSuffix(name, ".index")
		n, parsed := parseDeltaDir(dir, name)
		return n.To, ok && parsed && n.From.IsZero()
	}, goes)
}

// removeDeltaFiles removes what lies two directories below one of the repository.
func (r *Repo) removeDeltaFiles(ctx context.Context, top string, parse func(dir, name string) (Checksum, bool), goes func(Checksum) (bool, error)) error {
	dirs, err := readNames(r.fd, top)
	if err != nil {
		return err
	}
	for _, dir := range dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		err := r.removeDeltaFilesIn(top+"/"+dir, func(name string) (bool, error) {
			to, ok := parse(dir, name)
			if !ok {
				return false, nil
			}
			return goes(to)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// removeDeltaFilesIn removes entries of a directory, and the directory if none is
// left.
func (r *Repo) removeDeltaFilesIn(dir string, goes func(name string) (bool, error)) error {
	names, err := readNames(r.fd, dir)
	if errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP) {
		return nil // not ours
	}
	if err != nil {
		return err
	}
	left := len(names)
	for _, name := range names {
		gone, err := goes(name)
		if err != nil {
			return err
		}
		if !gone {
			continue
		}
		if err := fsx.RemoveAllAt(r.fd, dir+"/"+name); err != nil {
			return err
		}
		left--
	}
	if left > 0 || len(names) == 0 {
		return nil
	}
	return rmdirAt(r.fd, dir)
}

func rmdirAt(at int, path string) error {
	err := unix.Unlinkat(at, path, unix.AT_REMOVEDIR)
	if err != nil && !errors.Is(err, unix.ENOTEMPTY) {
		return &fs.PathError{Op: "rmdir", Path: path, Err: err}
	}
	return nil
}

// pruneSummaryCache removes the summaries of remotes that are no longer
// configured.
func (r *Repo) pruneSummaryCache() error {
	const dir = "tmp/cache/summaries"
	names, err := readNames(r.fd, dir)
	if err != nil {
		return err
	}
	for _, name := range names {
		_, err := r.Remote(strings.TrimSuffix(name, ".sig"))
		if _, ok := errors.AsType[*RemoteNotFoundError](err); !ok {
			continue
		}
		if _, err := r.Remote(name); err == nil { // a remote called "x.sig"
			continue
		}
		if err := fsx.RemoveAllAt(r.fd, dir+"/"+name); err != nil {
			return err
		}
	}
	return nil
}
