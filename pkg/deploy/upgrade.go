package deploy

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// UpgraderOptions say what is upgraded. The zero value upgrades the running deployment.
type UpgraderOptions struct {
	// Stateroot is where: by default that of the running deployment, or the only one.
	Stateroot string
	// Override is a commit to deploy instead of the one that the ref names. Zero means none. An
	// override of the last upgrade does not last.
	Override ostree.Checksum
	// IgnoreUnconfigured upgrades, or rather switches, a system whose origin says that it has to be
	// configured before.
	IgnoreUnconfigured bool
}

// Upgrader brings a deployment up to date with what it follows, in the two steps [Upgrader.Pull] and
// [Upgrader.Deploy]. It is for deployments as they are pulled; those with layered packages need
// package txn. Not safe for concurrent use.
type Upgrader struct {
	sysroot *Sysroot
	opts    UpgraderOptions
	merge   Deployment
	origin  *origin.Origin
	target  ostree.Checksum
}

// Upgrader prepares to upgrade a stateroot. The error is a [*StaterootError], a
// [*NoDeploymentError], a [*NoOriginError], also for a deployment with layered packages, which would
// lose them, or an [*UnconfiguredError].
func (s *Sysroot) Upgrader(ctx context.Context, opts UpgraderOptions) (*Upgrader, error) {
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	stateroot, err := s.stateroot(opts.Stateroot, st)
	if err != nil {
		return nil, err
	}
	merge, err := st.mergeFor(stateroot, DeployOptions{})
	switch {
	case err != nil:
		return nil, err
	case merge == nil:
		return nil, &NoDeploymentError{Stateroot: stateroot}
	case merge.Origin == nil || merge.Origin.Refspec == "" || merge.Origin.Layered():
		return nil, &NoOriginError{Name: merge.Name(), Missing: merge.Origin == nil, Layered: merge.Origin != nil && merge.Origin.Layered()}
	}
	u := &Upgrader{sysroot: s, opts: opts, merge: *merge, origin: merge.Origin.Derive()}
	u.origin.OverrideCommit = ""
	if opts.Override != (ostree.Checksum{}) {
		u.origin.OverrideCommit = opts.Override.String()
	}
	return u, u.checkConfigured()
}

// Origin returns a copy of what will be followed.
func (u *Upgrader) Origin() *origin.Origin { return u.origin.Clone() }

// Follow changes what is followed, before [Upgrader.Pull].
func (u *Upgrader) Follow(o *origin.Origin) error {
	if _, err := ostree.ParseRefspec(o.Refspec); err != nil {
		return err
	}
	u.origin = o.Clone()
	return u.checkConfigured()
}

func (u *Upgrader) checkConfigured() error {
	if text := u.origin.Unconfigured; text != "" && !u.opts.IgnoreUnconfigured {
		return &UnconfiguredError{State: text}
	}
	return nil
}

// UpgradePullOptions say how the new commit is found.
type UpgradePullOptions struct {
	// AllowOlder accepts a commit that is older than the deployed one, which by default is an
	// [*ostree.OlderCommitError]: whoever can answer for a server could otherwise bring back old flaws.
	AllowOlder bool
	// NoFetch takes what has been pulled before.
	NoFetch bool
	// Pull are further options. Refs and TimestampCheckFrom are set.
	Pull ostree.PullOptions
}

// Pull fetches the newest commit of what is followed, and reports whether it is another one than is
// deployed. A commit that says its ref has come to an end and names another one
// (ostree.endoflife-rebase) changes what is followed.
func (u *Upgrader) Pull(ctx context.Context, opts UpgradePullOptions) (changed bool, err error) {
	changed, err = u.pull(ctx, opts)
	if err != nil {
		return false, fmt.Errorf("upgrade stateroot %s: %w", u.merge.Stateroot, err)
	}
	return changed, nil
}

func (u *Upgrader) pull(ctx context.Context, opts UpgradePullOptions) (bool, error) {
	ref, err := ostree.ParseRefspec(u.origin.Refspec)
	if err != nil {
		return false, err
	}
	if err := u.fetch(ctx, ref, opts, !opts.AllowOlder); err != nil {
		return false, err
	}
	next, err := u.rebase(ctx, ref)
	if err != nil {
		return false, err
	}
	if next != ref {
		if err := u.fetch(ctx, next, opts, false); err != nil {
			return false, err
		}
		u.origin.Refspec = next.String()
	}
	if u.target, err = u.resolve(ctx, next); err != nil || u.target == u.merge.Checksum {
		return false, err
	}
	if opts.AllowOlder {
		return true, nil
	}
	return true, u.checkAge(ctx)
}

// fetch pulls a ref, or makes it name the override if it is local.
func (u *Upgrader) fetch(ctx context.Context, ref ostree.Refspec, opts UpgradePullOptions, checkAge bool) error {
	repo := u.sysroot.repo
	if ref.Remote != "" && !opts.NoFetch {
		pull := opts.Pull
		pull.Refs = []ostree.PullRef{{Ref: ref.Ref, Commit: u.opts.Override}}
		pull.TimestampCheckFrom = ""
		if checkAge {
			pull.TimestampCheckFrom = u.merge.Checksum.String()
		}
		_, err := repo.Pull(ctx, ref.Remote, pull)
		return err
	}
	if u.opts.Override == (ostree.Checksum{}) {
		return nil
	}
	return repo.Update(ctx, func(w *ostree.Writer) error { return w.SetRef(ref, u.opts.Override) })
}

// rebase returns the ref that continues another one, mostly that itself.
func (u *Upgrader) rebase(ctx context.Context, ref ostree.Refspec) (ostree.Refspec, error) {
	c, err := u.resolve(ctx, ref)
	if err != nil {
		return ref, err
	}
	commit, err := u.sysroot.repo.LoadCommit(ctx, c)
	if err != nil {
		return ref, err
	}
	if next := commit.Metadata.Str(ostree.MetadataEndOfLifeRebase); next != "" {
		ref.Ref = next
	}
	return ref, nil
}

func (u *Upgrader) resolve(ctx context.Context, ref ostree.Refspec) (ostree.Checksum, error) {
	return u.sysroot.repo.Resolve(ctx, ref.String())
}

// checkAge refuses a commit that is older than the deployed one.
func (u *Upgrader) checkAge(ctx context.Context) error {
	have, err := u.sysroot.repo.LoadCommit(ctx, u.merge.Checksum)
	if err != nil {
		return err
	}
	next, err := u.sysroot.repo.LoadCommit(ctx, u.target)
	if err != nil {
		return err
	}
	if next.Timestamp.Before(have.Timestamp) {
		return &ostree.OlderCommitError{Commit: u.target, Time: next.Timestamp, Current: u.merge.Checksum, CurrentTime: have.Timestamp}
	}
	return nil
}

// Deploy deploys what [Upgrader.Pull] found. Stateroot and Merge of the options are set.
func (u *Upgrader) Deploy(ctx context.Context, opts DeployOptions) (*Deployment, error) {
	opts.Stateroot, opts.Merge = u.merge.Stateroot, &u.merge
	return u.sysroot.Deploy(ctx, u.target, u.origin, opts)
}

// Stage is Deploy for the next shutdown, see [Sysroot.Stage].
func (u *Upgrader) Stage(ctx context.Context, opts StageOptions) (*Deployment, error) {
	opts.Stateroot, opts.Merge = u.merge.Stateroot, &u.merge
	return u.sysroot.Stage(ctx, u.target, u.origin, opts)
}
