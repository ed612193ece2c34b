package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdLog() *command {
	var raw bool
	return &command{
		name: "log", operands: "REV", summary: "Show log starting at commit or ref",
		flags: func(f *flags) { f.Bool(&raw, "raw", "", "Show raw variant data") },
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("A rev argument is required")
			}
			c, err := repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			for first := true; !c.IsZero(); first = false {
				commit, err := repo.LoadCommit(ctx, c)
				if errors.Is(err, ostree.ErrObjectNotFound) && !first {
					e.println("<< History beyond this commit not fetched >>")
					return nil
				}
				if err != nil {
					return err
				}
				if err := printObject(ctx, e, repo, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit}, raw, true); err != nil {
					return err
				}
				c = commit.Parent
			}
			return nil
		},
	}
}
