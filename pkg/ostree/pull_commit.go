package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// fetch gets all targets with what they need.
func (p *pull) fetch(ctx context.Context) error {
	walk := newPullWalk(p)
	return walk.run(ctx, func(ctx context.Context) error {
		for _, t := range p.targets {
			if err := p.chain(ctx, t, walk); err != nil {
				return err
			}
		}
		return nil
	})
}

// chain gets a commit and as many of its parents as are asked for. Their trees
// are given to walk.
func (p *pull) chain(ctx context.Context, t *pullTarget, walk *pullWalk) error {
	sb, err := p.delta(ctx, t)
	if err != nil {
		return err
	}
	c, first := t.Commit, true
	for depth := p.opts.Depth; ; depth-- {
		parent, err := p.commit(ctx, &pulledCommit{checksum: c, target: t, first: first, delta: sb}, walk)
		if !first && errors.Is(err, ErrObjectNotFound) {
			return p.tombstone(ctx, c)
		}
		if err != nil {
			return err
		}
		if depth == 0 || parent.IsZero() || walk.seen(ObjectName{parent, ObjectCommit}) && depth < 0 {
			return nil
		}
		c, first, sb = parent, false, nil
	}
}

// tombstone gets the mark that a commit was deleted, where the repository of the
// source leaves one. A parent that is missing without one is an accident there.
func (p *pull) tombstone(ctx context.Context, c Checksum) error {
	if !p.src.tombstones() {
		return nil
	}
	n := ObjectName{c, ObjectTombstone}
	data, err := p.src.meta(ctx, n, p.limit())
	if err != nil {
		return err
	}
	p.stats.requestedMeta.Add(1)
	return p.src.storeMeta(ctx, n, data)
}

// A pulledCommit is a commit on its way.
type pulledCommit struct {
	checksum Checksum
	target   *pullTarget
	first    bool        // it is that of the target, and not a parent
	delta    *superblock // that leads to it, if there is one

	commit   *Commit
	data     []byte
	from     pullSource
	stored   bool   // the repository has it already
	detached []byte // what is attached to it
	attached bool   // detached was found now; otherwise what is here counts
}

// commit gets one commit, and returns its parent. It is looked at, with its
// signatures, before anything of it is stored.
func (p *pull) commit(ctx context.Context, pc *pulledCommit, walk *pullWalk) (Checksum, error) {
	if err := p.readCommit(ctx, pc); err != nil {
		return Checksum{}, err
	}
	if err := p.check(ctx, pc); err != nil {
		return Checksum{}, err
	}
	partial, err := p.storeCommit(ctx, pc)
	if err != nil {
		return Checksum{}, err
	}
	if len(p.opts.Subpaths) == 0 && !p.opts.CommitOnly {
		p.w.Complete(pc.checksum)
	}
	p.stats.scanned.Add(1)
	if !partial || p.opts.CommitOnly {
		return pc.commit.Parent, nil
	}
	if pc.delta != nil {
		if err := p.applyDelta(ctx, pc.delta); err != nil {
			return Checksum{}, err
		}
	}
	walk.addCommit(pc.commit.Tree)
	return pc.commit.Parent, nil
}

// storeCommit stores a commit and what is attached to it, and tells whether its
// tree may be incomplete.
func (p *pull) storeCommit(ctx context.Context, pc *pulledCommit) (partial bool, err error) {
	partial = true
	if pc.stored {
		partial, err = p.isPartial(pc.checksum)
	} else {
		err = p.repo.setCommitState(pc.checksum, CommitPartial)
	}
	if err != nil {
		return partial, err
	}
	if pc.attached {
		if err := p.w.putDetached(pc.checksum, pc.detached); err != nil {
			return partial, err
		}
	}
	if pc.stored {
		return partial, nil
	}
	return partial, pc.from.storeMeta(ctx, ObjectName{pc.checksum, ObjectCommit}, pc.data)
}

// isPartial looks in the repository that has the commit, which may be a parent.
func (p *pull) isPartial(c Checksum) (bool, error) {
	for r := p.repo; r != nil; r = r.parent {
		partial, err := r.IsPartial(c)
		if partial || err != nil {
			return partial, err
		}
		if ok, err := r.store.hasHere(ObjectName{c, ObjectCommit}); ok || err != nil {
			return false, err
		}
	}
	return false, nil
}

// readCommit finds a commit here, in a delta, in a cache or at the source. What
// is attached to it always comes from the source, since signatures may have been
// added.
func (p *pull) readCommit(ctx context.Context, pc *pulledCommit) error {
	n := ObjectName{pc.checksum, ObjectCommit}
	var err error
	if pc.stored, err = p.w.store.has(n); err != nil {
		return err
	}
	pc.from = p.src
	if !pc.stored && pc.delta == nil {
		pc.from = p.sourceOf(n)
	}
	if err := p.readDetached(ctx, pc); err != nil {
		return err
	}
	switch {
	case pc.stored:
		pc.data, err = p.w.store.readMeta(n)
	case pc.delta != nil:
		pc.data = pc.delta.commit
	default:
		pc.data, err = p.fetchCommit(ctx, pc, n)
	}
	if err != nil {
		return err
	}
	pc.commit, err = decodeCommit(pc.data)
	return corrupt(n.String(), err)
}

