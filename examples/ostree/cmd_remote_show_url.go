package main

import (
	"context"
	"fmt"
)

func cmdRemoteShowURL() *command {
	return &command{
		name: "show-url", operands: "NAME", summary: "Show remote repository URL",
		run: func(_ context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("NAME must be specified")
			}
			url, err := remoteURL(repo, args[0])
			if err != nil {
				return err
			}
			if url == "" {
				return fmt.Errorf("No \"url\" option in remote \"%s\"", args[0])
			}
			e.println(url)
			return nil
		},
	}
}
