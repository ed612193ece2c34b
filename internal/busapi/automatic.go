package busapi

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// triggerOptions are those of AutomaticUpdateTrigger.
type triggerOptions struct {
	RunOptions
	// Mode is auto, none or check; "" is auto.
	Mode string `json:"mode"`
	// OutputToSelf makes the daemon log what a client would be told. It logs in any case.
	OutputToSelf *bool `json:"output-to-self"`
}

// automaticUpdateTrigger does what the policy says.
func (s *Server) automaticUpdateTrigger(c *call) ([]any, error) {
	var o triggerOptions
	if err := decodeDict(&o, arg[dict](c, 0)); err != nil {
		return nil, err
	}
	if err := s.authorize(c, actUpgrade); err != nil {
		return nil, err
	}
	s.mu.Lock()
	policy := s.config.AutomaticUpdatePolicy
	s.mu.Unlock()
	switch o.Mode {
	case "", "auto":
	case "none", "check":
		policy = Policy(o.Mode)
	default:
		return nil, &ArgumentError{"mode", "neither auto, none nor check"}
	}
	r := &request{method: c.member, stateroot: s.stateroot(c.names, c.path), change: txn.Change{Upgrade: true}, options: o.RunOptions, title: "automatic (" + string(policy) + ")"}
	switch policy {
	case PolicyNone:
		return []any{false, ""}, nil
	case PolicyCheck:
		r.work = (*transaction).check
	case PolicyApply:
		r.options.Reboot = true
	}
	result, err := s.begin(c, r)
	if err != nil {
		return nil, err
	}
	return []any{true, result[0]}, nil
}

// check looks for an update and keeps what it finds.
func (t *transaction) check(ctx context.Context) (err error) {
	system, err := t.server.open(ctx, t.stateroot)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	plan, err := system.Plan(ctx, t.change)
	if err != nil {
		return err
	}
	if err := t.tellPlan("plan", plan); err != nil {
		return err
	}
	_, err = system.RecordUpdate(ctx, plan)
	return err
}
