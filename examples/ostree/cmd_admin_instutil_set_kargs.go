package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

func cmdAdminInstutilSetKargs() *command {
	var fromProc, merge bool
	var edit kargs.Edit
	return onSysroot(&command{
		name: "set-kargs", operands: "ARGS", summary: "Set new kernel command line arguments(Not stable)",
		flags: func(f *flags) {
			f.Bool(&fromProc, "import-proc-cmdline", "", "Import current /proc/cmdline")
			f.Bool(&merge, "merge", "", "Merge with previous command line")
			f.Strings(&edit.Set, "replace", "", "NAME=VALUE",
				"Set kernel argument, like root=/dev/sda1; this overrides any earlier argument with the same name")
			f.Strings(&edit.Append, "append", "", "NAME=VALUE",
				"Append kernel argument; useful with e.g. console= that can be used multiple times")
		},
		run: func(ctx context.Context, e *env, args []string) error {
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
			var have kargs.Args
			switch {
			case fromProc:
				if have, err = runningKargs(); err != nil {
					return err
				}
			case merge:
				have = all[0].Kargs
			}
			edit.Append = append(edit.Append, args...)
			if have, err = edit.Apply(have); err != nil {
				return err
			}
			if err := s.SetKargs(ctx, all[0], have); err != nil {
				return err
			}
			return e.cleanup(ctx, s)
		},
	})
}
