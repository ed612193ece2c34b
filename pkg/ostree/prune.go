package ostree

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// PruneOptions says what is kept. The zero value keeps every commit in the
// repository with all it needs, and removes only what no commit needs.
type PruneOptions struct {
	// RefsOnly keeps only commits that refs point to, and as many of their
	// parents as Depth says.
	RefsOnly bool
	// Depth is how many parents of a kept commit are kept, all if negative.
	Depth int
	// DryRun counts and removes nothing.
	DryRun bool
	// CommitsOnly looks only at commits: the objects of those that are removed stay
	// for a later run.
	CommitsOnly bool
	// KeepYoungerThan, if not zero, keeps the commit of each ref and its line of
	// parents down to the first that is older. It implies RefsOnly. Depth is then
	// not used, but RetainDepth and OnlyRefs keep more.
	KeepYoungerThan time.Time
	// OnlyRefs, if not empty, are the only refs to which the rest applies: all
	// parents of the commits of other refs are kept, unless RetainDepth says
	// otherwise. They are named as [Refspec.String] does. It implies RefsOnly.
	OnlyRefs []string
	// RetainDepth says for single refs what Depth is for the rest. It implies
	// RefsOnly.
	RetainDepth map[string]int
}

// PruneReport is what was removed, or would be.
type PruneReport struct {
	Total   int   // objects before; commits only with PruneOptions.CommitsOnly
	Deleted int   // objects removed, or to be removed
	Freed   int64 // bytes
}

// Prune removes objects that are not reachable, static deltas to commits that
// are gone, and what temporary files and caches hold for no one. It waits until it
// is alone: nothing is written meanwhile. If a reachable object cannot be read,
// nothing is removed; what partial commits lack does not count.
//
// Refs in collections are kept like others. A name in OnlyRefs that is no ref
// gives a [*RefNotFoundError]. With core.tombstone-commits a tombstone takes the
// place of each commit.
func (r *Repo) Prune(ctx context.Context, opts PruneOptions) (*PruneReport, error) {
	unlock, err := r.Lock(ctx, Exclusive)
	if err != nil {
		return nil, fmt.Errorf("prune: %w", err)
	}
	report, err := r.pruneLocked(ctx, opts)
	if err := errors.Join(err, unlock()); err != nil {
		return report, fmt.Errorf("prune: %w", err)
	}
	return report, nil
}

func (r *Repo) pruneLocked(ctx context.Context, opts PruneOptions) (*PruneReport, error) {
	p := &pruner{repo: r, opts: opts}
	var err error
	if p.index, err = r.store.index(ctx, p.note); err != nil {
		return nil, err
	}
	keep := newReachable(r, p.index)
	keep.commitsOnly = opts.CommitsOnly
	if err := r.markRoots(ctx, keep, opts, p.index.commits()); err != nil {
		return nil, err
	}
	p.keep = keep.objects
	if opts.DryRun {
		return &p.report, p.count(ctx)
	}
	if !r.writable {
		return nil, errors.New("no permission to write")
	}
	if err := p.remove(ctx); err != nil {
		return &p.report, err
	}
	return &p.report, r.pruneRest(ctx)
}

// pruneRest removes what belongs to commits and remotes that are gone.
func (r *Repo) pruneRest(ctx context.Context) error {
	return errors.Join(r.pruneDeltas(ctx), r.pruneUncompressed(ctx), r.pruneSummaryCache(), r.cleanTmp())
}

// A pruner is one run.
type pruner struct {
	repo   *Repo
	opts   PruneOptions
	index  *objectIndex
	keep   *objectSet
	report PruneReport

	mu           sync.Mutex // guards the report's sums and payloadLinks
	payloadLinks []ObjectName
}

// note remembers objects that depend on others in a way of their own.
// Tombstones stay, detached metadata go with their commit, and files-xattrs belong
// to a mode that is read only.
func (p *pruner) note(n ObjectName) error {
	if n.Type != ObjectPayloadLink {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.payloadLinks = append(p.payloadLinks, n)
	return nil
}
