package main

import (
	"context"
	"errors"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

type signOptions struct {
	keyFlags
	delete, verify bool
}

func cmdSign() *command {
	var o signOptions
	return &command{
		name: "sign", operands: "COMMIT KEY-ID...", summary: "Sign a commit",
		flags: func(f *flags) {
			f.Bool(&o.delete, "delete", "d", "Delete signatures that were made with any of the public keys KEY-ID")
			f.Bool(&o.verify, "verify", "", "Verify signatures")
			o.add(f)
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("Need a COMMIT to sign or verify")
			}
			if !o.verify && o.file == "" && len(args) < 2 {
				return usagef("Need at least one KEY-ID to sign with")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			commit, err := repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			switch {
			case o.verify:
				return o.verifyCommit(ctx, e, repo, commit, args[1:])
			case o.delete:
				return o.deleteSignatures(ctx, e, repo, commit, args[1:])
			default:
				return o.signCommit(ctx, e, repo, commit, args[1:])
			}
		},
	}
}

func (o *signOptions) signCommit(ctx context.Context, e *env, repo *ostree.Repo, c ostree.Checksum, keys []string) error {
	s := signFlags{keys: keys, engine: o.engine}
	if o.file != "" {
		s.files = []string{o.file}
	}
	signers, err := s.signers(e)
	if err != nil {
		return err
	}
	return repo.Update(ctx, func(w *ostree.Writer) error { return w.SignCommit(ctx, c, signers...) })
}

// verifyCommit tries the keys of the command line one by one, since one that is
// no key must not keep the others from being tried.
func (o *signOptions) verifyCommit(ctx context.Context, e *env, repo *ostree.Repo, c ostree.Checksum, operands []string) error {
	try := func(keys sign.Keys) error {
		v, err := sign.NewVerifier(engineOrDefault(o.engine), keys, e.signOptions())
		if err != nil {
			return err
		}
		results, err := repo.VerifyCommit(ctx, c, &ostree.Verification{All: []sign.Verifier{v}})
		for _, result := range results {
			e.println(result)
		}
		if unverified, ok := errors.AsType[*ostree.UnverifiedError](err); ok {
			return unverified.Err
		}
		return err
	}
	if err := try(sign.Keys{}); errors.As(err, new(*sign.UnknownEngineError)) {
		return err
	}
	for _, operand := range operands {
		keys, err := parseKeys(engineOrDefault(o.engine), []string{operand})
		if err == nil && try(keys) == nil {
			return nil
		}
	}
	if len(operands) > 0 && o.file == "" {
		return errors.New("No valid signatures found")
	}
	keys, err := o.load()
	if err != nil {
		return err
	}
	return try(keys)
}

func (o *signOptions) deleteSignatures(ctx context.Context, e *env, repo *ostree.Repo, c ostree.Checksum, keys []string) error {
	v, err := o.verifier(e, keys)
	if err != nil {
		return err
	}
	deleted := 0
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		deleted, err = w.DeleteVerified(ctx, c, v)
		return err
	})
	if err == nil {
		e.printf("Signatures deleted: %d\n", deleted)
	}
	return err
}
