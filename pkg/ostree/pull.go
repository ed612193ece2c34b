package ostree

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync/atomic"
	"time"
)

// PullLocal copies commits, with all they need, from another repository on this
// machine, and makes refs name them. Without refs in the options it copies all
// local refs of the source.
//
// Objects are linked where both repositories would store them as the same file,
// and neither those nor copies are compared with their checksums: the source is
// trusted unless opts.Untrusted is set.
//
// See [Repo.Pull] for what holds for both.
func (r *Repo) PullLocal(ctx context.Context, src *Repo, opts PullOptions) (*PullResult, error) {
	result, err := r.pullLocal(ctx, src, opts)
	if err != nil {
		return result, fmt.Errorf("pull from %s: %w", src.Path(), err)
	}
	return result, nil
}

func (r *Repo) pullLocal(ctx context.Context, src *Repo, opts PullOptions) (*PullResult, error) {
	p, err := r.newPull(opts.Remote, opts)
	if err != nil {
		return nil, err
	}
	p.verify, p.verifySummary = opts.VerifyCommits, opts.VerifySummary
	if err := p.readKeyrings(); err != nil {
		return nil, err
	}
	p.useLocal(src)
	if opts.Deltas != DeltasRequired {
		return p.run(ctx)
	}
	if len(opts.Refs) == 0 {
		if p.opts.Refs, err = p.local.allRefs(ctx); err != nil {
			return nil, err
		}
	}
	return p.runHTTP(ctx, &Remote{Name: opts.Remote, URL: "file://" + (&url.URL{Path: src.path}).EscapedPath()})
}

// A pull is one call of Pull or PullLocal.
type pull struct {
	repo          *Repo
	opts          PullOptions
	remote        string // names the remote in refs; may be empty
	src           pullSource
	local         *localSource // src, if it is a repository on this machine
	http          *httpSource  // src, if it is behind a network
	config        *Remote      // nil for PullLocal
	caches        []*localSource
	collection    string // of the remote, which commits must be bound to; may be empty
	verify        *Verification
	verifyRefs    map[CollectionRef]*Verification // in place of verify
	verifySummary *Verification
	started       time.Time

	summary *FetchedSummary        // nil if it was not needed
	deltas  map[DeltaName]Checksum // of superblocks, as far as they are listed
	// wholeSummary is set if every ref in the summary is pulled.
	wholeSummary bool
	targets      []*pullTarget
	w            *Writer
	writer       atomic.Pointer[Writer] // w, for those who only count
	stats        pullStats

	absent [256]bool   // by the first byte of a checksum: the repository had no directory for it
	staged atomic.Bool // some objects came into the staging directory on another way than this walk
}

// A pullTarget is a commit that was asked for, with the ref it was asked by.
type pullTarget struct {
	PullRef
	size     uint64   // of the commit object as the summary says, 0 if it does not
	previous Checksum // that the local ref names, zero if there is none
}

func (r *Repo) newPull(remote string, opts PullOptions) (*pull, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	if err := r.checkWritable(); err != nil {
		return nil, err
	}
	p := &pull{repo: r, opts: opts, remote: remote, started: time.Now()}
	for _, cache := range opts.LocalCaches {
		p.caches = append(p.caches, newLocalSource(p, cache))
	}
	return p, nil
}

func (p *pull) useLocal(src *Repo) {
	p.local = newLocalSource(p, src)
	p.src = p.local
	p.collection = src.settings.collection
}

// run does the whole work, in the order that keeps the repository valid if it
// is interrupted: marks of incomplete commits, objects, refs, marks off.
func (p *pull) run(ctx context.Context) (*PullResult, error) {
	stop := p.reportProgress(ctx)
	defer stop()
	if err := p.plan(ctx); err != nil {
		return nil, err
	}
	if p.opts.DryRun {
		err := p.dryRun(ctx)
		return p.result(), err
	}
	opts := UpdateOptions{Resume: true, SyncEach: p.opts.SyncEach, NoSync: p.opts.NoSync}
	if err := p.repo.UpdateWith(ctx, func(w *Writer) error { return p.write(ctx, w) }, opts); err != nil {
		return nil, err
	}
	if err := p.copySummary(); err != nil {
		return nil, err
	}
	return p.result(), nil
}

// write fetches everything and sets the refs.
func (p *pull) write(ctx context.Context, w *Writer) error {
	p.w = w
	p.writer.Store(w)
	if err := p.look(); err != nil {
		return err
	}
	if err := p.fetch(ctx); err != nil {
		return err
	}
	for _, t := range p.targets {
		if err := p.setRef(t); err != nil {
			return err
		}
	}
	return nil
}

func (o *PullOptions) check() error {
	if o.Depth < -1 {
		return fmt.Errorf("depth %d: -1 means all parents", o.Depth)
	}
	if o.DryRun && o.Deltas != DeltasRequired {
		return errors.New("a dry run needs static deltas to be required: nothing else says in advance what there is to fetch")
	}
	if o.TimestampCheck && o.Depth != 0 {
		return errors.New("a check of timestamps cannot go with parents, which are always older")
	}
	for _, path := range o.Subpaths {
		if len(path) == 0 || path[0] != '/' {
			return fmt.Errorf("subpath %q must begin with a slash", path)
		}
	}
	for _, ref := range o.Refs {
		if err := ref.check(); err != nil {
			return err
		}
	}
	return nil
}
