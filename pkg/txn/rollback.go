package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// planRollback plans to swap the first two deployments. What is staged has no place in the list yet
// and can only be dropped.
func (s *System) planRollback(ctx context.Context, p *Plan) error {
	switch {
	case len(p.boot) > 0 && p.boot[0].Staged:
		return &RequestError{Message: "Staged deployment (remove with cleanup -p)"}
	case len(p.boot) < 2:
		return &NoDeploymentError{Sysroot: s.path, Stateroot: p.Stateroot, Need: 2, Have: len(p.boot)}
	}
	target := originOf(p.boot[1])
	p.Stage = false
	p.From, p.Base = p.boot[0].Checksum, p.boot[1].Checksum
	p.Refspec, p.Return = target.Refspec, p.boot[1].Name()
	p.Requested = append(p.Requested, target.Requested...)
	p.standalone = []step.Step{{Name: "Rolling back", Commit: true, Do: func(ctx context.Context, _ *step.Task) error {
		_, err := s.sysroot.Rollback(ctx, p.Stateroot)
		return err
	}}}
	var err error
	p.Diff, err = s.diffOf(ctx, p.From, p.Base)
	return err
}

// diffOf is the difference between the packages of two commits.
func (s *System) diffOf(ctx context.Context, from, to ostree.Checksum) (dpkg.Changes, error) {
	before, err := s.known(ctx, from)
	if err != nil {
		return dpkg.Changes{}, err
	}
	after, err := s.known(ctx, to)
	return dpkg.Diff(before, after), err
}
