package ostree

import (
	"context"
	"errors"
	"io/fs"
	"slices"
)

// loadSummary gets the summary of the remote if something in it is needed: the
// commits that refs name, which refs there are, or which deltas.
func (p *pull) loadSummary(ctx context.Context, refs []PullRef, all bool) error {
	open := slices.ContainsFunc(refs, func(r PullRef) bool { return r.Commit.IsZero() })
	var err error
	switch {
	case p.opts.Summary != nil:
		p.summary = p.opts.Summary
	case p.local != nil:
		// Refs themselves are newer than a summary of them, so it only counts if it
		// is signed.
		if all || open && p.verifySummary.Needed() {
			p.summary, err = p.local.summary(ctx, p.remote, p.verifySummary)
		}
	default:
		err = p.loadHTTPSummary(ctx, all || open)
	}
	if err != nil {
		return err
	}
	if all && (p.summary == nil || p.summary.Summary == nil) {
		return &NoSummaryError{Remote: p.remote}
	}
	return p.listDeltas()
}

func (p *pull) loadHTTPSummary(ctx context.Context, needed bool) error {
	if !needed {
		if err := p.http.about(ctx); err != nil {
			return err
		}
		if p.opts.Deltas == DeltasOff || p.http.indexedDeltas {
			return nil
		}
	}
	var err error
	if p.summary, err = p.repo.fetchSummary(ctx, p.http.session, p.verifySummary); err != nil {
		return err
	}
	s := p.summary.Summary
	switch {
	case s != nil && s.Mode() != "":
		p.http.keepsTombstones, p.http.indexedDeltas = s.Tombstones(), s.IndexedDeltas()
		return checkRemoteMode(s.Mode())
	case needed:
		return p.http.about(ctx)
	}
	return nil
}

// summary reads the summary of a repository on this machine.
func (l *localSource) summary(ctx context.Context, remote string, v *Verification) (*FetchedSummary, error) {
	f := &summaryFetch{name: remote, verification: v}
	data, signatures, err := l.repo.ReadSummary(ctx)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, err
	default:
		f.summary = &cachedFile{data: data}
		if signatures != nil {
			f.signatures = &cachedFile{data: signatures}
		}
	}
	if err := f.verify(ctx); err != nil {
		return nil, err
	}
	return f.result()
}

// copySummary makes the summary of the remote that of this repository, which has
// the same refs now.
func (p *pull) copySummary() error {
	if !p.wholeSummary {
		return nil
	}
	return p.repo.replaceSummary(p.summary.Data, p.summary.Signatures)
}
