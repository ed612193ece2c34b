package ostree_test

import (
	"context"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Commit a directory, then read the commit without checking it out.
func ExampleWriter_AddDirectory() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	check(os.CopyFS(filepath.Join(dir, "tree/usr"), os.DirFS("testdata/example")))
	check(os.Chmod(filepath.Join(dir, "tree"), 0o755))

	repo, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeArchive, ostree.Options{})
	check(err)
	var commit ostree.Checksum
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		opts := ostree.AddOptions{CanonicalPermissions: true, NoXattrs: true}
		if err := w.AddDirectory(ctx, tree, "/", filepath.Join(dir, "tree"), opts); err != nil {
			return err
		}
		id, err := w.WriteTree(ctx, tree)
		if err != nil {
			return err
		}
		commit, err = w.WriteCommit(ctx, ostree.Commit{Subject: "example", Timestamp: time.Unix(0, 0), Tree: id})
		return err
	})
	check(err)

	view, err := repo.FS(ctx, commit)
	check(err)
	data, err := fs.ReadFile(view, "usr/hello.txt")
	check(err)
	fmt.Printf("%s", data)
	check(repo.Close())
	// Output: hello
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
