// Command pull-commit pulls a ref from a server into a repository, which it makes if need be, and
// prints what came. A second run fetches only what is new.
//
//	go run ./examples/pull-commit REPOSITORY URL REF
//
// It trusts the server: commits are compared with their checksums, but not with signatures. A remote
// with a keyring, see ostree.Repo.ImportRemoteKeys, is what a real program would have.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: pull-commit REPOSITORY URL REF")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path, url, ref string) error {
	// Owners, modes and attributes of files are kept in one attribute, so that this works without root.
	repo, err := ostree.Init(path, ostree.ModeBareUser, ostree.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	err = repo.AddRemote("origin", ostree.AddRemoteOptions{
		URL: url, Options: []ostree.RemoteOption{{Key: "gpg-verify", Value: "false"}}, Replace: true,
	})
	if err != nil {
		return err
	}
	result, err := repo.Pull(ctx, "origin", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref}}})
	if err != nil {
		return err
	}
	fmt.Printf("%d metadata objects and %d files fetched\n", result.FetchedMetadata, result.FetchedContent)
	c, err := repo.Resolve(ctx, "origin:"+ref)
	fmt.Println(c)
	return err
}
