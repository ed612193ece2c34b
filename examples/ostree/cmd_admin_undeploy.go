package main

import (
	"context"
	"fmt"
)

func cmdAdminUndeploy() *command {
	return onSysroot(&command{
		name: "undeploy", operands: "INDEX", summary: "Delete deployment INDEX",
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
			if d.Booted {
				return fmt.Errorf("Cannot undeploy currently booted deployment %d", index)
			}
			if err := s.Undeploy(ctx, *d); err != nil {
				return err
			}
			e.printf("Deleted deployment %s\n", d.Name())
			return e.cleanup(ctx, s)
		},
	})
}
