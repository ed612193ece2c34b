package deploy

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Preflight finds out whether a commit could be deployed now: whether it is fit, whether there is room
// for it, and whether the configuration can be carried over. It writes nothing. The errors are those of
// [Sysroot.Deploy]; OverlayInitrds of the options are left out of account.
func (s *Sysroot) Preflight(ctx context.Context, c ostree.Checksum, opts DeployOptions) error {
	st, err := s.load(ctx)
	if err != nil {
		return err
	}
	opts.OverlayInitrds = nil
	job, err := s.newJob(ctx, st, c, nil, opts)
	if err != nil {
		return fmt.Errorf("deploy %s: %w", c, err)
	}
	if err := job.previewEtc(ctx); err != nil {
		return fmt.Errorf("deploy %s: %w", c, err)
	}
	if err := job.preflight(ctx, job.list()); err != nil {
		return fmt.Errorf("deploy %s: %w", c, err)
	}
	return nil
}
