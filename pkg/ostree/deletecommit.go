package ostree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A CommitInUseError says that a commit cannot be deleted because a ref names it.
type CommitInUseError struct {
	Commit Checksum
	// Ref names it: a [Refspec], or a [CollectionRef] if Collection is set.
	Ref           Refspec
	CollectionRef CollectionRef
}

// Error implements error.
func (e *CommitInUseError) Error() string {
	name := e.Ref.String()
	if e.CollectionRef != (CollectionRef{}) {
		name = e.CollectionRef.String()
	}
	return fmt.Sprintf("commit %s cannot be deleted, ref %s names it; delete the ref first", e.Commit, name)
}

// DeleteCommit removes a commit object and leaves a tombstone in its place; it
// sets core.tombstone-commits. What only this commit needed stays until the next
// [Repo.Prune]. A commit that a ref names gives a [*CommitInUseError].
func (r *Repo) DeleteCommit(ctx context.Context, c Checksum) error {
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("delete commit %s: %w", c, err)
	}
	unlock, err := r.Lock(ctx, Exclusive)
	if err != nil {
		return fmt.Errorf("delete commit %s: %w", c, err)
	}
	if err := errors.Join(r.deleteCommit(ctx, c), unlock()); err != nil {
		return fmt.Errorf("delete commit %s: %w", c, err)
	}
	return nil
}

func (r *Repo) deleteCommit(ctx context.Context, c Checksum) error {
	refs, err := r.refFiles(ctx)
	if err != nil {
		return err
	}
	for _, path := range slices.Sorted(maps.Keys(refs)) {
		if refs[path] != c {
			continue
		}
		inUse := &CommitInUseError{Commit: c}
		var ok bool
		if inUse.Ref, ok = refspecFromPath(path); !ok {
			collection, ref, _ := strings.Cut(strings.TrimPrefix(path, "mirrors/"), "/")
			inUse.CollectionRef = CollectionRef{collection, ref}
		}
		return inUse
	}
	n := ObjectName{c, ObjectCommit}
	if ok, err := r.store.hasHere(n); err != nil || !ok {
		return errors.Join(err, &ObjectNotFoundError{Object: n})
	}
	if err := r.EnableTombstones(); err != nil {
		return err
	}
	if err := r.writeTombstones(ctx, []Checksum{c}); err != nil {
		return err
	}
	return r.removeCommit(c)
}
