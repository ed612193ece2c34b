package txn

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Finalize says which staged deployment is meant and what is accepted. A reboot is the caller's
// business.
type Finalize struct {
	// Checksum is the base commit that the caller expects, so that nothing is finalized which was
	// staged in the meantime. It may be "" with AllowMissingChecksum only.
	Checksum string `json:"checksum,omitempty"`
	// AllowMissingChecksum finalizes whatever is staged.
	AllowMissingChecksum bool `json:"allow-missing-checksum,omitempty"`
	// AllowUnlocked accepts a deployment that is not locked.
	AllowUnlocked bool `json:"allow-unlocked,omitempty"`
}

// planFinalize makes sure that the staged deployment is the one that is meant.
func (s *System) planFinalize(ctx context.Context, p *Plan) error {
	want := p.Change.Finalize
	if len(p.boot) == 0 || !p.boot[0].Staged {
		return &RequestError{Message: "no staged deployment to finalize"}
	}
	staged := p.boot[0]
	base, err := s.Base(ctx, staged.Checksum)
	if err != nil {
		return err
	}
	switch {
	case want.Checksum == "" && !want.AllowMissingChecksum:
		return &RequestError{Message: "finalizing needs the checksum of the staged deployment's base, or --allow-missing-checksum; staged is " + base.String()}
	case want.Checksum != "" && want.Checksum != base.String():
		return &RequestError{Message: fmt.Sprintf("Expected staged base checksum %s, but found %s", want.Checksum, base)}
	case !staged.Locked && !want.AllowUnlocked:
		return &RequestError{Message: "staged deployment is already unlocked; --allow-unlocked finalizes it all the same"}
	}
	p.From, p.Base, p.Refspec = staged.Checksum, base, originOf(staged).Refspec
	p.standalone = []step.Step{{Name: "Unlocking the staged deployment", Do: p.finalize(s, staged), Commit: true}}
	return nil
}

func (p *Plan) finalize(s *System, staged deploy.Deployment) func(context.Context, *step.Task) error {
	return func(ctx context.Context, task *step.Task) error {
		if _, err := s.sysroot.LockFinalization(ctx, false); err != nil {
			return err
		}
		task.Infof("Finalized deployment; rebooting into %s", staged.Checksum)
		return nil
	}
}

// running says whether the system that runs is a deployment of this sysroot. Its changes are staged.
func running(all []deploy.Deployment) bool {
	for _, d := range all {
		if d.Booted {
			return true
		}
	}
	return false
}
