package ostree_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Commit a tree with one file, then read it back.
func ExampleRepo_Update() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example-")
	check(err)
	defer func() { check(os.RemoveAll(dir)) }()
	repo, err := ostree.Init(filepath.Join(dir, "repo"), ostree.ModeArchive, ostree.Options{NoSync: true})
	check(err)
	defer func() { check(repo.Close()) }()

	check(repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		if err := tree.MkdirAll("usr/share", ostree.DirMeta{Mode: 0o040755}); err != nil {
			return err
		}
		file, err := w.WriteFile(ctx, ostree.FileInfo{Mode: 0o100644}, strings.NewReader("hello\n"))
		if err != nil {
			return err
		}
		if err := tree.SetFile("usr/share/hello", file); err != nil {
			return err
		}
		id, err := w.WriteTree(ctx, tree)
		if err != nil {
			return err
		}
		commit, err := w.WriteCommit(ctx, ostree.Commit{
			Subject:   "first",
			Timestamp: time.Unix(1700000000, 0),
			Metadata:  ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String("1.0")}},
			Tree:      id,
		})
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "example/amd64"}, commit)
	}))

	rev, err := repo.Resolve(ctx, "example/amd64")
	check(err)
	commit, err := repo.LoadCommit(ctx, rev)
	check(err)
	tree, err := repo.LoadTree(ctx, commit.Tree)
	check(err)
	entry, err := tree.Lookup("usr/share/hello")
	check(err)
	_, content, err := repo.OpenFile(ctx, entry.File)
	check(err)
	defer content.Close()
	text, err := io.ReadAll(content)
	check(err)
	fmt.Printf("%s %s: %s", commit.Subject, commit.Metadata.Str(ostree.MetadataVersion), text)
	// Output: first 1.0: hello
}
