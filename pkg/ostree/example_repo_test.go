package ostree_test

import (
	"context"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// exampleRepo makes a repository with two commits of the ref "os/amd64".
func exampleRepo(mode ostree.Mode) (repo *ostree.Repo, remove func()) {
	dir, err := os.MkdirTemp("", "example-")
	check(err)
	repo, err = ostree.Init(filepath.Join(dir, "repo"), mode, ostree.Options{NoSync: true})
	check(err)
	exampleCommit(repo, "os/amd64", map[string]string{"etc/motd": "hello\n", "usr/bin/tool": "#!/bin/sh\n"})
	exampleCommit(repo, "os/amd64", map[string]string{"etc/motd": "welcome\n", "usr/bin/tool": "#!/bin/sh\n", "usr/bin/other": "#!/bin/sh\n:\n"})
	return repo, func() {
		check(repo.Close())
		check(os.RemoveAll(dir))
	}
}

// exampleCommit commits files to a ref, on top of what it names.
func exampleCommit(repo *ostree.Repo, ref string, files map[string]string) ostree.Checksum {
	ctx := context.Background()
	parent, err := repo.Resolve(ctx, ref)
	if err != nil {
		parent = ostree.Checksum{}
	}
	var c ostree.Checksum
	check(repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := tree.MkdirAll(path.Dir(name), ostree.DirMeta{Mode: 0o040755}); err != nil {
				return err
			}
			file, err := w.WriteFile(ctx, ostree.FileInfo{Mode: 0o100644}, strings.NewReader(files[name]))
			if err != nil {
				return err
			}
			if err := tree.SetFile(name, file); err != nil {
				return err
			}
		}
		id, err := w.WriteTree(ctx, tree)
		if err != nil {
			return err
		}
		c, err = w.WriteCommit(ctx, ostree.Commit{Subject: "example", Parent: parent, Timestamp: time.Unix(1700000000, 0), Tree: id})
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
	return c
}
