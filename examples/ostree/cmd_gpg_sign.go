package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdGPGSign() *command {
	var remove bool
	var home string
	return &command{
		name: "gpg-sign", operands: "COMMIT KEY-ID...", summary: "Sign a commit",
		flags: func(f *flags) {
			f.Bool(&remove, "delete", "d", "Delete signatures having any of the GPG KEY-IDs")
			f.String(&home, "gpg-homedir", "", "HOMEDIR", "GPG Homedir to use when looking for keyrings")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			switch len(args) {
			case 0:
				return usagef("Need a COMMIT to sign")
			case 1:
				return usagef("Need at least one GPG KEY-ID to sign with")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			commit, err := repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			if remove {
				return deleteGPGSignatures(ctx, e, repo, commit, args[1:], home)
			}
			return repo.Update(ctx, func(w *ostree.Writer) error {
				return w.SignCommit(ctx, commit, gpgSigners(args[1:], home)...)
			})
		},
	}
}

// deleteGPGSignatures also finds signatures of subkeys, if their key is known.
func deleteGPGSignatures(ctx context.Context, e *env, repo *ostree.Repo, commit ostree.Checksum, ids []string, home string) error {
	keys, err := repo.AllKeys(home)
	if err != nil {
		return err
	}
	deleted := 0
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		deleted, err = w.DeleteSignatures(ctx, commit, sign.GPG, keys.MadeBy(ids))
		return err
	})
	if err == nil {
		e.printf("Signatures deleted: %d\n", deleted)
	}
	return err
}
