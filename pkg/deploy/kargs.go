package deploy

import (
	"context"
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
