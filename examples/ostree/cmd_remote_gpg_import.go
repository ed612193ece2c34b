package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

type gpgImport struct {
	keyrings []string
	stdin    bool
}

func cmdRemoteGPGImport() *command {
	var o gpgImport
	return &command{
		name: "gpg-import", operands: "NAME [KEY-ID...]", summary: "Import GPG keys",
		flags: func(f *flags) {
			f.Strings(&o.keyrings, "keyring", "k", "FILE", "Import keys from a keyring file (repeatable)")
			f.Bool(&o.stdin, "stdin", "", "Import keys from standard input")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			if len(args) == 0 {
				return usagef("NAME must be specified")
			}
			if o.stdin && len(o.keyrings) > 0 {
				return usagef("--keyring and --stdin are mutually exclusive")
			}
			repo, err := e.openRepo()
			if err != nil {
				return err
			}
			keys, err := o.read(ctx, e)
			if err != nil {
				return err
			}
			return importKeys(ctx, e, repo, args[0], keys, args[1:])
		},
	}
}

// read takes the keys of the user's own keyring unless told otherwise.
func (o *gpgImport) read(ctx context.Context, e *env) (*sign.Keyring, error) {
	switch {
	case o.stdin:
		return sign.ReadKeyring(e.stdin)
	case len(o.keyrings) == 0:
		return sign.ExportKeys(ctx, "")
	}
	keys := &sign.Keyring{}
	for _, file := range o.keyrings {
		if err := keys.AddFile(file); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// importKeys adds keys to those of a remote, all or those that ids name.
func importKeys(ctx context.Context, e *env, repo *ostree.Repo, remote string, keys *sign.Keyring, ids []string) error {
	n, err := repo.ImportRemoteKeys(ctx, remote, keys, ids)
	if err != nil {
		return err
	}
	plural := "s"
	if n == 1 {
		plural = ""
	}
	e.printf("Imported %d GPG key%s to remote \"%s\"\n", n, plural, remote)
	return nil
}
