package txn

import (
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn/live"
)

// describeLive notes what apply-live made of the running deployment.
func (s *System) describeLive(out *DeploymentStatus, d deploy.Deployment) error {
	if !d.Booted {
		return nil
	}
	state, err := live.Load(s.sysroot.StateDir(d))
	out.LiveInProgress, out.LiveReplaced = state.InProgress, state.Replaced
	return err
}
