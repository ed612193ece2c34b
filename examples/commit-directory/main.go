// Command commit-directory commits a directory to a ref of a repository, which it makes if need be, and
// prints the checksum. What the repository has already is not written again.
//
//	go run ./examples/commit-directory REPOSITORY REF DIRECTORY
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: commit-directory REPOSITORY REF DIRECTORY")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path, ref, dir string) error {
	repo, err := ostree.Init(path, ostree.ModeArchive, ostree.Options{}) // opens one that exists
	if err != nil {
		return err
	}
	defer repo.Close()
	commit := ostree.Commit{Subject: "Files of " + dir, Timestamp: time.Now()}
	commit.Parent, err = repo.Resolve(ctx, ref)
	if err != nil && !errors.Is(err, ostree.ErrRefNotFound) {
		return err
	}
	// Nothing of this is visible to others before the function returns without an error.
	return repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		opts := ostree.AddOptions{CanonicalPermissions: true, NoXattrs: true}
		if err := w.AddDirectory(ctx, tree, "/", dir, opts); err != nil {
			return err
		}
		if commit.Tree, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		c, err := w.WriteCommit(ctx, commit)
		if err != nil {
			return err
		}
		fmt.Println(c)
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	})
}
