package main

import "context"

// cmdAdminStaterootInit has an older name too.
func cmdAdminStaterootInit(name string) *command {
	return onSysroot(&command{
		name: name, operands: "STATEROOT", summary: "Initialize empty state for given operating system",
		run: func(ctx context.Context, e *env, args []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("STATEROOT must be specified")
			}
			if err := s.InitStateroot(ctx, args[0]); err != nil {
				return err
			}
			e.printf("ostree/deploy/%s initialized as OSTree stateroot\n", args[0])
			return nil
		},
	})
}
