package main

import "context"

func cmdRemoteDeleteCookie() *command {
	return &command{
		name: "delete-cookie", operands: "NAME DOMAIN PATH COOKIE_NAME", summary: "Remove one cookie from remote",
		run: func(_ context.Context, e *env, args []string) error {
			if len(args) < 4 {
				return usagef("NAME, DOMAIN, PATH and COOKIE_NAME must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			return repo.DeleteCookie(args[0], args[1], args[2], args[3])
		},
	}
}
