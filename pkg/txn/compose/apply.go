package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Result is what a compose made.
type Result struct {
	Plan   *Plan
	Commit ostree.Checksum
	// Unchanged says that the inputs were those of the parent, and that Commit is the parent.
	Unchanged bool
	// Kernel is the release of the tree's kernel, "" if there is none.
	Kernel   string
	Diff     dpkg.Changes
	Stats    ostree.WriteStats
	Warnings []string
}

// Apply composes what the plan says. The commit and its ref appear together or, on any failure,
// not at all.
func (c *Composer) Apply(ctx context.Context, p *Plan, reporter step.Reporter) (*Result, error) {
	if p.Unchanged {
		return &Result{Plan: p, Commit: p.Parent, Unchanged: true}, nil
	}
	unlock, err := c.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	if err := c.checkFresh(ctx, p); err != nil {
		return nil, err
	}
	run := &application{composer: c, plan: p}
	err = step.Run(ctx, []step.Step{
		{Name: "Downloading packages", Weight: 30, Do: run.download},
		{Name: "Assembling the tree", Weight: 70, Do: run.assemble},
	}, step.Options{Reporter: reporter})
	if err != nil {
		return nil, err
	}
	return run.result, nil
}

// checkFresh refuses a plan whose parent is no longer the commit of the ref: the commit made
// meanwhile would drop out of the history.
func (c *Composer) checkFresh(ctx context.Context, p *Plan) error {
	now := &Plan{Ref: p.Ref}
	if err := c.planParent(ctx, now); err != nil {
		return err
	}
	if now.Parent != p.Parent {
		return &txn.StaleError{What: fmt.Sprintf("the parent is %s", now.Parent)}
	}
	return nil
}

type application struct {
	composer *Composer
	plan     *Plan
	debs     map[*apt.Package]string
	result   *Result
}

func (a *application) download(ctx context.Context, task *step.Task) error {
	debs, err := a.plan.client.Download(ctx, a.plan.packages, apt.DownloadOptions{
		Progress: func(p apt.Progress) { task.Progress(p.Current, p.Done, p.Total, step.Bytes) },
	})
	a.debs = debs
	return err
}

func (a *application) assemble(ctx context.Context, task *step.Task) error {
	p := a.plan
	batches, err := solve.Batches(ctx, p.packages, nil)
	if err != nil {
		return err
	}
	input, err := a.input(ctx)
	if err != nil {
		return err
	}
	input.Batches = batches
	input.Debs = a.debs
	input.Report = func(r assemble.Progress) { task.Progress(r.Item, int64(r.Done), int64(r.Total), step.Items) }
	before, err := a.before(ctx)
	if err != nil {
		return err
	}
	built, err := a.build(ctx, *input)
	if err != nil {
		return err
	}
	a.result = &Result{Plan: p, Commit: built.Commit, Kernel: built.Kernel, Stats: built.Stats, Warnings: built.Fold.Warnings}
	a.result.Diff = dpkg.Diff(before, built.Packages)
	return nil
}

