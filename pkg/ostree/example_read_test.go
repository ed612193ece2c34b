package ostree_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Open a repository that exists. One that nobody has made is an error that says so.
func ExampleOpen() {
	made, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	repo, err := ostree.Open(made.Path(), ostree.Options{})
	check(err)
	defer func() { check(repo.Close()) }()
	fmt.Println(repo.Mode())

	_, err = ostree.Open(filepath.Join(made.Path(), "nothing"), ostree.Options{})
	fmt.Println(errors.Is(err, fs.ErrNotExist))
	// Output:
	// archive-z2
	// true
}

// A revision is a ref, the parent of one, or a checksum.
func ExampleRepo_Resolve() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	for _, rev := range []string{"os/amd64", "os/amd64^", "os/arm64"} {
		c, err := repo.Resolve(ctx, rev)
		if errors.Is(err, ostree.ErrRefNotFound) {
			fmt.Println(rev, "names nothing")
			continue
		}
		check(err)
		fmt.Printf("%s %.8s…\n", rev, c)
	}
	// Output:
	// os/amd64 1faed21e…
	// os/amd64^ 9bf9b641…
	// os/arm64 names nothing
}

// The tree of a commit is a file system like any other.
func ExampleRepo_FS() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeBareUser)
	defer remove()

	c, err := repo.Resolve(ctx, "os/amd64")
	check(err)
	tree, err := repo.FS(ctx, c)
	check(err)
	names, err := fs.Glob(tree, "usr/bin/*")
	check(err)
	motd, err := fs.ReadFile(tree, "etc/motd")
	check(err)
	fmt.Printf("%v %s", names, motd)
	// Output: [usr/bin/other usr/bin/tool] welcome
}

// List what is different between a commit and the one before it.
func ExampleRepo_Diff() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeArchive)
	defer remove()

	var trees []ostree.TreeID
	for _, rev := range []string{"os/amd64^", "os/amd64"} {
		c, err := repo.Resolve(ctx, rev)
		check(err)
		commit, err := repo.LoadCommit(ctx, c)
		check(err)
		trees = append(trees, commit.Tree)
	}
	entries, err := repo.Diff(ctx, trees[0], trees[1])
	check(err)
	for _, e := range entries {
		fmt.Println(e.Kind, e.Path)
	}
	// Output:
	// M /etc/motd
	// A /usr/bin/other
}

// Check out a commit. Files are hard links to the repository where its mode permits.
func ExampleRepo_Checkout() {
	ctx := context.Background()
	repo, remove := exampleRepo(ostree.ModeBareUser)
	defer remove()
	c, err := repo.Resolve(ctx, "os/amd64")
	check(err)

	dir := filepath.Join(repo.Path(), "..", "tree")
	check(repo.Checkout(ctx, c, dir, ostree.CheckoutOptions{UserMode: true}))
	motd, err := os.ReadFile(filepath.Join(dir, "etc/motd"))
	check(err)
	fmt.Printf("%s", motd)
	// Output: welcome
}
