package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// publishRefs makes the changes of refs visible, deletions first.
func (w *Writer) publishRefs(staged []stagedRef) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.refs) == 0 {
		return nil
	}
	w.refsChanged = true
	dirs := make(map[string]bool)
	for _, refPath := range slices.Sorted(maps.Keys(w.refs)) {
		if !w.refs[refPath].gone {
			continue
		}
		if err := w.repo.removeRef(refPath); err != nil {
			return fmt.Errorf("delete ref %s: %w", refName(refPath), err)
		}
		dirs[path.Dir(refPath)] = true
	}
	for _, s := range staged {
		if err := w.publishRef(s); err != nil {
			return fmt.Errorf("write ref %s: %w", refName(s.path), err)
		}
		dirs[path.Dir(s.path)] = true
	}
	if w.sync {
		if err := w.repo.syncRefs(dirs); err != nil {
			return err
		}
	}
	return w.repo.touch()
}

// removeRef leaves empty directories: another update may be filling them.
func (r *Repo) removeRef(refPath string) error {
	err := unix.Unlinkat(r.fd, "refs/"+refPath, 0)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.EISDIR) {
		return nil // there is no such ref
	}
	return err
}

// publishRef gives a staged ref its name. Another update may remove an empty
// directory on the way at the same time, so it tries more than once.
func (w *Writer) publishRef(s stagedRef) error {
	target := filepath.Join(w.repo.path, "refs", s.path)
	var err error
	for range 5 {
		if err = os.MkdirAll(filepath.Dir(target), 0o775); err != nil {
			return err
		}
		err = unix.Renameat(w.staging.fd, s.tmp, unix.AT_FDCWD, target)
		switch {
		case err == nil:
			return nil
		case errors.Is(err, unix.EISDIR), errors.Is(err, unix.EEXIST):
			// Directories of deleted refs; one that is not empty stays and gives the error.
			if err := removeEmptyDirs(target); err != nil {
				return err
			}
		case !errors.Is(err, unix.ENOENT):
			return &os.LinkError{Op: "rename", Old: s.tmp, New: target, Err: err}
		}
	}
	return &os.LinkError{Op: "rename", Old: s.tmp, New: target, Err: err}
}

func removeEmptyDirs(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !e.IsDir() {
			return &fs.PathError{Op: "rmdir", Path: dir, Err: unix.ENOTEMPTY}
		}
		if err := removeEmptyDirs(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(dir)
}

func (r *Repo) syncRefs(dirs map[string]bool) error {
	for dir := range dirs {
		err := fsx.SyncDir(filepath.Join(r.path, "refs", dir))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// touch changes the time of the repository's directory, which programs watch
// to learn that refs have changed.
func (r *Repo) touch() error {
	now := []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}
	if err := unix.UtimesNanoAt(r.fd, ".", now, 0); err != nil {
		return &fs.PathError{Op: "utimensat", Path: r.path, Err: err}
	}
	return nil
}
