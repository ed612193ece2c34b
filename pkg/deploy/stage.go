package deploy

import (
	"context"
	"errors"
	"fmt"
	"os/exec"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// finalizeUnit is what finalizes a staged deployment when the system shuts down.
const finalizeUnit = "ostree-finalize-staged.service"

// StageOptions are those of a staged deployment. The zero value stages like "ostree admin deploy
// --stage REF".
type StageOptions struct {
	// DeployOptions say where it goes and what it takes from others. Retain and NotDefault are
	// refused: the list is made at shutdown.
	DeployOptions
	// Locked keeps it from being finalized until [Sysroot.LockFinalization] unlocks it.
	Locked bool
}

// Stage checks a commit out as a deployment that takes effect when the system shuts down: then
// [Sysroot.Finalize] carries over what /etc has become by then and writes the boot entries. Until
// then the boot loader knows nothing of it, and it is gone after a crash. Another staged deployment
// is replaced.
//
// Only a running deployment can stage, which [ErrNotBooted] says otherwise. That the configuration
// cannot be carried over is found out now as far as it shows now: a [*etcmerge.ConflictError]. Other
// errors are those of [Sysroot.Deploy].
func (s *Sysroot) Stage(ctx context.Context, c ostree.Checksum, o *origin.Origin, opts StageOptions) (*Deployment, error) {
	d, err := s.stage(ctx, c, o, opts)
	if err != nil {
		return nil, fmt.Errorf("stage %s: %w", c, err)
	}
	return d, nil
}

// ErrNotBooted says that the running system is not a deployment of the sysroot.
var ErrNotBooted = errors.New("the running system is not a deployment of this sysroot")

func (s *Sysroot) stage(ctx context.Context, c ostree.Checksum, o *origin.Origin, opts StageOptions) (*Deployment, error) {
	if opts.Retain != (Retain{}) || opts.NotDefault {
		return nil, errors.New("what to retain and where to put it cannot be said of a staged deployment")
	}
	unlock, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if st.booted() == nil {
		return nil, fmt.Errorf("%w; deploy without staging", ErrNotBooted)
	}
	job, err := s.newJob(ctx, st, c, o, opts.DeployOptions)
	if err != nil {
		return nil, err
	}
	if err := job.previewEtc(ctx); err != nil {
		return nil, err
	}
	if err := s.opts.startFinalizer(ctx); err != nil {
		return nil, fmt.Errorf("start what finalizes at shutdown: %w", err)
	}
	if _, err := s.clean(ctx, st); err != nil {
		return nil, fmt.Errorf("clean up before: %w", err)
	}
	if err := job.preflight(ctx, Retain{}.insert(notStaged(st.deployments), job.deployment, job.merge, false)); err != nil {
		return nil, err
	}
	if err := job.stage(ctx); err != nil {
		return nil, errors.Join(err, s.remove(job.deployment))
	}
	if err := s.commitStaged(ctx, st, job, opts.Locked); err != nil {
		return nil, err
	}
	return s.reload(context.WithoutCancel(ctx), job.deployment)
}

// previewEtc finds out now what would stop a merge at shutdown.
func (j *job) previewEtc(ctx context.Context) error {
	if j.merge == nil {
		return nil
	}
	outcome, err := j.sysroot.PreviewEtc(ctx, *j.merge, j.deployment.Checksum)
	if err != nil {
		return fmt.Errorf("preview the merge of /etc: %w", err)
	}
	for _, c := range outcome.Blocking() {
		return &etcmerge.ConflictError{Path: c.Path, Reason: c.Blocking}
	}
	return nil
}

// commitStaged makes a deployment the staged one, by renaming the file that says so.
func (s *Sysroot) commitStaged(ctx context.Context, st *state, j *job, locked bool) error {
	list := append([]Deployment{j.deployment}, st.deployments...)
	if err := s.writeRefs(ctx, refSet{boot: st.boot, sub: st.sub, list: list, basesOf: list}); err != nil {
		return errors.Join(err, s.remove(j.deployment))
	}
	if err := s.step(ctx, "stage-refs"); err != nil {
		return errors.Join(err, s.remove(j.deployment))
	}
	if err := s.setLockFile(locked); err != nil {
		return errors.Join(err, s.remove(j.deployment))
	}
	if err := s.writeStaging(&staging{target: j.deployment, merge: j.merge, ownArgs: j.ownArgs(), locked: locked}); err != nil {
		return errors.Join(err, s.remove(j.deployment))
	}
	s.after("staged")
	if old := st.staged(); old != nil {
		if err := s.remove(*old); err != nil {
			return fmt.Errorf("the deployment is staged, but the one before cannot be removed: %w", err)
		}
	}
	s.after("replaced")
	return s.touch()
}

// dropStaged forgets the staged deployment.
func (s *Sysroot) dropStaged(d Deployment) error {
	for _, path := range []string{s.stagedPath(), s.lockedPath(), s.stagedInitrds()} {
		if err := removeAll(path); err != nil {
			return err
		}
	}
	s.after("unstaged")
	if err := s.remove(d); err != nil {
		return err
	}
	return s.touch()
}

// startFinalizer makes sure that something finalizes at shutdown.
func (o Options) startFinalizer(ctx context.Context) error {
	switch {
	case o.StartFinalizer != nil:
		return o.StartFinalizer(ctx)
	case o.RunDir != "":
		return nil
	}
	out, err := exec.CommandContext(ctx, "systemctl", "start", "--quiet", finalizeUnit).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl start %s: %w: %s", finalizeUnit, err, out)
	}
	return nil
}
