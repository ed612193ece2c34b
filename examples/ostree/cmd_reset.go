package main

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdReset() *command {
	return &command{
		name: "reset", operands: "REF COMMIT", summary: "Reset a REF to a previous COMMIT",
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) != 2 {
				return usagef("A REF and COMMIT argument is required")
			}
			ref, err := ostree.ParseRefspec(args[0])
			if err != nil {
				return fmt.Errorf("Invalid ref '%s'", args[0])
			}
			refs, err := repo.Refs(ctx, ref.String())
			if err != nil {
				return err
			}
			if _, ok := refs[ref]; !ok {
				return fmt.Errorf("Invalid ref '%s'", args[0])
			}
			c, err := repo.Resolve(ctx, args[1])
			if err != nil {
				return err
			}
			return repo.Update(ctx, func(w *ostree.Writer) error { return w.SetRef(ref, c) })
		},
	}
}
