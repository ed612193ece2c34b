package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// SetRef makes a ref name a commit when the update is done. The commit must
// exist by then. Of several calls for one ref the last counts. A ref that was
// an alias is one no more.
func (w *Writer) SetRef(ref Refspec, c Checksum) error {
	if err := ref.check(); err != nil {
		return err
	}
	if c.IsZero() {
		return fmt.Errorf("ref %s: no commit given", ref)
	}
	return w.setRef(ref.path(), refChange{commit: c})
}

// DeleteRef removes a ref when the update is done. One that does not exist is
// no error. One with an alias makes the update fail with a [*RefAliasedError],
// unless the alias is deleted or set too.
func (w *Writer) DeleteRef(ref Refspec) error {
	if err := ref.check(); err != nil {
		return err
	}
	return w.deleteRef(ref.path())
}

func (w *Writer) setRef(path string, change refChange) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.refs[path] = change
	return nil
}

func (w *Writer) deleteRef(path string) error {
	return w.setRef(path, refChange{gone: true})
}

// refUpdates are the refs to change at the end of an update, by their path
// below the directory refs.
type refUpdates map[string]refChange

// refChange is one of: a commit, the path of what an alias stands for, or gone.
type refChange struct {
	commit Checksum
	target string
	gone   bool
}

// A stagedRef is a ref that is written under a temporary name.
type stagedRef struct{ path, tmp string }

// refName is a ref in messages, from its path below the directory refs.
func refName(path string) string {
	if ref, ok := refspecFromPath(path); ok {
		return ref.String()
	}
	id, ref, _ := strings.Cut(strings.TrimPrefix(path, "mirrors/"), "/")
	return CollectionRef{id, ref}.String()
}

// stageRefs checks all refs and writes them into the staging directory, so that
// what can fail fails while nothing is visible.
func (w *Writer) stageRefs(ctx context.Context) ([]stagedRef, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := w.checkAliases(ctx); err != nil {
		return nil, err
	}
	var staged []stagedRef
	for _, refPath := range slices.Sorted(maps.Keys(w.refs)) {
		change := w.refs[refPath]
		if change.gone {
			continue
		}
		if err := w.checkRef(refPath, change); err != nil {
			return nil, err
		}
		tmp, err := w.stageRef(refPath, change)
		if err != nil {
			return nil, fmt.Errorf("write ref %s: %w", refName(refPath), err)
		}
		staged = append(staged, stagedRef{refPath, tmp})
	}
	return staged, nil
}

func (w *Writer) checkRef(refPath string, change refChange) error {
	if change.target != "" {
		if err := w.checkAlias(refPath, change.target); err != nil {
			return err
		}
	} else if err := w.need(ObjectName{change.commit, ObjectCommit}); err != nil {
		return fmt.Errorf("ref %s: %w", refName(refPath), err)
	}
	return w.checkConflict(refPath)
}

// refWillExist tells whether there is a ref at a path when the update is done.
func (w *Writer) refWillExist(refPath string) bool {
	change, changed := w.refs[refPath]
	if changed {
		return !change.gone
	}
	return w.repo.isRefFile(refPath)
}

func (w *Writer) stageRef(refPath string, change refChange) (string, error) {
	if change.target != "" {
		tmp := w.tempName()
		return tmp, unix.Symlinkat(linkText(refPath, change.target), w.staging.fd, tmp)
	}
	t, err := w.newTemp()
	if err != nil {
		return "", err
	}
	if _, err := t.WriteString(change.commit.String() + "\n"); err != nil {
		return "", t.abandon(err)
	}
	if err := t.Chmod(0o644); err != nil {
		return "", t.abandon(err)
	}
	if w.each {
		if err := t.Sync(); err != nil {
			return "", t.abandon(err)
		}
	}
	return t.name, t.Close()
}

// A RefConflictError says that a ref cannot be written because of another one:
// refs are files, so none can be below another.
type RefConflictError struct {
	Ref, Other string
	Path       string // of Ref in the repository
	Above      bool   // Other is a directory of Ref's path; if not, it is below Ref
}

// Error implements error.
func (e *RefConflictError) Error() string {
	return fmt.Sprintf("ref %s cannot exist beside ref %s", e.Ref, e.Other)
}

// checkConflict refuses a ref below another one, and one above others.
func (w *Writer) checkConflict(refPath string) error {
	top := "heads"
	if !strings.HasPrefix(refPath, "heads/") { // remotes/REMOTE or mirrors/COLLECTION
		top = strings.Join(strings.SplitN(refPath, "/", 3)[:2], "/")
	}
	for above := path.Dir(refPath); above != top; above = path.Dir(above) {
		if w.refWillExist(above) {
			return &RefConflictError{refName(refPath), refName(above), "refs/" + refPath, true}
		}
	}
	below, err := w.repo.refsBelow(refPath)
	if err != nil {
		return err
	}
	for _, other := range below {
		if !w.refs[other].gone {
			return &RefConflictError{refName(refPath), refName(other), "refs/" + refPath, false}
		}
	}
	return nil
}

func (r *Repo) isRefFile(refPath string) bool {
	st, err := fsx.StatAt(r.fd, "refs/"+refPath)
	return err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR
}

// refsBelow lists what lies below a ref that is a directory.
func (r *Repo) refsBelow(refPath string) ([]string, error) {
	root := filepath.Join(r.path, "refs", refPath)
	var below []string
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || p == root {
			return err
		}
		rel, err := filepath.Rel(root, p)
		below = append(below, refPath+"/"+rel)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return nil, nil
	}
	return below, err
}
