package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdStaticDeltaDelete() *command {
	return &command{
		name: "delete", operands: "DELTA", summary: "Remove a delta",
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("DELTA must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			name, err := ostree.ParseDeltaName(args[0])
			if err != nil {
				return err
			}
			return repo.DeleteDelta(ctx, name)
		},
	}
}
