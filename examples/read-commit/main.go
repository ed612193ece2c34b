// Command read-commit prints what a commit says of itself and the files in it, and the content of one
// file, without checking anything out. It works on any repository, also one that another user owns.
//
//	go run ./examples/read-commit REPOSITORY REF [FILE]
package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func main() {
	if len(os.Args) < 3 || len(os.Args) > 4 {
		fmt.Fprintln(os.Stderr, "usage: read-commit REPOSITORY REF [FILE]")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Args[2], strings.Join(os.Args[3:], "")); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path, ref, file string) error {
	repo, err := ostree.Open(path, ostree.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	rev, err := repo.Resolve(ctx, ref) // a ref, REMOTE:REF, REF^ or a checksum
	if err != nil {
		return err
	}
	commit, err := repo.LoadCommit(ctx, rev)
	if err != nil {
		return err
	}
	tree, err := repo.FS(ctx, rev) // an fs.FS like any other
	if err != nil {
		return err
	}
	if file != "" {
		data, err := fs.ReadFile(tree, file)
		fmt.Printf("%s", data)
		return err
	}
	fmt.Printf("%s, %s\n", commit.Subject, commit.Timestamp.Format("2006-01-02"))
	return fs.WalkDir(tree, ".", func(path string, entry fs.DirEntry, err error) error {
		fmt.Println(entry.Type(), path)
		return err
	})
}
