package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// plan finds out which commits are to be pulled.
func (p *pull) plan(ctx context.Context) error {
	if err := p.chooseDeltas(); err != nil {
		return err
	}
	refs, all, err := p.wanted(ctx)
	if err != nil {
		return err
	}
	if err := p.loadSummary(ctx, refs, all); err != nil {
		return err
	}
	if all {
		refs = p.summary.Summary.allRefs()
	}
	p.wholeSummary = all
	for _, ref := range refs {
		t := &pullTarget{PullRef: ref}
		if err := p.resolve(ctx, t); err != nil {
			return err
		}
		p.addTarget(t)
	}
	return nil
}

// addTarget takes the last of several commits that one ref was to name, as
// libostree does.
func (p *pull) addTarget(t *pullTarget) {
	for i, other := range p.targets {
		same := t.Ref == other.Ref && t.Collection == other.Collection
		if same && (t.Ref != "" || t.Commit == other.Commit) {
			p.targets[i] = t
			return
		}
	}
	p.targets = append(p.targets, t)
}

// ErrNoBranches says that a pull without refs is not possible, because the
// remote is configured for none.
var ErrNoBranches = errors.New("no ref was asked for, and the remote has no branches in its configuration")

// wanted lists what was asked for, or what is pulled when nothing was. All means
// every ref in the summary.
func (p *pull) wanted(ctx context.Context) (refs []PullRef, all bool, err error) {
	switch {
	case len(p.opts.Refs) > 0:
		return p.opts.Refs, false, nil
	case p.config != nil && len(p.config.Branches) > 0:
		for _, branch := range p.config.Branches {
			ref := PullRef{Ref: branch}
			if err := ref.check(); err != nil {
				return nil, false, err
			}
			refs = append(refs, ref)
		}
		return refs, false, nil
	case p.config != nil && p.opts.Mirror:
		return nil, true, nil
	case p.config != nil:
		return nil, false, ErrNoBranches
	}
	refs, err = p.local.allRefs(ctx)
	return refs, false, err
}

// allRefs lists the local refs of the source. Refs that it has from remotes of
// its own have names that cannot be kept, so they are refused.
func (l *localSource) allRefs(ctx context.Context) ([]PullRef, error) {
	refs, err := l.repo.Refs(ctx, "")
	if err != nil {
		return nil, err
	}
	list := make([]PullRef, 0, len(refs))
	for ref := range refs {
		if ref.Remote != "" {
			return nil, &InvalidRefError{Ref: ref.String()}
		}
		list = append(list, PullRef{Ref: ref.Ref})
	}
	slices.SortFunc(list, func(a, b PullRef) int { return strings.Compare(a.Ref, b.Ref) })
	return list, nil
}

// allRefs lists the refs of a summary, those of other collections too.
func (s *Summary) allRefs() []PullRef {
	var list []PullRef
	for _, r := range s.Refs {
		list = append(list, PullRef{Collection: s.CollectionID(), Ref: r.Ref})
	}
	for _, c := range s.Collections {
		for _, r := range c.Refs {
			list = append(list, PullRef{Collection: c.ID, Ref: r.Ref})
		}
	}
	return list
}

// A NoSummaryError says that all refs of a remote cannot be pulled because it has
// no summary to list them.
type NoSummaryError struct{ Remote string }

// Error implements error.
func (e *NoSummaryError) Error() string {
	return fmt.Sprintf("remote %s has no summary, so its refs are not known; name those to pull", e.Remote)
}

// A SummaryRefError says that the summary of a remote does not list a ref.
type SummaryRefError struct{ PullRef }

// Error implements error.
func (e *SummaryRefError) Error() string {
	return fmt.Sprintf("ref %s is not in the summary of the remote", e.PullRef)
}

// resolve finds the commit of a target and the one that the ref names here.
func (p *pull) resolve(ctx context.Context, t *pullTarget) error {
	if t.Commit.IsZero() {
		if err := p.findCommit(ctx, t); err != nil {
			return err
		}
	}
	if t.Ref == "" {
		return nil
	}
	path, err := p.refPath(t.PullRef)
	if err != nil {
		return err
	}
	previous, err := p.repo.readRef(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	t.previous = previous
	return err
}

func (p *pull) findCommit(ctx context.Context, t *pullTarget) error {
	if p.summary == nil || p.summary.Summary == nil {
		if p.local != nil && p.opts.Mirror && t.Collection == "" {
			t.Collection = p.local.repo.settings.collection
		}
		c, err := p.src.resolve(ctx, t.PullRef)
		t.Commit = c
		if p.local != nil && p.config != nil && t.Collection == "" {
			t.Collection = p.local.repo.settings.collection // as its summary would say
		}
		return err
	}
	s := p.summary.Summary
	var ref SummaryRef
	var ok bool
	if t.Collection == "" {
		ref, ok = s.Lookup(t.Ref)
	} else {
		ref, ok = s.LookupCollection(t.Collection, t.Ref)
	}
	if !ok {
		return &SummaryRefError{t.PullRef}
	}
	if t.Collection == "" {
		t.Collection = s.CollectionID()
	}
	t.Commit, t.size = ref.Commit, ref.Size
	return nil
}

// refPath is where the ref is kept here, below the directory refs.
func (p *pull) refPath(ref PullRef) (string, error) {
	switch {
	case !p.opts.Mirror:
		return Refspec{Remote: p.remote, Ref: ref.Ref}.path(), nil
	case ref.Collection == "":
		return Refspec{Ref: ref.Ref}.path(), nil
	}
	return p.repo.collectionPath(CollectionRef{ref.Collection, ref.Ref})
}

// setRef makes the ref of a target name its commit.
func (p *pull) setRef(t *pullTarget) error {
	switch {
	case t.Ref == "" || t.Commit == t.previous:
		return nil
	case !p.opts.Mirror:
		return p.w.SetRef(Refspec{Remote: p.remote, Ref: t.Ref}, t.Commit)
	case t.Collection == "":
		return p.w.SetRef(Refspec{Ref: t.Ref}, t.Commit)
	}
	return p.w.SetCollectionRef(CollectionRef{t.Collection, t.Ref}, t.Commit)
}
