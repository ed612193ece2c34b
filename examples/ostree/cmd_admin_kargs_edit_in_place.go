package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

func cmdAdminKargsEditInPlace() *command {
	var edit kargs.Edit
	return onSysroot(&command{
		name: "edit-in-place", summary: "Set new kernel command line arguments",
		flags: func(f *flags) {
			f.Strings(&edit.AppendIfMissing, "append-if-missing", "", "NAME=VALUE",
				"Append kernel argument if missing in all deployments")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			all, err := s.Deployments(ctx)
			switch {
			case err != nil:
				return err
			case len(all) == 0:
				return errors.New("Unable to find a deployment in sysroot")
			}
			if err := s.EditKargs(ctx, edit); err != nil {
				return err
			}
			return e.cleanup(ctx, s)
		},
	})
}