// before lists the packages of the parent; none if it is not of a Debian system.
func (a *application) before(ctx context.Context) ([]*apt.Package, error) {
	if a.plan.parent == nil {
		return nil, nil
	}
	packages, err := txn.Packages(ctx, a.composer.opts.Repo, a.plan.Parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return packages, err
}

// input translates the treefile into the assembler's terms.
func (a *application) input(ctx context.Context) (*assemble.Input, error) {
	c, p, tree := a.composer, a.plan, a.composer.opts.Treefile
	seed, err := a.seed(ctx)
	if err != nil {
		return nil, err
	}
	scripts, err := tree.scripts()
	if err != nil {
		return nil, err
	}
	metadata, err := a.metadata()
	if err != nil {
		return nil, err
	}
	runner := c.opts.Runner
	if runner == nil {
		if runner, err = sandbox.New(ctx, sandbox.Options{}); err != nil {
			return nil, err
		}
	}
	input := &assemble.Input{
		Repo: c.opts.Repo, Architecture: tree.Basearch, ForeignArchitectures: tree.ForeignArchitectures,
		Seed: seed, Preseed: tree.Preseed, Timestamp: a.scriptTime(),
		KeepStages: true, Prepare: a.prepare, Record: a.record, Postprocess: scripts, Units: tree.Units, DefaultTarget: tree.DefaultTarget,
		ExcludeDocs: !tree.Docs(), Initramfs: !tree.NoInitramfs && !tree.Container, InitramfsArgs: tree.InitramfsArgs,
		AllowNoKernel: tree.Container, Inspect: c.opts.Inspect, Runner: runner, Logger: c.opts.Logger,
		LogDir: filepath.Join(c.opts.CacheDir, "logs"),
		Commit: ostree.Commit{Parent: p.Parent, Timestamp: p.now, Metadata: metadata},
	}
	if p.Ref != "" && !c.opts.NoRef {
		ref, err := ostree.ParseRefspec(p.Ref)
		if err != nil {
			return nil, fmt.Errorf("treefile: ref: %w", err)
		}
		input.Ref = ref
	}
	return input, nil
}

// scriptTime is the time that scripts are told. Without one to be reproducible for it is the beginning
// of the day, so that what was made for another compose of the day can serve again.
func (a *application) scriptTime() time.Time {
	if !a.composer.opts.Timestamp.IsZero() {
		return a.composer.opts.Timestamp
	}
	return a.plan.now.UTC().Truncate(24 * time.Hour)
}

// seed is the parent's tree, whose users and groups keep their ids.
func (a *application) seed(ctx context.Context) (fs.FS, error) {
	if a.plan.parent == nil {
		return nil, nil
	}
	return a.composer.opts.Repo.FS(ctx, a.plan.Parent)
}

// scripts are what runs after the packages are configured.
func (t *Treefile) scripts() ([]assemble.Script, error) {
	var scripts []assemble.Script
	for i, text := range t.Postprocess {
		scripts = append(scripts, assemble.Script{Name: fmt.Sprintf("postprocess %d", i+1), Text: text})
	}
	if t.PostprocessScript != "" {
		text, err := os.ReadFile(t.PostprocessScript)
		if err != nil {
			return nil, fmt.Errorf("treefile: postprocess-script: %w", err)
		}
		scripts = append(scripts, assemble.Script{Name: "postprocess-script", Text: string(text)})
	}
	if len(t.RemoveFiles) > 0 {
		var b strings.Builder
		b.WriteString("#!/bin/sh\nset -e\nrm -rf --")
		for _, p := range t.RemoveFiles {
			b.WriteString(" '/" + strings.ReplaceAll(strings.TrimPrefix(p, "/"), "'", `'\''`) + "'")
		}
		scripts = append(scripts, assemble.Script{Name: "remove-files", Text: b.String() + "\n"})
	}
	return scripts, nil
}

// metadata is the commit's, in a fixed order because the order is part of the checksum: version,
// input hash, what the treefile adds by name, what the caller adds, the binding to the ref.
func (a *application) metadata() (ostree.Metadata, error) {
	p, tree := a.plan, a.composer.opts.Treefile
	var m ostree.Metadata
	if p.Version != "" {
		m.Set(ostree.MetadataVersion, gvariant.String(p.Version))
	}
	m.Set(keyInputHash, gvariant.String(p.InputHash))
	if err := addMetadata(&m, tree.AddCommitMetadata); err != nil {
		return nil, err
	}
	for _, e := range a.composer.opts.Metadata {
		m.Set(e.Key, e.Value)
	}
	if p.Ref != "" {
		m.Set(ostree.MetadataRefBinding, gvariant.Strings([]string{p.Ref}))
	}
	return m, nil
}

// Download fetches the packages of a plan and returns their files, in the order of the plan.
func (c *Composer) Download(ctx context.Context, p *Plan, reporter step.Reporter) ([]string, error) {
	unlock, err := c.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	run := &application{composer: c, plan: p}
	err = step.Run(ctx, []step.Step{{Name: "Downloading packages", Do: run.download}}, step.Options{Reporter: reporter})
	if err != nil {
		return nil, err
	}
	files := make([]string, 0, len(p.packages))
	for _, pkg := range p.packages {
		files = append(files, run.debs[pkg])
	}
	return files, nil
}
