package main

import "context"

func cmdAdminPostCopy() *command {
	return onSysroot(&command{
		name: "post-copy", summary: "Update the repo and deployments as needed after a copy",
		run: func(ctx context.Context, e *env, _ []string) error {
			s, err := e.lockSysroot(ctx)
			if err != nil {
				return err
			}
			return s.PostCopy(ctx)
		},
	})
}
