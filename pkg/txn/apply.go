package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// ApplyOptions say how to carry out a plan.
type ApplyOptions struct {
	// Reporter gets the events; nil is none.
	Reporter step.Reporter
	// Unpacker says who unpacks packages; empty is [assemble.Build]'s choice. The result is the same.
	Unpacker assemble.UnpackMode
	// By is who asked, for the history; by default this process.
	By history.Actor
}

// Apply does what the plan says and returns the deployment that boots next. If the plan is
// unchanged that is the present one. The commit point is the switch of the boot entries: an
// error or cancellation before it leaves the system as it was.
func (s *System) Apply(ctx context.Context, p *Plan, opts ApplyOptions) (*deploy.Deployment, error) {
	if p.Change.RegisterDriver != "" {
		if err := s.registerDriver(p.Change); err != nil {
			return nil, err
		}
	}
	if p.Unchanged {
		return &p.boot[0], nil
	}
	unlock, err := s.lockOnce(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := s.checkFresh(ctx, p); err != nil {
		return nil, err
	}
	run := &application{system: s, plan: p, unpacker: opts.Unpacker}
	defer run.close()
	record := s.begin(p, opts)
	err = step.Run(ctx, run.steps(), step.Options{Reporter: record})
	record.end(ctx, run.deployment, err)
	if err != nil {
		return nil, err
	}
	if run.deployment == nil {
		return s.first(context.WithoutCancel(ctx))
	}
	return run.deployment, nil
}

// lockOnce takes the lock, unless the caller of a change has it already.
func (s *System) lockOnce(ctx context.Context) (unlock func(), err error) {
	if s.locked {
		return func() {}, nil
	}
	release, err := s.Lock(ctx)
	if err != nil {
		return nil, err
	}
	return func() {
		if err := release(); err != nil {
			s.opts.Logger.Warn("sysroot lock not released cleanly", "error", err)
		}
	}, nil
}

// first is the deployment that boots next, nil if there is none.
func (s *System) first(ctx context.Context) (*deploy.Deployment, error) {
	list, _, err := s.pending(ctx)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	return &list[0], nil
}

// checkFresh refuses a plan that was made from a state which is no more.
func (s *System) checkFresh(ctx context.Context, p *Plan) error {
	now, _, err := s.pending(ctx)
	if err != nil {
		return err
	}
	if len(now) != len(p.boot) {
		return &StaleError{What: fmt.Sprintf("%d deployments, not %d", len(now), len(p.boot))}
	}
	for i := range now {
		if now[i].Path != p.boot[i].Path {
			return &StaleError{What: fmt.Sprintf("deployment %d is %s", i, now[i].Path)}
		}
		if i == 0 && !originOf(now[i]).Equal(originOf(p.boot[i])) {
			return &StaleError{What: "the origin of " + now[i].Path}
		}
	}
	return nil
}

// application is one run of a plan.
type application struct {
	system     *System
	plan       *Plan
	unpacker   assemble.UnpackMode
	sums       map[*apt.Package]string // SHA-256 of the packages, in debstore
	commit     ostree.Checksum
	checkout   *assemble.Checkout // of commit, nil if there is none
	deployment *deploy.Deployment
}

// close removes what a change that failed has left.
func (a *application) close() {
	if a.checkout == nil {
		return
	}
	if err := a.checkout.Close(); err != nil {
		a.system.opts.Logger.Warn("the next change removes it again", "error", err)
	}
}

func (a *application) steps() []step.Step {
	if a.plan.standalone != nil {
		return a.plan.standalone
	}
	a.commit = a.plan.commit()
	steps := a.downloadSteps()
	if a.plan.Change.DownloadOnly {
		return append(steps, step.Step{Name: "Keeping what was downloaded", Do: a.hold, Commit: true})
	}
	if a.commit.IsZero() && a.plan.image == nil {
		steps = append(steps, step.Step{Name: "Checking the room for it", Do: a.preflight})
		steps = append(steps, step.Step{Name: "Assembling the tree", Weight: 60, Do: a.assemble})
	} else if len(a.system.offers) > 0 {
		steps = append(steps, step.Step{Name: "Keeping local packages", Weight: 5, Do: func(ctx context.Context, _ *step.Task) error {
			return a.keep(ctx, nil)
		}})
	}
	steps = append(steps, step.Step{Name: a.deployTitle(), Weight: 10, Do: a.deploy, Commit: true})
	if a.plan.purge != "" {
		steps = append(steps, step.Step{Name: "Deleting the old ref", Do: a.purgeRef})
	}
	return append(steps, step.Step{Name: "Cleaning up", Weight: 5, Do: a.cleanup})
}

// assemble makes the layered commit.
func (a *application) assemble(ctx context.Context, task *step.Task) error {
	s, p := a.system, a.plan
	batches, err := solve.Batches(ctx, p.arriving(), p.staying())
	if err != nil {
		return err
	}
	debs, done, err := a.checkoutDebs(ctx)
	if err != nil {
		return err
	}
	defer done()
	base, err := s.Repo().LoadCommit(ctx, p.Base)
	if err != nil {
		return err
	}
	seed, err := s.seed(ctx, p.From)
	if err != nil {
		return err
	}
	initramfsArgs, err := s.initramfsArgs(ctx, p.Base)
	if err != nil {
		return err
	}
	runner, err := s.runner(ctx)
	if err != nil {
		return err
	}
	result, err := assemble.Build(ctx, assemble.Input{
		Repo: s.Repo(), Base: p.Base, Batches: batches, Debs: debs, Overwrite: p.overwriting(), Purge: p.purges(), Seed: seed,
		Timestamp: base.Timestamp, Runner: runner, Logger: s.opts.Logger, LogDir: s.logDir(p.Stateroot),
		Initramfs: p.origin.RegenerateInitramfs, InitramfsArgs: append(initramfsArgs, p.origin.InitramfsArgs...), Unpacker: a.unpacker, KeepCheckout: true,
		Commit: a.layeredCommit(base),
		Report: func(r assemble.Progress) { task.Progress(r.Item, int64(r.Done), int64(r.Total), step.Items) },
	})
	if err != nil {
		return err
	}
	a.commit, a.checkout = result.Commit, result.Checkout
	return nil
}

func (a *application) layeredCommit(base *ostree.Commit) ostree.Commit {
	var metadata ostree.Metadata
	if v := base.Metadata.Str(ostree.MetadataVersion); v != "" {
		metadata.Set(ostree.MetadataVersion, gvariant.String(v))
	}
	metadata.Set(keyLayered, gvariant.Bool(true))
	metadata.Set(keyPackage, gvariant.Strings(a.plan.active()))
	if len(a.plan.Removed) > 0 {
		metadata.Set(keyRemoved, removedValue(a.plan.Removed))
	}
	if len(a.plan.Replaced) > 0 {
		metadata.Set(keyReplaced, replacedValue(a.plan.Replaced))
	}
	metadata.Set(keyDebs, gvariant.Strings(distinct(slices.Collect(maps.Values(a.sums)))))
	metadata.Set(keyDigest, gvariant.String(a.plan.Digest))
	timestamp := a.system.opts.Timestamp
	if timestamp.IsZero() {
		timestamp = a.system.opts.Clock()
	}
	return ostree.Commit{Metadata: metadata, Parent: a.plan.Base, Timestamp: timestamp}
}

// cleanup drops what no deployment needs any more, and what killed runs left. It runs after the commit point and is repeated
// by the next change if it is interrupted.
func (a *application) cleanup(ctx context.Context, _ *step.Task) error {
	err := errors.Join(assemble.Sweep(assemble.ScratchDir(a.system.Repo().Path())), a.system.dropPackages(ctx), a.system.dropDebs(ctx), a.system.release(ctx), a.system.dropImages(ctx))
	err = errors.Join(err, a.system.dropLiveRefs(ctx))
	_, cleanup := a.system.sysroot.Cleanup(ctx)
	return errors.Join(err, cleanup)
}

// seed is the tree whose accounts keep their ids: that of the deployment the change starts from.
func (s *System) seed(ctx context.Context, from ostree.Checksum) (fs.FS, error) {
	return s.Repo().FS(ctx, from)
}

func (s *System) runner(ctx context.Context) (sandbox.Runner, error) {
	if s.opts.Runner != nil {
		return s.opts.Runner, nil
	}
	return sandbox.New(ctx, sandbox.Options{})
}
