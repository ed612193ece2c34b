package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// Finalized says what [Sysroot.Finalize] did.
type Finalized struct {
	// Deployment is the one that boots next, nil when none was staged, or when it is locked.
	Deployment *Deployment
	// Locked says that there is a staged deployment, but that it must wait.
	Locked bool
}

// Finalize makes the staged deployment effective, as ostree-finalize-staged.service does when the
// system shuts down ("ostree admin finalize-staged"). It merges /etc, writes boot entries and
// removes what /boot no longer needs, but leaves the repository for a [Sysroot.Cleanup].
//
// The deployment is no longer staged when the merge begins: half a merge is not repeated. An error is
// also written to /boot, where [Sysroot.FinalizeFailure] finds it after the reboot.
func (s *Sysroot) Finalize(ctx context.Context) (Finalized, error) {
	done, err := s.finalize(ctx)
	if err == nil {
		return done, nil
	}
	err = fmt.Errorf("finalize the staged deployment: %w", err)
	return done, errors.Join(err, s.recordFailure(err))
}

func (s *Sysroot) finalize(ctx context.Context) (Finalized, error) {
	unlock, err := s.hold(ctx)
	if err != nil {
		return Finalized{}, err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil || st.staging == nil {
		return Finalized{}, err
	}
	if st.staging.locked {
		s.log.Info("not finalizing: the deployment is locked", "deployment", st.staged().Name())
		return Finalized{Locked: true}, nil
	}
	job, err := s.finalizeJob(ctx, st)
	if err != nil {
		return Finalized{}, err
	}
	if err := removeAll(s.stagedPath()); err != nil {
		return Finalized{}, err
	}
	if err := s.step(ctx, "unstaged"); err != nil {
		return Finalized{}, err
	}
	if err := job.finalize(ctx); err != nil {
		return Finalized{}, err
	}
	if _, err := s.write(ctx, job.state, job.list(), job.progress); err != nil {
		return Finalized{}, err
	}
	ctx = context.WithoutCancel(ctx)
	d, err := s.reload(ctx, job.deployment)
	if err != nil {
		return Finalized{}, err
	}
	return Finalized{Deployment: d}, s.cleanFinalized(ctx)
}

// finalizeJob is the job that was begun by staging.
func (s *Sysroot) finalizeJob(ctx context.Context, st *state) (*job, error) {
	d := *st.staged()
	d.Staged = false
	commit, err := s.repo.LoadCommit(ctx, d.Checksum)
	if err != nil {
		return nil, err
	}
	tree, err := s.repo.FSTree(ctx, commit.Tree)
	if err != nil {
		return nil, err
	}
	in := &inspected{commit: commit, bootChecksum: d.BootChecksum}
	if err := in.findEtc(tree, d.Checksum); err != nil {
		return nil, err
	}
	in.findVar(tree)
	final := st.final()
	j := &job{sysroot: s, state: final, deployment: d, in: in}
	if merge := st.staging.merge; merge != nil {
		if j.merge = final.find(merge.Same); j.merge == nil {
			return nil, fmt.Errorf("the deployment whose configuration it should get is gone: %w", &NotFoundError{Name: merge.Name()})
		}
	}
	return j, nil
}

// cleanFinalized removes what the new list does not need, all but objects of the repository.
func (s *Sysroot) cleanFinalized(ctx context.Context) error {
	st, err := s.load(ctx)
	if err == nil {
		_, err = s.clean(ctx, st)
	}
	if err != nil {
		return fmt.Errorf("the deployment is in effect, but the clean-up after it failed: %w", err)
	}
	return removeAll(s.stagedInitrds())
}

// LockFinalization keeps the staged deployment from being finalized, or lets it be, and reports
// whether that changed anything ("ostree admin lock-finalization"). It is a [*NotFoundError] when
// nothing is staged.
func (s *Sysroot) LockFinalization(ctx context.Context, on bool) (changed bool, err error) {
	unlock, err := s.hold(ctx)
	if err != nil {
		return false, err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return false, err
	}
	if st.staging == nil {
		return false, fmt.Errorf("lock finalization: %w", &NotFoundError{Name: "that is staged"})
	}
	if st.staging.locked == on {
		return false, nil
	}
	st.staging.locked = on
	if err := s.setLockFile(on); err != nil {
		return false, fmt.Errorf("lock finalization: %w", err)
	}
	if err := s.writeStaging(st.staging); err != nil {
		return false, fmt.Errorf("lock finalization: %w", err)
	}
	return true, s.touch()
}

// setLockFile makes or removes the file that locks for older versions of libostree.
func (s *Sysroot) setLockFile(on bool) error {
	if !on {
		return removeAll(s.lockedPath())
	}
	if err := os.MkdirAll(filepath.Dir(s.lockedPath()), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(s.lockedPath(), nil, 0o640)
}
