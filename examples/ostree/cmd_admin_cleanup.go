package main

import "context"

func cmdAdminCleanup() *command {
	return onSysroot(&command{
		name: "cleanup", summary: "Delete untagged deployments and repository objects",
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			return e.cleanup(ctx, s)
		},
	})
}
