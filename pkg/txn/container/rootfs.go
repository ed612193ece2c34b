package container

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// CommitRoot commits a root file system, such as one that a container build has left, in the
// layout of OSTree: what is in /sysroot stays out, /etc becomes /usr/etc. The commit is dated
// as given, or as the directory.
func CommitRoot(ctx context.Context, repo *ostree.Repo, dir string, at time.Time) (c ostree.Checksum, err error) {
	info, err := os.Stat(dir)
	if err != nil {
		return c, err
	}
	if at.IsZero() {
		at = info.ModTime()
	}
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		opts := ostree.AddOptions{SkipSpecial: true, Filter: func(name string, _ *ostree.FileInfo) ostree.Action {
			if outside(name) {
				return ostree.Skip
			}
			return ostree.Keep
		}}
		if err := w.AddDirectory(ctx, tree, "/", dir, opts); err != nil {
			return err
		}
		if tree.Exists("etc") {
			if tree.Exists("usr/etc") {
				return fmt.Errorf("%s has both /etc and /usr/etc", dir)
			}
			if err := tree.Move("etc", "usr/etc"); err != nil {
				return err
			}
		}
		commit := ostree.Commit{Timestamp: at}
		if err := markBootable(&commit, tree); err != nil {
			return err
		}
		if commit.Tree, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		if c, err = w.WriteCommit(ctx, commit); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "rootfs"}, c)
	})
	return c, err
}

// markBootable notes the kernel of a tree, if it has one.
func markBootable(commit *ostree.Commit, tree *ostree.Tree) error {
	kernel, err := tree.KernelVersion()
	if wrong, ok := errors.AsType[*ostree.KernelError](err); ok && len(wrong.Found) == 0 {
		return nil
	}
	if err == nil {
		commit.Metadata.SetBootable(kernel)
	}
	return err
}

// outside says whether a path is of the machine that runs a system and not of the system.
func outside(name string) bool {
	top, _, below := strings.Cut(strings.TrimPrefix(path.Clean(name), "/"), "/")
	if !below {
		return false
	}
	switch top {
	case "sysroot", "run", "proc", "sys", "dev", "tmp":
		return true
	}
	return false
}
