package deploy

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// DeployOptions say where a deployment goes and what it takes from others. The zero value deploys
// like "ostree admin deploy REF".
type DeployOptions struct {
	// Stateroot is where it goes: by default that of the running deployment, or the only one.
	Stateroot string
	// Merge is the deployment whose /etc and kernel arguments are carried over, by default
	// [Sysroot.MergeDeployment].
	Merge *Deployment
	// NoMerge carries nothing over.
	NoMerge bool
	// Kargs replaces the kernel arguments; nil takes those of KargsFrom, with what the new image asks
	// for instead of the old one (see [kargs.ReadImage]). An empty list is none.
	Kargs kargs.Args
	// KargsFrom is the deployment whose kernel arguments are carried over, by default the merge
	// deployment.
	KargsFrom *Deployment
	// EditKargs changes them, whatever they are.
	EditKargs kargs.Edit
	// OverlayInitrds are files on this machine that the kernel gets as initrds after that of the
	// commit, in this order. They are copied.
	OverlayInitrds []string
	// Checkout is a directory with the tree of the commit, on the file system of the repository, that
	// becomes the deployment's. It must be as [ostree.Repo.CheckoutTree] with
	// [ostree.CheckoutOptions].PassthroughWhiteouts makes it, which is done if it is empty.
	Checkout string
	// Retain keeps more of the other deployments than is kept by default.
	Retain Retain
	// NotDefault puts the deployment after the running one, or after the merge deployment, instead
	// of in front.
	NotDefault bool
	// Progress is told when a step begins. It must not block.
	Progress func(Progress)
}

// ownArgs reports whether the kernel arguments are other than those of the merge deployment.
func (j *job) ownArgs() bool {
	o := j.opts
	return o.Kargs != nil || !o.EditKargs.IsZero() || (o.KargsFrom != nil && (j.merge == nil || !o.KargsFrom.Same(*j.merge)))
}

// Progress is one step of a deployment.
type Progress struct {
	// Step is its name, for people: "checkout", "merge /etc", "write boot entries", …
	Step string
	// Done and Total count steps.
	Done, Total int
}

// Deploy checks a commit out as a new deployment that follows o (nil: nothing), carries the
// configuration of the merge deployment over and makes the new one the default. Of the others it
// keeps the running one, the merge deployment, pinned ones and those of other stateroots; see
// [Retain] for more. A staged deployment of the same stateroot is dropped like others. What is no longer in the list stays on disk until [Sysroot.Cleanup].
//
// Errors before the commit point leave everything as it was. They are an [*UndeployableError] when
// the commit is not fit, a [*SpaceError] or [*ReadOnlyError] when it cannot be written, which is found
// out first, a [*StaterootError], a [*BusyError], or an [*etcmerge.ConflictError] when local
// configuration cannot be carried over.
//
// When the kernels of the old and the new list do not fit into /boot together, deployments that the new
// one drops are removed before it is in effect, in a step of its own; see [Options.NoEarlyPrune].
func (s *Sysroot) Deploy(ctx context.Context, c ostree.Checksum, o *origin.Origin, opts DeployOptions) (*Deployment, error) {
	d, err := s.deploy(ctx, c, o, opts)
	if err != nil {
		return nil, fmt.Errorf("deploy %s: %w", c, err)
	}
	return d, nil
}

func (s *Sysroot) deploy(ctx context.Context, c ostree.Checksum, o *origin.Origin, opts DeployOptions) (*Deployment, error) {
	unlock, err := s.hold(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	job, err := s.newJob(ctx, st, c, o, opts)
	if err != nil {
		return nil, err
	}
	if _, err := s.clean(ctx, st); err != nil {
		return nil, fmt.Errorf("clean up before: %w", err)
	}
	if err := job.preflight(ctx, job.list()); err != nil {
		return nil, err
	}
	if err := job.build(ctx); err != nil {
		return nil, errors.Join(err, s.remove(job.deployment))
	}
	if committed, err := s.write(ctx, st, job.list(), job.progress); err != nil {
		if !committed {
			err = errors.Join(err, s.remove(job.deployment))
		}
		return nil, err
	}
	return s.reload(context.WithoutCancel(ctx), job.deployment)
}

// newJob decides everything that can be decided before the disk is touched.
func (s *Sysroot) newJob(ctx context.Context, st *state, c ostree.Checksum, o *origin.Origin, opts DeployOptions) (*job, error) {
	stateroot, err := s.stateroot(opts.Stateroot, st)
	if err != nil {
		return nil, err
	}
	merge, err := st.mergeFor(stateroot, opts)
	if err != nil {
		return nil, err
	}
	in, err := s.inspect(ctx, c)
	if err != nil {
		return nil, err
	}
	args, err := st.newArgs(opts, merge, in)
	if err != nil {
		return nil, err
	}
	serial, err := s.nextSerial(stateroot, c)
	if err != nil {
		return nil, err
	}
	d := Deployment{
		Stateroot: stateroot, Checksum: c, Serial: serial, BootChecksum: in.bootChecksum,
		Origin: o, Kargs: userArgs(args), args: args, Version: in.commit.Metadata.Str("version"), Timestamp: in.commit.Timestamp,
		entry: new(bootentry.Entry),
	}
	d.Path = s.deploymentPath(d)
	if d.overlays, err = s.stageInitrds(ctx, opts.OverlayInitrds); err != nil {
		return nil, fmt.Errorf("additional initrd: %w", err)
	}
	return &job{sysroot: s, state: st, deployment: d, merge: merge, opts: opts, in: in}, nil
}

// nextSerial returns the first serial that no directory of the commit in that stateroot has, listed
// or not.
func (s *Sysroot) nextSerial(stateroot string, c ostree.Checksum) (int, error) {
	entries, err := os.ReadDir(s.deployDir(stateroot))
	if err != nil && !isMissing(err) {
		return 0, err
	}
	next := 0
	for _, e := range entries {
		if sum, serial, ok := parseDeploymentName(e.Name()); ok && sum == c {
			next = max(next, serial+1)
		}
	}
	return next, nil
}

// reload reads a deployment from disk.
func (s *Sysroot) reload(ctx context.Context, d Deployment) (*Deployment, error) {
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	found := st.find(d.Same)
	if found == nil {
		return nil, &NotFoundError{Name: d.Name()}
	}
	return found, nil
}

// MergeDeployment returns the deployment whose configuration a new one of that stateroot would
// carry over: the running one, or else the first; nil when there is none. An empty name means the
// stateroot that [Sysroot.Deploy] would use.
func (s *Sysroot) MergeDeployment(ctx context.Context, stateroot string) (*Deployment, error) {
	st, err := s.load(ctx)
	if err != nil {
		return nil, err
	}
	if stateroot, err = s.stateroot(stateroot, st); err != nil {
		return nil, err
	}
	return st.mergeFor(stateroot, DeployOptions{})
}

// mergeFor returns the merge deployment for a stateroot.
func (st *state) mergeFor(stateroot string, opts DeployOptions) (*Deployment, error) {
	switch booted := st.booted(); {
	case opts.NoMerge:
		return nil, nil
	case opts.Merge != nil:
		if found := st.find(opts.Merge.Same); found != nil {
			return found, nil
		}
		return nil, &NotFoundError{Name: opts.Merge.Name()}
	case booted != nil && booted.Stateroot == stateroot:
		return booted, nil
	}
	return st.find(func(d Deployment) bool { return d.Stateroot == stateroot && !d.Staged }), nil
}
