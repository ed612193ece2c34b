package ostree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkRefs looks whether refs name commits that exist and are good, and that
// are bound to them.
func (f *fsck) checkRefs(ctx context.Context) error {
	f.phase(FsckRefs)
	refs, err := f.repo.refFiles(ctx)
	if err != nil {
		return err
	}
	isMirror := func(path string) bool { return strings.HasPrefix(path, "mirrors/") }
	paths := slices.Sorted(maps.Keys(refs))
	for _, path := range paths {
		if ref, ok := refspecFromPath(path); ok && !isMirror(path) {
			if err := f.checkRef(ctx, path, "", ref.Ref, refs[path]); err != nil {
				return err
			}
		}
	}
	f.phase(FsckCollectionRefs)
	return f.checkCollectionRefs(ctx, refs)
}

// checkCollectionRefs looks at local refs and mirrors as what they are in their
// collections.
func (f *fsck) checkCollectionRefs(ctx context.Context, refs map[string]Checksum) error {
	inCollections, err := f.repo.CollectionRefs(ctx, "", CollectionRefsOptions{NoRemotes: true})
	if err != nil {
		return err
	}
	byName := func(a, b CollectionRef) int { return strings.Compare(a.String(), b.String()) }
	for _, ref := range slices.SortedFunc(maps.Keys(inCollections), byName) {
		path, err := f.repo.collectionPath(ref)
		if err != nil {
			path = "mirrors/" + ref.Collection + "/" + ref.Ref
		}
		if _, ok := refs[path]; !ok {
			continue
		}
		if err := f.checkRef(ctx, path, ref.Collection, ref.Ref, refs[path]); err != nil {
			return err
		}
	}
	return nil
}

func (f *fsck) checkRef(ctx context.Context, path, collection, ref string, c Checksum) error {
	n := ObjectName{c, ObjectCommit}
	_, err := f.repo.store.verify(ctx, n)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err == nil && f.opts.Bindings {
		var commit *Commit
		if commit, err = f.repo.LoadCommit(ctx, c); err == nil {
			err = commit.CheckBindings(collection, ref)
		}
	}
	if err != nil {
		return f.problem(FsckProblem{Object: n, Ref: path, Err: err})
	}
	return nil
}

// A BackRefError says that a commit is bound to a ref that does not name it.
type BackRefError struct {
	Commit     Checksum
	Collection string // empty if the commit is bound to no collection
	Ref        string
	// Other is the commit that the ref names; zero if there is no such ref.
	Other Checksum
}

// Error implements error.
func (e *BackRefError) Error() string {
	name := e.Ref
	if e.Collection != "" {
		name = CollectionRef{e.Collection, e.Ref}.String()
	}
	if e.Other.IsZero() {
		return fmt.Sprintf("bound to ref %s, which does not exist", name)
	}
	return fmt.Sprintf("bound to ref %s, which names commit %s", name, e.Other)
}

// checkBackRefs looks whether the refs that a commit is bound to name it.
func (f *fsck) checkBackRefs(ctx context.Context, c Checksum, commit *Commit) error {
	refs, _ := commit.refBinding()
	collection := commit.Metadata.Str(MetadataCollectionBinding)
	for _, ref := range refs {
		other, err := f.resolveBinding(ctx, collection, ref)
		if err != nil && !errors.Is(err, ErrRefNotFound) {
			return err
		}
		if other == c {
			continue
		}
		problem := FsckProblem{
			Object: ObjectName{c, ObjectCommit}, Ref: ref,
			Err: &BackRefError{Commit: c, Collection: collection, Ref: ref, Other: other},
		}
		if err := f.problem(problem); err != nil {
			return err
		}
	}
	return nil
}

func (f *fsck) resolveBinding(ctx context.Context, collection, ref string) (Checksum, error) {
	if collection != "" {
		return f.repo.ResolveCollectionRef(ctx, CollectionRef{collection, ref})
	}
	return f.repo.Resolve(ctx, ref)
}
