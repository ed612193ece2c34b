package compose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// PlanRoot says what committing the tree at root comes to. The packages are those that the tree says it
// was installed from: what was changed in it since is not part of the input hash. A tree that says nothing
// gets no input hash, so that the next compose takes place.
func (c *Composer) PlanRoot(ctx context.Context, root string) (*Plan, error) {
	if c.opts.Repo == nil {
		return nil, errors.New("compose: there is no repository to commit to")
	}
	p := c.newPlan()
	if err := c.planBefore(ctx, p); err != nil {
		return nil, err
	}
	made, err := readRecord(root)
	if err != nil {
		return nil, err
	}
	if made != nil {
		p.Packages, p.Layers = made.Packages, made.Layers
		if p.InputHash, err = c.inputHash(p); err != nil {
			return nil, err
		}
	}
	return p, c.planVersion(p)
}

// readRecord reads what a tree says it was made of, nil if it says nothing.
func readRecord(dir string) (*recorded, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	text, err := root.ReadFile(lockPath)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var made recorded
	if err := json.Unmarshal(text, &made); err != nil {
		return nil, fmt.Errorf("%s/%s: %w", dir, lockPath, err)
	}
	return &made, nil
}

// Commit commits the tree at root, with [Composer.PlanRoot]'s plan. A tree that is not postprocessed is,
// in the commit. Together with [Composer.Install] that makes the commit that [Composer.Apply] makes.
func (c *Composer) Commit(ctx context.Context, p *Plan, root string, reporter step.Reporter) (*Result, error) {
	run := &application{composer: c, plan: p}
	err := run.steps(ctx, reporter, step.Step{Name: "Writing the commit", Do: func(ctx context.Context, task *step.Task) error {
		if err := c.checkFresh(ctx, p); err != nil {
			return err
		}
		return run.commitRoot(ctx, task, root)
	}})
	return run.result, err
}

func (a *application) commitRoot(ctx context.Context, task *step.Task, root string) error {
	folded, err := isFolded(root)
	if err != nil {
		return err
	}
	in, err := a.common(ctx)
	if err != nil {
		return err
	}
	if err := a.describe(&in); err != nil {
		return err
	}
	in.Report = progress(task)
	before, err := a.packagesBefore(ctx)
	if err != nil {
		return err
	}
	var built *assemble.Result
	if folded {
		built, err = assemble.CommitDir(ctx, in, root)
	} else {
		built, err = a.buildRoot(ctx, in, root)
	}
	if err != nil {
		return err
	}
	a.finish(built, before)
	return nil
}