func (p *pull) fetchCommit(ctx context.Context, pc *pulledCommit, n ObjectName) ([]byte, error) {
	limit := p.limit()
	switch {
	case pc.first && pc.target.size > 0:
		limit = min(limit, clampSize(pc.target.size))
	case p.opts.MaxMetadataSize == 0:
		limit = maxCommitSize
	}
	p.stats.requestedMeta.Add(1)
	data, err := pc.from.meta(ctx, n, limit)
	if err == nil && !pc.from.trusted() {
		err = sameChecksum(n, sha256.Sum256(data))
	}
	return data, err
}

func (p *pull) readDetached(ctx context.Context, pc *pulledCommit) error {
	var err error
	pc.detached, pc.attached, err = pc.from.detached(ctx, pc.checksum, p.limit())
	if err != nil {
		return err
	}
	if pc.attached {
		_, err := decodeDetached(pc.detached)
		if err == nil || p.verify.Needed() {
			return corrupt(ObjectName{pc.checksum, ObjectCommitMeta}.String(), err)
		}
		// Nobody asked for what is in it.
		pc.detached, pc.attached = nil, false
	}
	if pc.delta != nil {
		if v, ok := pc.delta.metadata.Lookup(pc.delta.name.detachedKey()); ok && v.Type() == "a{sv}" {
			pc.detached, pc.attached = v.Data(), true
			return nil
		}
	}
	pc.detached, err = p.w.store.readMeta(ObjectName{pc.checksum, ObjectCommitMeta})
	if errors.Is(err, ErrObjectNotFound) {
		return nil
	}
	return err
}

// sourceOf is the first cache that has an object, and else the source.
func (p *pull) sourceOf(n ObjectName) pullSource {
	for _, cache := range p.caches {
		if ok, err := cache.repo.store.has(n); ok && err == nil {
			return cache
		}
	}
	return p.src
}

// maxCommitSize is the most that a commit may have whose size was not announced.
// No commit comes near it that is not meant to fill a disk.
const maxCommitSize = 16 << 20

// limit is the most that metadata may have, in bytes.
func (p *pull) limit() int64 {
	if p.opts.MaxMetadataSize > 0 {
		return min(p.opts.MaxMetadataSize, maxMetadataSize)
	}
	return maxMetadataSize
}

// check refuses a commit that is not signed as it must be, does not belong where
// it was found, or is older than it may be.
func (p *pull) check(ctx context.Context, pc *pulledCommit) error {
	attached, err := decodeDetached(pc.detached)
	switch {
	case err != nil && p.verify.Needed():
		return &CorruptError{What: ObjectName{pc.checksum, ObjectCommitMeta}.String(), Err: err}
	case err != nil:
		// Nobody asks for it, so it only is not taken along.
		pc.detached, pc.attached = nil, false
	}
	if _, err := p.verification(pc.target).VerifyCommit(ctx, pc.checksum, pc.data, attached); err != nil {
		return err
	}
	if !p.opts.IgnoreBindings {
		ref := ""
		if pc.first {
			ref = pc.target.Ref
		}
		if err := pc.commit.CheckBindings(p.collection, ref); err != nil {
			return fmt.Errorf("commit %s: %w", pc.checksum, err)
		}
	}
	return p.checkTime(ctx, pc)
}

func (p *pull) checkTime(ctx context.Context, pc *pulledCommit) error {
	if p.opts.TimestampCheck && pc.target.Ref != "" {
		current, err := p.currentCommit(ctx, pc.target)
		if err == nil && !current.IsZero() {
			err = p.notOlder(current, pc.checksum, pc.commit)
		}
		if err != nil {
			return err
		}
	}
	if p.opts.TimestampCheckFrom == "" {
		return nil
	}
	from, err := p.repo.Resolve(ctx, p.opts.TimestampCheckFrom)
	if err != nil {
		return err
	}
	return p.notOlder(from, pc.checksum, pc.commit)
}

// currentCommit is what the ref names here, or what any ref of that name does.
func (p *pull) currentCommit(ctx context.Context, t *pullTarget) (Checksum, error) {
	if !t.previous.IsZero() {
		return t.previous, nil
	}
	c, err := p.repo.Resolve(ctx, t.Ref)
	if errors.Is(err, ErrRefNotFound) {
		return Checksum{}, nil
	}
	return c, err
}

func (p *pull) notOlder(current, c Checksum, commit *Commit) error {
	old, err := p.w.store.loadCommit(current)
	if err != nil {
		return fmt.Errorf("check of timestamps: %w", err)
	}
	if commit.Timestamp.Before(old.Timestamp) {
		return &OlderCommitError{Commit: c, Time: commit.Timestamp, Current: current, CurrentTime: old.Timestamp}
	}
	return nil
}

// An OlderCommitError says that a commit was made before the one that it would
// replace, so that somebody may be offering an old state again.
type OlderCommitError struct {
	Commit      Checksum
	Time        time.Time
	Current     Checksum
	CurrentTime time.Time
}

// Error implements error.
func (e *OlderCommitError) Error() string {
	return fmt.Sprintf("commit %s of %s is older than the current commit %s of %s; pull it without a check of timestamps if that is right",
		e.Commit, e.Time.Format(time.RFC3339), e.Current, e.CurrentTime.Format(time.RFC3339))
}
