package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdStaticDeltaApplyOffline() *command {
	var keys keyFlags
	return &command{
		name: "apply-offline", operands: "PATH [KEY-ID...]", summary: "Apply static delta file",
		flags: keys.add,
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("PATH must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			var opts ostree.ApplyDeltaOptions
			if len(args) > 1 || keys.file != "" || keys.dir != "" {
				verifier, err := keys.verifier(e, args[1:])
				if err != nil {
					return err
				}
				opts.Verifiers = []sign.Verifier{verifier}
			}
			_, err = repo.ApplyDelta(ctx, args[0], opts)
			return err
		},
	}
}
