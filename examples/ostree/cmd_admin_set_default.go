package main

import "context"

func cmdAdminSetDefault() *command {
	return onSysroot(&command{
		name: "set-default", operands: "INDEX", summary: "Make deployment INDEX the default",
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("INDEX must be specified")
			}
			index, err := parseIndex(args[0])
			if err != nil {
				return err
			}
			d, err := deploymentAt(ctx, s, index)
			if err != nil {
				return err
			}
			if err := s.SetDefault(ctx, *d); err != nil {
				return err
			}
			return e.cleanup(ctx, s)
		},
	})
}
