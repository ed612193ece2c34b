package main

import "context"

func cmdAdminStateOverlay() *command {
	return onSysroot(&command{
		name: "state-overlay", operands: "NAME MOUNTPATH", hidden: true,
		summary: "Internal command to assemble a state overlay",
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) != 2 {
				return usagef("NAME and MOUNTPATH must be specified")
			}
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			return s.MountStateOverlay(ctx, args[0], args[1])
		},
	})
}
