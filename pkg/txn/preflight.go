package txn

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// planEtc finds out what becomes of the local configuration with another base: what stands in the way
// is an error now rather than at shutdown, what is decided silently then is said now.
func (s *System) planEtc(ctx context.Context, p *Plan) error {
	if p.Base == p.PresentBase || p.image != nil || len(p.boot) == 0 {
		return nil
	}
	merge, err := s.sysroot.MergeDeployment(ctx, p.Stateroot)
	if err != nil || merge == nil {
		return err
	}
	outcome, err := s.sysroot.PreviewEtc(ctx, *merge, p.Base)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // one of them has no defaults to compare with
	}
	if err != nil {
		return fmt.Errorf("preview the merge of /etc: %w", err)
	}
	for _, c := range outcome.Blocking() {
		return &etcmerge.ConflictError{Path: c.Path, Reason: c.Blocking}
	}
	p.EtcConflicts = outcome.Conflicts
	for _, c := range outcome.Conflicts {
		p.Warnings = append(p.Warnings, fmt.Sprintf("/etc/%s is changed here and in the new base; it stays as it is here", c.Path))
	}
	return nil
}

// checkDownload makes sure that there is room for the packages: for their files, and for what is in
// them. What the deployment itself needs is checked when the base is there.
func (s *System) checkDownload(p *Plan) error {
	need := p.DownloadSize + p.InstalledSize
	var st unix.Statfs_t
	if err := unix.Statfs(s.Repo().Path(), &st); err != nil {
		return &fs.PathError{Op: "statfs", Path: s.Repo().Path(), Err: err}
	}
	if free := int64(st.Bavail) * st.Bsize; need > free {
		return &deploy.SpaceError{Path: s.Repo().Path(), Need: need, Free: free}
	}
	return nil
}

// preflight checks, before a tree is assembled for a long time, that the deployment of something with
// the kernel and the configuration of the base will not fail.
func (a *application) preflight(ctx context.Context, _ *step.Task) error {
	options, err := a.deployOptions(ctx)
	if err != nil {
		return err
	}
	commit := a.commit
	if commit.IsZero() {
		commit = a.plan.Base
	}
	return a.system.sysroot.Preflight(ctx, commit, options)
}
