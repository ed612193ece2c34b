package busapi

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// cachedUpdate is what the last check found, as it is kept on disk and shown.
type cachedUpdate struct {
	Osname          string `json:"osname"`
	Checksum        string `json:"checksum"`
	Version         string `json:"version,omitempty"`
	Origin          string `json:"origin,omitempty"`
	RefHasNewCommit bool   `json:"ref-has-new-commit"`
	// UpdateSHA256 is the deployed commit that the update was computed for: on another one it means nothing.
	UpdateSHA256 string      `json:"update-sha256"`
	Diff         *updateDiff `json:"rpm-diff,omitempty"`
	Checked      time.Time   `json:"checked,omitzero"`
}

// updateDiff has packages as NAME OLD NEW or NAME VERSION, with their architecture.
type updateDiff struct {
	Upgraded   []string `json:"upgraded,omitempty"`
	Downgraded []string `json:"downgraded,omitempty"`
	Removed    []string `json:"removed,omitempty"`
	Added      []string `json:"added,omitempty"`
}

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
	if result, err := s.begin(c, r); err != nil {
		return nil, err
	} else { //nolint:revive // result belongs to it
		return []any{true, result[0]}, nil
	}
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
	if err := t.tellPlan(plan); err != nil {
		return err
	}
	return t.server.keepUpdate(newUpdate(t.stateroot, plan))
}

// newUpdate describes what an upgrade would do; nil if nothing.
func newUpdate(stateroot string, plan *txn.Plan) *cachedUpdate {
	if plan.Unchanged {
		return nil
	}
	u := &cachedUpdate{
		Osname: stateroot, Checksum: plan.Base.String(), Version: plan.BaseVersion, Origin: plan.Refspec,
		RefHasNewCommit: plan.Base != plan.From, UpdateSHA256: plan.From.String(), Checked: time.Now().UTC().Truncate(time.Second),
	}
	diff := updateDiff{}
	for _, p := range plan.Diff.Upgraded {
		diff.Upgraded = append(diff.Upgraded, p.To.Name+" "+p.From.Version.String()+" "+p.To.Version.String())
	}
	for _, p := range plan.Diff.Downgraded {
		diff.Downgraded = append(diff.Downgraded, p.To.Name+" "+p.From.Version.String()+" "+p.To.Version.String())
	}
	for _, p := range plan.Diff.Removed {
		diff.Removed = append(diff.Removed, p.Name+" "+p.Version.String())
	}
	for _, p := range plan.Diff.Added {
		diff.Added = append(diff.Added, p.Name+" "+p.Version.String())
	}
	if len(diff.Upgraded)+len(diff.Downgraded)+len(diff.Removed)+len(diff.Added) > 0 {
		u.Diff = &diff
	}
	return u
}

func (s *Server) updatePath() string { return filepath.Join(s.opts.CacheDir, "cached-update.json") }

// keepUpdate replaces what the last check found.
func (s *Server) keepUpdate(u *cachedUpdate) error {
	if u == nil {
		err := os.Remove(s.updatePath())
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	text, err := json.MarshalIndent(u, "", "  ")
	if err != nil {
		return err
	}
	return fsx.WriteFile(s.updatePath(), text, 0o644)
}

// readUpdate gives what was kept, if it still is about the deployment that boots next.
func (s *Server) readUpdate(status *txn.Status) (*cachedUpdate, error) {
	text, err := os.ReadFile(s.updatePath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	u := new(cachedUpdate)
	if err := json.Unmarshal(text, u); err != nil {
		s.log.Warn("what the last check found is damaged; it is forgotten", "file", s.updatePath(), "error", err)
		return nil, nil
	}
	for _, d := range status.Deployments {
		if d.Osname == u.Osname {
			if d.Checksum == u.UpdateSHA256 {
				return u, nil
			}
			return nil, nil
		}
	}
	return nil, nil
}
