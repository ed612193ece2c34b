package txn

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/live"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// LiveChange says what is to become live: visible in the running system without a reboot.
type LiveChange struct {
	// Target is the commit; zero is that of the deployment that boots next.
	Target ostree.Checksum `json:"target,omitzero"`
	// Reset goes back to the booted commit.
	Reset bool `json:"reset,omitempty"`
	// AllowReplacement accepts that packages change or go.
	AllowReplacement bool `json:"allow-replacement,omitempty"`
}

// LivePlan is what that means; it encodes to JSON.
type LivePlan struct {
	Change LiveChange      `json:"change"`
	From   ostree.Checksum `json:"from"`
	To     ostree.Checksum `json:"to"`
	// Resumed says that a run was interrupted, which this one completes or undoes.
	Resumed bool `json:"resumed,omitempty"`
	// Diff are the packages, Files counts the paths of /usr that change.
	Diff  dpkg.Changes `json:"-"`
	Files int          `json:"files"`
	// Etc are the paths in /etc that get new defaults, EtcKept those that were changed locally and stay.
	Etc     []string `json:"etc"`
	EtcKept []string `json:"etc-kept,omitempty"`
	// Restart are services that run what is replaced.
	Restart []string `json:"restart"`
	// Unchanged says that this is live already.
	Unchanged bool `json:"unchanged"`

	booted deploy.Deployment
	paths  []string
	state  live.State
}

// LiveOptions say how to carry it out.
type LiveOptions struct {
	Reporter step.Reporter
	By       history.Actor
	// Run runs a program of the running system; by default it does. A failure is told and changes nothing.
	Run func(ctx context.Context, argv ...string) error
}

// LiveError says that a change cannot become live as it was asked for.
type LiveError struct {
	Message string
	// AllowReplacement says that [LiveChange.AllowReplacement] would accept it; Resume that a run has to
	// be completed or undone first.
	AllowReplacement, Resume bool
	// NothingPending says that no deployment waits for the next boot.
	NothingPending bool
}

func (e *LiveError) Error() string { return e.Message }

// PlanLive works out what a live change means. It touches nothing.
func (s *System) PlanLive(ctx context.Context, c LiveChange) (*LivePlan, error) {
	p := &LivePlan{Change: c, Etc: []string{}, Restart: []string{}}
	if err := s.liveEnds(ctx, p); err != nil {
		return nil, err
	}
	if p.Unchanged = p.From == p.To && !p.Resumed; p.Unchanged {
		return p, nil
	}
	if err := s.planLiveFiles(ctx, p); err != nil {
		return nil, err
	}
	return p, s.planLivePackages(ctx, p)
}

