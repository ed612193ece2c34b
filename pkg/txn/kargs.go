package txn

import (
	"context"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// Kargs is a change of kernel arguments, in rpm-ostree's terms. Lists are applied in the order of
// [kargs.Edit].
type Kargs struct {
	Delete          []string `json:"delete,omitempty"`
	Replace         []string `json:"replace,omitempty"`
	Append          []string `json:"append,omitempty"`
	AppendIfMissing []string `json:"append-if-missing,omitempty"`
	DeleteIfPresent []string `json:"delete-if-present,omitempty"`
	// From are the arguments to start from, instead of those of the deployment that boots next; an empty
	// list is none, nil means not given. DeployIndex starts from those of another deployment.
	From        []string `json:"from,omitzero"`
	DeployIndex *int     `json:"deploy-index,omitempty"`
	// Seen, if not nil, are the arguments that the caller has seen and edited: it is a [StaleError] if
	// they are no longer those of the deployment.
	Seen []string `json:"seen,omitempty"`
}

func (k *Kargs) edit() kargs.Edit {
	return kargs.Edit{
		Delete: k.Delete, Replace: k.Replace, Append: k.Append, AppendIfMissing: k.AppendIfMissing, DeleteIfPresent: k.DeleteIfPresent,
	}
}

// planBoot works out how the new deployment is started: with which kernel arguments and initrds.
func (s *System) planBoot(ctx context.Context, p *Plan) error {
	p.Kargs = []string{}
	if len(p.boot) > 0 {
		p.Kargs = append(p.Kargs, p.boot[0].Kargs...)
	}
	if err := s.planInitramfs(ctx, p); err != nil {
		return err
	}
	if k := p.Change.Kargs; k != nil {
		if len(p.boot) == 0 {
			return &NoDeploymentError{Sysroot: s.path, Stateroot: p.Stateroot, Need: 1}
		}
		return p.planKargs(k)
	}
	return nil
}

func (p *Plan) planKargs(k *Kargs) error {
	if k.Seen != nil && !slices.Equal(kargs.Args(k.Seen), p.boot[0].Kargs) {
		return &StaleError{What: "the kernel arguments of " + p.boot[0].Path}
	}
	from, err := p.startingArgs(k)
	if err != nil {
		return err
	}
	args, err := k.edit().Apply(from)
	if err != nil {
		return &RequestError{Message: err.Error()}
	}
	if args.Has("ostree") {
		return &RequestError{Message: "the kernel argument ostree= names the deployment and is set by the system"}
	}
	p.Kargs = append([]string{}, args...)
	return nil
}

// startingArgs are the arguments that are edited.
func (p *Plan) startingArgs(k *Kargs) (kargs.Args, error) {
	switch {
	case k.From != nil && k.DeployIndex != nil:
		return nil, &RequestError{Message: "kernel arguments can be taken from the caller or from a deployment, not from both"}
	case k.From != nil:
		return k.From, nil
	case k.DeployIndex != nil:
		for _, d := range p.boot {
			if d.Index == *k.DeployIndex {
				return d.Kargs, nil
			}
		}
		return nil, &RequestError{Message: fmt.Sprintf("there is no deployment %d of stateroot %s", *k.DeployIndex, p.Stateroot)}
	}
	return p.boot[0].Kargs, nil
}

// kernelArguments says which arguments are deployed: those of the deployment that boots next are
// carried over, also if another one gives its configuration.
func (p *Plan) kernelArguments(options *deploy.DeployOptions) {
	options.KargsFrom = &p.boot[0]
	k := p.Change.Kargs
	if k == nil {
		return
	}
	if k.From != nil || k.DeployIndex != nil {
		options.Kargs = append(kargs.Args{}, p.Kargs...)
		return
	}
	options.EditKargs = k.edit()
}

// bootsAlike says whether kernel arguments and initrds stay what they are.
func (p *Plan) bootsAlike() bool {
	var overlays []string
	if p.InitramfsOverlay != "" {
		overlays = []string{p.InitramfsOverlay}
	}
	return slices.Equal(kargs.Args(p.Kargs), p.boot[0].Kargs) && slices.Equal(overlays, p.boot[0].OverlayInitrds())
}

// KernelArguments gives those of a deployment: of that at an index, or of the one that boots next.
func (s *System) KernelArguments(ctx context.Context, index *int) ([]string, error) {
	list, stateroot, err := s.pending(ctx)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, &NoDeploymentError{Sysroot: s.path, Stateroot: stateroot, Need: 1}
	}
	p := Plan{boot: list, Stateroot: stateroot}
	args, err := p.startingArgs(&Kargs{DeployIndex: index})
	return args, err
}
