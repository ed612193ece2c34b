package txn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// What was deployed before is remembered in the origin of a deployment. The group belongs to one
// deployment and is not carried over.
const (
	groupTransient = "libostree-transient"
	keyBefore      = "apt-ostree-before"
)

// before is what a deployment was made from.
type before struct {
	Commit ostree.Checksum `json:"commit"`
	Base   ostree.Checksum `json:"base"`
	Origin string          `json:"origin"`
	Kargs  []string        `json:"kargs"`
}

// remember notes in the new origin what it is made from.
func (p *Plan) remember() error {
	if len(p.boot) == 0 {
		return nil
	}
	last := p.boot[0]
	text, err := json.Marshal(before{
		Commit: last.Checksum, Base: p.PresentBase, Origin: string(originOf(last).Bytes()), Kargs: append([]string{}, last.Kargs...),
	})
	if err != nil {
		return err
	}
	return p.origin.SetExtra(groupTransient, keyBefore, string(text))
}

// beforeOf reads what a deployment was made from.
func beforeOf(d deploy.Deployment) (*before, *origin.Origin, error) {
	if d.Origin == nil {
		return nil, nil, nil
	}
	text, ok := d.Origin.Extra(groupTransient, keyBefore)
	if !ok {
		return nil, nil, nil
	}
	b := new(before)
	if err := json.Unmarshal([]byte(text), b); err != nil {
		return nil, nil, fmt.Errorf("origin of %s: key %s: %w", d.Name(), keyBefore, err)
	}
	o, err := origin.Parse([]byte(b.Origin))
	return b, o, err
}

// planUndo goes back to what the first deployment was made from. If that is deployed still it is made
// the first; otherwise it is made again.
func (s *System) planUndo(ctx context.Context, p *Plan) error {
	if rolledBack, err := s.lastWasRollback(p.Stateroot); rolledBack || err != nil {
		return errors.Join(err, s.planRollback(ctx, p))
	}
	if err := s.planPresent(ctx, p); err != nil {
		return err
	}
	last, target, err := beforeOf(p.boot[0])
	if err != nil {
		return err
	}
	if last == nil {
		return &RequestError{Message: "it is not known what the deployment that boots next was made from, so there is nothing to undo; " +
			"\"rollback\" goes back to the one before it in the list"}
	}
	if d := last.deployed(p.boot[1:], target); d != nil {
		return s.planReturn(ctx, p, *d)
	}
	p.origin, p.Base, p.Refspec = target, last.Base, target.Refspec
	p.Requested = append(p.Requested, target.Requested...)
	p.Change.Kargs = &Kargs{From: last.Kargs}
	whole, err := s.isWhole(ctx, last.Commit)
	if err != nil {
		return err
	}
	if whole {
		p.kept = last.Commit
	} else if err := s.planAgain(ctx, p); err != nil {
		return err
	}
	if err := s.planBoot(ctx, p); err != nil {
		return err
	}
	return s.planDiff(ctx, p)
}

// lastWasRollback looks into the history: after a rollback the first deployment is not the newest.
func (s *System) lastWasRollback(stateroot string) (bool, error) {
	records, err := s.History(1)
	if err != nil || len(records) == 0 {
		return false, err
	}
	var c Change
	if err := json.Unmarshal(records[0].Change, &c); err != nil {
		return false, fmt.Errorf("history: %w", err)
	}
	return c.Rollback && records[0].Outcome == history.Succeeded && records[0].Stateroot == stateroot, nil
}

// planAgain solves anew for a tree that is gone. Its base may have to be pulled.
func (s *System) planAgain(ctx context.Context, p *Plan) error {
	from := baseSource{}
	if ref, err := ostree.ParseRefspec(p.Refspec); err == nil {
		from.remote = s.remoteOf(ref, p.Change)
	}
	if err := s.look(ctx, p, p.Base, from, p.Refspec); err != nil {
		return err
	}
	return s.planPackages(ctx, p)
}

// deployed finds a deployment that is what another one was made from.
func (b *before) deployed(list []deploy.Deployment, o *origin.Origin) *deploy.Deployment {
	for _, d := range list {
		if d.Checksum == b.Commit && slices.Equal(d.Kargs, kargs.Args(b.Kargs)) && originOf(d).Equal(o) {
			return &d
		}
	}
	return nil
}

// planReturn makes a deployment the first again. One that is only staged is dropped for that.
func (s *System) planReturn(ctx context.Context, p *Plan, d deploy.Deployment) error {
	first := p.boot[0]
	p.Stage = false
	base, err := s.Base(ctx, d.Checksum)
	if err != nil {
		return err
	}
	p.Base, p.Refspec, p.Return = base, originOf(d).Refspec, d.Name()
	p.Kargs = append([]string{}, d.Kargs...)
	p.Requested = append(p.Requested, originOf(d).Requested...)
	p.standalone = []step.Step{{Name: "Going back", Commit: true, Do: func(ctx context.Context, _ *step.Task) error {
		if first.Staged {
			if err := s.sysroot.Undeploy(ctx, first); err != nil {
				return err
			}
		}
		return s.sysroot.SetDefault(ctx, d)
	}}, {Name: "Cleaning up", Do: func(ctx context.Context, _ *step.Task) error {
		return (&application{system: s, plan: p}).cleanup(ctx, nil)
	}}}
	p.Diff, err = s.diffOf(ctx, first.Checksum, d.Checksum)
	return err
}
