package main

import (
	"context"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// printSignatures describes the GPG signatures of a commit, if it has any, by
// the keys of a remote or, for an empty name, by all keys that the repository
// knows and those of a GPG home directory.
func (e *env) printSignatures(ctx context.Context, repo *ostree.Repo, commit ostree.Checksum, remote, home string) error {
	m, err := repo.DetachedMetadata(ctx, commit)
	if err != nil {
		return err
	}
	if _, ok := m.Lookup(sign.MetadataKey(sign.GPG)); !ok {
		return nil
	}
	var keys *sign.Keyring
	if remote != "" {
		keys, err = repo.RemoteKeyring(remote)
	} else {
		keys, err = repo.AllKeys(home)
	}
	if err != nil {
		return err
	}
	found, err := repo.CommitSignatures(ctx, commit, keys)
	if err != nil {
		return err
	}
	plural := "s"
	if len(found) == 1 {
		plural = ""
	}
	e.printf("Found %d signature%s:\n", len(found), plural)
	for _, s := range found {
		e.printf("\n%s", s.Describe("  ", time.Local))
	}
	return nil
}
