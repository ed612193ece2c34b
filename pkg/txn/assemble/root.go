package assemble

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

// Install is the first half of [Build]: it leaves the tree at dst, which must not
// exist, where all packages are configured and the input's scripts have run. It
// has the shape that Debian has and no initramfs yet. Its files are nobody else's
// and may be changed. [Import] reads it for the other half. Commit and Ref of the
// input have no effect.
func Install(ctx context.Context, in Input, dst string) error {
	return build(ctx, in, func(b *builder) error {
		steps := append(b.fillSteps(), step{"verify", b.verify}, step{"unmount", func(context.Context) error { return b.cage.unmount() }})
		if err := b.follow(ctx, steps); err != nil {
			return err
		}
		return b.timed(ctx, step{"check out the tree", func(ctx context.Context) error { return b.leave(ctx, dst) }})
	})
}

// leave puts what was at the mount at dst.
func (b *builder) leave(ctx context.Context, dst string) error {
	var id ostree.TreeID
	err := b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := b.mergedTree(ctx, w)
		if err != nil {
			return err
		}
		if id, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		return b.writeStages(ctx, w)
	})
	if err != nil {
		return err
	}
	return b.in.Repo.CheckoutTree(ctx, id, dst, ostree.CheckoutOptions{ForceCopy: true})
}

// Import reads a directory that [Install] made, and others may have changed, into
// a repository, for Input.Tree. Devices, pipes and sockets, which no commit can
// hold, are left out. No ref names the tree: the repository must not be pruned
// until it was used.
func Import(ctx context.Context, repo *ostree.Repo, dir string) (id ostree.TreeID, err error) {
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		id, err = importDir(ctx, w, dir)
		return err
	})
	return id, err
}

func importDir(ctx context.Context, w *ostree.Writer, dir string) (ostree.TreeID, error) {
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	if err := w.AddDirectory(ctx, tree, "/", dir, ostree.AddOptions{SkipSpecial: true}); err != nil {
		return ostree.TreeID{}, err
	}
	return w.WriteTree(ctx, tree)
}

// CommitDir commits a directory that has the shape of a commit already: the
// checkout of a tree that [Build] made, which others may have changed. Of the
// input it looks at Repo, Ref, Commit, Timestamp and AllowNoKernel.
func CommitDir(ctx context.Context, in Input, dir string) (*Result, error) {
	result := &Result{Fold: &layout.Report{}}
	err := in.Repo.Update(ctx, func(w *ostree.Writer) error {
		var err error
		if result.Tree, err = importDir(ctx, w, dir); err != nil {
			return err
		}
		tree, err := w.LoadTree(ctx, result.Tree)
		if err != nil {
			return err
		}
		result.Kernel, err = tree.KernelVersion()
		if _, none := errors.AsType[*ostree.KernelError](err); none && in.AllowNoKernel {
			err = nil
		}
		if err != nil {
			return err
		}
		return readPackages(ctx, w, tree, result)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	err = in.Repo.Update(ctx, func(w *ostree.Writer) error {
		b := &builder{in: in}
		if result.Commit, err = w.WriteCommit(ctx, b.describe(result)); err != nil {
			return err
		}
		result.Stats = w.Stats()
		if in.Ref.IsZero() {
			return nil
		}
		return w.SetRef(in.Ref, result.Commit)
	})
	return result, err
}

// readPackages lists what is installed in a tree of a commit's shape.
func readPackages(ctx context.Context, w *ostree.Writer, tree *ostree.Tree, result *Result) error {
	for _, dir := range dpkg.Directories() {
		e, err := tree.Lookup(dir + "/status")
		if ignoreMissing(err) != nil {
			return err
		}
		if err != nil || e.Dir {
			continue
		}
		_, text, err := w.OpenFile(ctx, e.File)
		if err != nil {
			return err
		}
		defer text.Close()
		entries, err := dpkg.ReadStatus(text)
		result.Packages = dpkg.Installed(entries)
		return err
	}
	return errors.New("no database of packages: this is not a tree with dpkg")
}
