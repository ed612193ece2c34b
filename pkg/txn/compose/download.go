package compose

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Download fetches the packages of a plan and returns their files, in the order of the plan.
func (c *Composer) Download(ctx context.Context, p *Plan, reporter step.Reporter) ([]string, error) {
	run := &application{composer: c, plan: p}
	return run.fetch(ctx, reporter, step.Step{Name: "Downloading packages", Do: run.download})
}

// Import is Download, and puts the packages into the package cache besides, from where a compose takes
// them.
func (c *Composer) Import(ctx context.Context, p *Plan, reporter step.Reporter) ([]string, error) {
	run := &application{composer: c, plan: p}
	return run.fetch(ctx, reporter,
		step.Step{Name: "Downloading packages", Weight: 50, Do: run.download},
		step.Step{Name: "Importing packages", Weight: 50, Do: run.importPackages})
}

// fetch runs steps under the lock and lists the files of the packages.
func (a *application) fetch(ctx context.Context, reporter step.Reporter, steps ...step.Step) ([]string, error) {
	unlock, err := a.composer.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	if err := step.Run(ctx, steps, step.Options{Reporter: reporter}); err != nil {
		return nil, err
	}
	files := make([]string, 0, len(a.plan.packages))
	for _, pkg := range a.plan.packages {
		files = append(files, a.debs[pkg])
	}
	return files, nil
}

func (a *application) download(ctx context.Context, task *step.Task) error {
	debs, err := a.plan.client.Download(ctx, a.plan.packages, apt.DownloadOptions{
		Progress: func(p apt.Progress) { task.Progress(p.Current, p.Done, p.Total, step.Bytes) },
	})
	a.debs = debs
	return err
}

func (a *application) importPackages(ctx context.Context, task *step.Task) error {
	sources := make([]pkgcache.Source, 0, len(a.plan.packages))
	for _, p := range a.plan.packages {
		sources = append(sources, pkgcache.Source{Key: keyOf(p), SHA256: p.SHA256, Path: a.debs[p]})
	}
	done := 0
	return a.composer.withCache(func(cache *ostree.Repo) error {
		_, err := pkgcache.New(cache).Import(ctx, sources, pkgcache.Options{Report: func(k pkgcache.Key) {
			done++
			task.Progress(k.Name, int64(done), int64(len(sources)), step.Items)
		}})
		return err
	})
}

// withCache opens the package cache for as long as do runs.
func (c *Composer) withCache(do func(*ostree.Repo) error) error {
	cache, err := openCache(c.opts.CacheDir)
	if err != nil {
		return err
	}
	return errors.Join(do(cache), cache.Close())
}
