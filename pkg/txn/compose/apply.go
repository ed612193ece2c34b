package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Result is what a compose made.
type Result struct {
	Plan   *Plan
	Commit ostree.Checksum
	// Unchanged says that the inputs were those of the previous commit, and that Commit is that one; it
	// is zero if only its input hash is known.
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
		return p.unchanged(), nil
	}
	if c.opts.Repo == nil {
		return nil, errors.New("compose: there is no repository to commit to")
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

// unchanged is the result of a compose that has nothing to do.
func (p *Plan) unchanged() *Result {
	r := &Result{Plan: p, Unchanged: true}
	if p.previous != nil {
		r.Commit = p.previous.sum
	}
	return r
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

func (a *application) assemble(ctx context.Context, task *step.Task) error {
	in, err := a.common(ctx)
	if err != nil {
		return err
	}
	if err := errors.Join(a.fill(ctx, &in), a.describe(&in)); err != nil {
		return err
	}
	in.Report = progress(task)
	before, err := a.packagesBefore(ctx)
	if err != nil {
		return err
	}
	built, err := a.build(ctx, in)
	if err != nil {
		return err
	}
	a.finish(built, before)
	return nil
}

// finish sums up what was made.
func (a *application) finish(built *assemble.Result, before []*apt.Package) {
	a.result = &Result{Plan: a.plan, Commit: built.Commit, Kernel: built.Kernel, Stats: built.Stats, Warnings: built.Fold.Warnings}
	a.result.Diff = dpkg.Diff(before, built.Packages)
}

// progress passes on how far the assembler is.
func progress(task *step.Task) func(assemble.Progress) {
	return func(r assemble.Progress) { task.Progress(r.Item, int64(r.Done), int64(r.Total), step.Items) }
}

// packagesBefore lists the packages of the parent; none if it is not of a Debian system.
func (a *application) packagesBefore(ctx context.Context) ([]*apt.Package, error) {
	if a.plan.parent == nil {
		return nil, nil
	}
	packages, err := txn.Packages(ctx, a.composer.opts.Repo, a.plan.Parent)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return packages, err
}
