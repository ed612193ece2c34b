package ostree

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// markRoots collects what is kept. Commits are all those in the repository.
func (r *Repo) markRoots(ctx context.Context, keep *reachable, opts PruneOptions, commits []Checksum) error {
	refs, err := r.refFiles(ctx)
	if err != nil {
		return err
	}
	selective := !opts.KeepYoungerThan.IsZero() || len(opts.OnlyRefs) > 0 || len(opts.RetainDepth) > 0
	switch {
	case selective:
		err = r.markSelected(ctx, keep, opts, refs)
	case opts.RefsOnly:
		err = r.markRefs(ctx, keep, refs, opts.Depth)
	default:
		// Parents are in the list as well.
		for _, c := range commits {
			if err := keep.addCommit(ctx, c, 0); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	err = keep.walkTrees(ctx)
	if missing, ok := errors.AsType[*ObjectNotFoundError](err); ok {
		return keep.blame(ctx, missing.Object, err)
	}
	return err
}

func (r *Repo) markRefs(ctx context.Context, keep *reachable, refs map[string]Checksum, depth int) error {
	for _, path := range slices.Sorted(maps.Keys(refs)) {
		if err := r.markRef(ctx, keep, path, refs[path], depth); err != nil {
			return err
		}
	}
	return nil
}

// markRef keeps the commit of a ref and some of its parents. A ref whose commit
// is missing keeps nothing.
func (r *Repo) markRef(ctx context.Context, keep *reachable, path string, c Checksum, depth int) error {
	ok, err := r.Has(ctx, ObjectName{c, ObjectCommit})
	if err == nil && ok {
		err = keep.addCommit(ctx, c, depth)
	}
	if err != nil {
		return fmt.Errorf("ref %s: %w", path, err)
	}
	return nil
}

// markSelected keeps what the options say for each ref.
func (r *Repo) markSelected(ctx context.Context, keep *reachable, opts PruneOptions, refs map[string]Checksum) error {
	names := make(map[string]bool)
	for path := range refs {
		names[refOption(path)] = true
	}
	for _, name := range opts.OnlyRefs {
		if !names[name] {
			return &RefNotFoundError{Rev: name, Path: r.path}
		}
	}
	young := !opts.KeepYoungerThan.IsZero()
	for _, path := range slices.Sorted(maps.Keys(refs)) {
		if young {
			if err := r.markYounger(ctx, keep, refs[path], opts.KeepYoungerThan); err != nil {
				return fmt.Errorf("ref %s: %w", path, err)
			}
		}
		depth, given := opts.depthOf(refOption(path))
		if young && !given {
			continue
		}
		if err := r.markRef(ctx, keep, path, refs[path], depth); err != nil {
			return err
		}
	}
	return nil
}

// depthOf is how many parents to keep for a ref, and whether that was said for
// this one.
func (o *PruneOptions) depthOf(name string) (int, bool) {
	if depth, ok := o.RetainDepth[name]; ok {
		return depth, true
	}
	if len(o.OnlyRefs) > 0 && !slices.Contains(o.OnlyRefs, name) {
		return -1, true
	}
	return o.Depth, false
}

// refOption is what options call a ref that lies at a path below refs. Those of
// collections get a form that no refspec has.
func refOption(path string) string {
	if ref, ok := refspecFromPath(path); ok {
		return ref.String()
	}
	collection, ref, _ := strings.Cut(strings.TrimPrefix(path, "mirrors/"), "/")
	return CollectionRef{collection, ref}.String()
}

// markYounger keeps a commit and its parents down to the first that is older
// than the limit.
func (r *Repo) markYounger(ctx context.Context, keep *reachable, c Checksum, limit time.Time) error {
	for head := true; !c.IsZero(); head = false {
		commit, err := r.LoadCommit(ctx, c)
		if errors.Is(err, ErrObjectNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		if !head && commit.Timestamp.Before(limit) {
			return nil
		}
		if err := keep.addCommit(ctx, c, 0); err != nil {
			return err
		}
		if commit.Timestamp.Before(limit) {
			return nil
		}
		c = commit.Parent
	}
	return nil
}
