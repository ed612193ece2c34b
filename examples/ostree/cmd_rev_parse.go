package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdRevParse() *command {
	var single bool
	return &command{
		name: "rev-parse", operands: "REV", summary: "Output the target of a rev",
		flags: func(f *flags) {
			f.Bool(&single, "single", "S", "If the repository has exactly one commit, then print it")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			if single {
				return printSingle(ctx, e, repo)
			}
			if len(args) < 1 {
				return usagef("REV must be specified")
			}
			for _, rev := range args {
				c, err := repo.Resolve(ctx, rev)
				if err != nil {
					return err
				}
				e.println(c)
			}
			return nil
		},
	}
}

func printSingle(ctx context.Context, e *env, repo *ostree.Repo) error {
	commits, err := repo.Commits(ctx)
	switch {
	case err != nil:
		return err
	case len(commits) == 0:
		return errors.New("No commit objects found")
	case len(commits) > 1:
		return errors.New("Multiple commit objects found")
	}
	e.println(commits[0])
	return nil
}
