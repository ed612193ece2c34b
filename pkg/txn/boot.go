package txn

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// What units of systemd do at boot and at shutdown. Both wait for the lock as the options of the sysroot
// say, and layered deployments keep their bases.

// AssessBoot is [deploy.Sysroot.AssessBoot] on the system.
func (s *System) AssessBoot(ctx context.Context, checks []deploy.HealthCheck) (*deploy.Assessment, error) {
	return s.sysroot.AssessBoot(ctx, checks)
}

// FinalizeStaged is [deploy.Sysroot.Finalize] on the system.
func (s *System) FinalizeStaged(ctx context.Context) (deploy.Finalized, error) {
	return s.sysroot.Finalize(ctx)
}
