package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func cmdStaticDeltaReindex() *command {
	var to string
	return &command{
		name: "reindex", summary: "Regenerate static delta indexes",
		flags: func(f *flags) {
			f.String(&to, "to", "", "REV", "Only update delta index to revision REV")
		},
		run: func(ctx context.Context, e *env, _ []string) error {
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			var opts ostree.ReindexOptions
			if to != "" {
				if opts.To, err = repo.Resolve(ctx, to); err != nil {
					return err
				}
			}
			return repo.ReindexDeltas(ctx, opts)
		},
	}
}
