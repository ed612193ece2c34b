package ostree

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// Pull copies commits, with all they need, from a remote, and makes refs below
// the remote's name point to them. What the repository has is not fetched again.
//
// A commit is looked at before its tree is fetched: its signatures, by the
// configuration of the remote; the refs that it is bound to; its time, if
// opts.TimestampCheck asks for that. Every object is compared with its checksum
// before it is stored. Refs are changed last, when everything is on disk. An
// interrupted pull leaves what it has got for the next one, and its commits
// marked as [CommitPartial].
//
// A remote whose URL begins with "file://" is read like the source of
// [Repo.PullLocal], but verified like any remote.
func (r *Repo) Pull(ctx context.Context, remote string, opts PullOptions) (*PullResult, error) {
	result, err := r.pullRemote(ctx, remote, opts)
	if err != nil {
		return result, fmt.Errorf("pull from remote %s: %w", remote, err)
	}
	return result, nil
}

func (r *Repo) pullRemote(ctx context.Context, name string, opts PullOptions) (result *PullResult, err error) {
	p, err := r.newPull(name, opts)
	if err != nil {
		return nil, err
	}
	if p.config, err = r.Remote(name); err != nil {
		return nil, err
	}
	if err := p.config.pullable(); err != nil {
		return nil, err
	}
	if p.verify = opts.VerifyCommits; p.verify == nil {
		if p.verify, err = r.CommitVerification(name); err != nil {
			return nil, err
		}
	}
	if err := p.readKeyrings(); err != nil {
		return nil, err
	}
	if p.verifySummary = opts.VerifySummary; p.verifySummary == nil {
		if p.verifySummary, err = r.SummaryVerification(name); err != nil {
			return nil, err
		}
	}
	if path, ok := p.localPath(); ok {
		return p.runLocal(ctx, path)
	}
	p.collection = p.config.CollectionID
	return p.runHTTP(ctx, p.config)
}

// localPath is where the repository of the remote lies on this machine. Deltas,
// if they are required, are read from there like from a server.
func (p *pull) localPath() (string, bool) {
	url := p.config.URL
	if p.opts.Fetch.URL != "" {
		url = p.opts.Fetch.URL
	}
	if p.opts.Deltas == DeltasRequired || p.opts.Fetch.URL == "" && p.config.Metalink != "" || !strings.HasPrefix(url, "file:") {
		return "", false
	}
	u, err := fetch.ParseURL(url)
	if err != nil {
		return "", false // the other way reports it
	}
	return u.Path, true
}

func (p *pull) runLocal(ctx context.Context, path string) (result *PullResult, err error) {
	src, err := Open(path, p.repo.opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, src.Close()) }()
	p.useLocal(src)
	return p.run(ctx)
}

func (p *pull) runHTTP(ctx context.Context, remote *Remote) (*PullResult, error) {
	session, err := p.repo.openRemote(ctx, remote, p.opts.Fetch)
	if err != nil {
		return nil, err
	}
	defer session.Close()
	p.http = &httpSource{p: p, session: session}
	p.src, p.local = p.http, nil
	return p.run(ctx)
}
