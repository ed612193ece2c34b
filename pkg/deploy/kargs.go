package deploy

import (
	"context"
	"errors"
	"os"
	"runtime"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// SetKargs replaces the kernel arguments of a deployment, in place and without a new one. Those that
// name the deployment are kept, whatever args has of them.
func (s *Sysroot) SetKargs(ctx context.Context, d Deployment, args kargs.Args) error {
	return s.change(ctx, "set kernel arguments of "+d.Name(), func(list []Deployment) ([]Deployment, error) {
		at, err := indexOf(list, d)
		if err != nil {
			return nil, err
		}
		list = slices.Clone(list)
		return list, list[at].setArgs(args)
	})
}

// EditKargs edits the kernel arguments of all deployments in place ("ostree admin kargs
// edit-in-place"). All are changed in one step, or none.
func (s *Sysroot) EditKargs(ctx context.Context, edit kargs.Edit) error {
	return s.change(ctx, "edit kernel arguments", func(list []Deployment) ([]Deployment, error) {
		list = slices.Clone(list)
		for i := range list {
			args, err := edit.Apply(list[i].args)
			if err != nil {
				return nil, err
			}
			if err := list[i].setArgs(args); err != nil {
				return nil, err
			}
		}
		return list, nil
	})
}

func (d *Deployment) setArgs(args kargs.Args) error {
	if err := args.Check(); err != nil {
		return err
	}
	d.Kargs, d.args = userArgs(args), args
	return nil
}

// newArgs are the kernel arguments of a new deployment.
func (st *state) newArgs(opts DeployOptions, merge *Deployment, in *inspected) (kargs.Args, error) {
	args := userArgs(opts.Kargs)
	from := merge
	if opts.KargsFrom != nil {
		if from = st.find(opts.KargsFrom.Same); from == nil {
			return nil, &NotFoundError{Name: opts.KargsFrom.Name()}
		}
	}
	if opts.Kargs == nil {
		var older []kargs.Fragment
		if from != nil {
			var err error
			if older, err = from.imageArgs(); err != nil {
				return nil, err
			}
			args = from.args
		}
		args = kargs.Carry(args, older, in.kargs)
	}
	return opts.EditKargs.Apply(args)
}

// imageArgs are the kernel arguments that the image of a deployment asks for.
func (d Deployment) imageArgs() (fragments []kargs.Fragment, err error) {
	root, err := os.OpenRoot(d.Path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return kargs.ReadImage(root.FS(), runtime.GOARCH)
}

// ExplainKargs tells for each kernel argument of a deployment which file of its image asks for it.
func (d Deployment) ExplainKargs() ([]kargs.Owned, error) {
	fragments, err := d.imageArgs()
	if err != nil {
		return nil, err
	}
	return kargs.Explain(d.Kargs, fragments), nil
}
