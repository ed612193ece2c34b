package busapi

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// LiveOptions are those of LiveFs. Reset is our own: rpm-ostree's client names the booted commit.
type LiveOptions struct {
	RunOptions
	// Target is a commit, or a ref of one; empty is the deployment that boots next.
	Target string `json:"target,omitempty"`
	// Replace accepts that packages change or go, Reset goes back to the booted commit.
	Replace bool `json:"replace,omitempty"`
	Reset   bool `json:"reset,omitempty"`
}

// liveRequest is what is to become live.
type liveRequest struct {
	target string
	change txn.LiveChange
}

// liveFs makes a commit live.
func (s *Server) liveFs(c *call) ([]any, error) {
	var o LiveOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	switch {
	case o.Reboot:
		return nil, &ArgumentError{"reboot", "nothing of this is left after a restart"}
	case o.Reset && o.Target != "":
		return nil, &ArgumentError{"reset", "not with target"}
	}
	if err := s.authorize(c, actLive); err != nil {
		return nil, err
	}
	title := "apply-live"
	if o.CommandLine != "" {
		title = oneLine(o.CommandLine)
	}
	return s.begin(c, &request{
		method: c.member, stateroot: s.stateroot(c.names, c.path), options: o.RunOptions, title: title, work: (*transaction).applyLive,
		liveWant: &liveRequest{o.Target, txn.LiveChange{AllowReplacement: o.Replace, Reset: o.Reset}},
	})
}

// applyLive is the work of such a transaction.
func (t *transaction) applyLive(ctx context.Context) (err error) {
	system, err := t.server.open(ctx, t.stateroot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	unlock, err := t.lock(ctx, system)
	if err != nil {
		return err
	}
	defer unlock()
	change := t.liveWant.change
	if t.liveWant.target != "" {
		if change.Target, err = system.Repo().Resolve(ctx, t.liveWant.target); err != nil {
			return err
		}
	}
	return t.makeLive(ctx, system, change)
}

// followLive makes the deployment live that the change before has made. There may be none: the system runs what was
// asked for.
func (t *transaction) followLive(ctx context.Context, system *txn.System) error {
	err := t.makeLive(ctx, system, t.liveWant.change)
	if live, ok := errors.AsType[*txn.LiveError](err); ok && live.NothingPending {
		return nil
	}
	return err
}

// makeLive plans it, tells the plan, and carries it out. Programs that tell the system of what is new run outside of
// the daemon's unit.
func (t *transaction) makeLive(ctx context.Context, system *txn.System, change txn.LiveChange) error {
	plan, err := system.PlanLive(ctx, change)
	if err != nil {
		return err
	}
	if err := t.tellPlan("live-plan", plan); err != nil {
		return err
	}
	if t.options.DryRun {
		return nil
	}
	return system.ApplyLive(ctx, plan, txn.LiveOptions{Reporter: step.ReporterFunc(t.report), By: t.by, Run: systemd.Run})
}
