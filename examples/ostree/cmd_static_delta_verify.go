package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdStaticDeltaVerify() *command {
	var keys keyFlags
	return &command{
		name: "verify", operands: "STATIC-DELTA-FILE [KEY-ID...]", summary: "Verify static delta signatures",
		flags: keys.add,
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("DELTA must be specified")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			verifier, err := keys.verifier(e, args[1:])
			if errors.As(err, new(*sign.UnknownEngineError)) {
				e.println("Sign-type not supported")
			}
			if err != nil {
				return err
			}
			if err := verifyDelta(ctx, repo, args[0], verifier); err != nil {
				e.println("Verification fails")
				return err
			}
			e.println("Verification OK")
			return nil
		},
	}
}

// verifyDelta verifies a delta of the repository, or one in a file.
func verifyDelta(ctx context.Context, repo *ostree.Repo, delta string, verifier sign.Verifier) error {
	name, err := ostree.ParseDeltaName(delta)
	switch {
	case err == nil:
		_, err = repo.VerifyDelta(ctx, name, verifier)
	case isDir(delta) || isFile(delta):
		_, err = ostree.VerifyDeltaFile(ctx, delta, verifier)
	}
	return err
}