// liveEnds finds out what is live and what is to be.
func (s *System) liveEnds(ctx context.Context, p *LivePlan) error {
	list, _, err := s.pending(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(list, func(d deploy.Deployment) bool { return d.Booted })
	if i < 0 {
		return deploy.ErrNotBooted
	}
	p.booted = list[i]
	if u := p.booted.Unlocked; u != "" && u != string(deploy.UnlockTransient) {
		return &deploy.UnlockedError{Name: p.booted.Name(), State: u}
	}
	if p.state, err = live.Load(s.sysroot.StateDir(p.booted)); err != nil {
		return err
	}
	p.From, p.To = p.booted.Checksum, p.Change.Target
	if p.state.Replaced != "" {
		if p.From, err = ostree.ParseChecksum(p.state.Replaced); err != nil {
			return err
		}
	}
	switch {
	case p.Change.Reset && !p.Change.Target.IsZero():
		return errors.New("a reset goes to the booted commit; leave the target out")
	case p.Change.Reset:
		p.To = p.booted.Checksum
	case p.To.IsZero() && list[0].Booted && p.state.InProgress == "":
		return &LiveError{NothingPending: true, Message: "there is no pending deployment to make live; name a commit (--target)"}
	case p.To.IsZero() && list[0].Booted:
		p.To, err = ostree.ParseChecksum(p.state.InProgress)
	case p.To.IsZero():
		p.To = list[0].Checksum
	}
	p.Resumed = p.state.InProgress != ""
	if p.Resumed && !p.Change.Reset && p.state.InProgress != p.To.String() {
		return &LiveError{Resume: true, Message: fmt.Sprintf("making %s live was interrupted; complete that or undo it first", p.state.InProgress)}
	}
	return err
}

// planLiveFiles compares the trees.
func (s *System) planLiveFiles(ctx context.Context, p *LivePlan) error {
	from := []ostree.Checksum{p.From}
	if p.Resumed {
		interrupted, err := ostree.ParseChecksum(p.state.InProgress)
		if err != nil {
			return err
		}
		from = append(from, interrupted)
	}
	paths, err := live.Changed(ctx, s.Repo(), p.To, from...)
	if err != nil {
		return err
	}
	if err := live.Check(paths); err != nil {
		return err
	}
	p.paths = slices.DeleteFunc(paths, func(name string) bool { return !strings.HasPrefix(name, "usr/") })
	p.Files = len(p.paths)
	before, err := s.Repo().FS(ctx, p.From)
	if err != nil {
		return err
	}
	after, err := s.Repo().FS(ctx, p.To)
	if err != nil {
		return err
	}
	restart, err := live.Services(before, after, p.paths)
	if err != nil {
		return err
	}
	p.Restart = append(p.Restart, restart...)
	return s.planLiveEtc(ctx, p)
}

// planLiveEtc picks the files of /etc that follow their defaults. A reset takes back what was done.
func (s *System) planLiveEtc(ctx context.Context, p *LivePlan) error {
	if p.Change.Reset || p.Resumed {
		p.Etc = append(p.Etc, p.state.Etc...)
		return nil
	}
	old, err := s.etcDefaults(ctx, p.From)
	if err != nil || old == nil {
		return err
	}
	etc, err := os.OpenRoot(s.sysroot.EtcDir(p.booted))
	if err != nil {
		return err
	}
	defer etc.Close()
	changed := live.Below(p.paths, "usr/etc")
	follow, err := live.Unmodified(etc, old, changed)
	if err != nil {
		return err
	}
	p.Etc = append(p.Etc, follow...)
	for _, name := range changed {
		if !slices.Contains(follow, name) {
			p.EtcKept = append(p.EtcKept, name)
		}
	}
	return nil
}

// planLivePackages refuses to replace packages, unless that is allowed.
func (s *System) planLivePackages(ctx context.Context, p *LivePlan) error {
	before, err := s.known(ctx, p.From)
	if err != nil {
		return err
	}
	after, err := s.known(ctx, p.To)
	if err != nil {
		return err
	}
	p.Diff = dpkg.Diff(before, after)
	if p.Change.AllowReplacement || p.Change.Reset || p.Resumed {
		return nil
	}
	for _, part := range []struct {
		what string
		n    int
	}{{"removed", len(p.Diff.Removed)}, {"changed", len(p.Diff.Upgraded) + len(p.Diff.Downgraded)}} {
		if part.n > 0 {
			return &LiveError{AllowReplacement: true, Message: fmt.Sprintf("packages would be %s: %d, allow replacement to override", part.what, part.n)}
		}
	}
	return nil
}

// ApplyLive does what the plan says. If it fails or is canceled, what it did is undone; if it is killed,
// the next run completes or undoes it.
func (s *System) ApplyLive(ctx context.Context, p *LivePlan, opts LiveOptions) error {
	if p.Unchanged {
		return nil
	}
	unlock, err := s.lockOnce(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	if opts.Run == nil {
		opts.Run = runProgram
	}
	record := s.beginLive(p, opts)
	run := &liveRun{system: s, plan: p, opts: opts}
	err = step.Run(ctx, run.steps(), step.Options{Reporter: record})
	record.end(ctx, nil, err)
	return err
}

func runProgram(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}
