package compose

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

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

func (a *application) download(ctx context.Context, task *step.Task) error {
	debs, err := a.plan.client.Download(ctx, a.plan.packages, apt.DownloadOptions{
		Progress: func(p apt.Progress) { task.Progress(p.Current, p.Done, p.Total, step.Bytes) },
	})
	a.debs = debs
	return err
}
