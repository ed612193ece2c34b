package main

import (
	"context"
	"errors"
)

func cmdRemoteRefs() *command {
	cacheDir, revision := "", false
	return &command{
		name: "refs", operands: "NAME", summary: "List remote refs",
		flags: func(f *flags) {
			f.String(&cacheDir, "cache-dir", "", "PATH", "Use custom cache dir")
			f.Bool(&revision, "revision", "r", "Show revisions in listing")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) < 1 {
				return usagef("NAME must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			fetched, err := repo.FetchSummary(ctx, args[0], e.fetchOptions(cacheDir))
			if err != nil {
				return err
			}
			if fetched.Summary == nil {
				return errors.New("Remote refs not available; server has no summary file")
			}
			for _, ref := range fetched.Summary.Refs {
				e.printf("%s:%s", args[0], ref.Ref)
				if revision {
					e.printf("\t%s", ref.Commit)
				}
				e.println()
			}
			return nil
		},
	}
}
