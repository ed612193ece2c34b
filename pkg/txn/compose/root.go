package compose

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Install makes the tree of a plan at root, which must not exist, and commits nothing: all packages are
// configured, the treefile's scripts have run, everything is where Debian has it, and there is no
// initramfs. [Composer.Postprocess] and [Composer.Commit] do the rest.
func (c *Composer) Install(ctx context.Context, p *Plan, root string, reporter step.Reporter) error {
	run := &application{composer: c, plan: p}
	return run.steps(ctx, reporter,
		step.Step{Name: "Downloading packages", Weight: 30, Do: run.download},
		step.Step{Name: "Assembling the tree", Weight: 70, Do: func(ctx context.Context, task *step.Task) error {
			return run.inCache(ctx, task, func(cache *ostree.Repo, in assemble.Input) error {
				if err := errors.Join(run.fill(ctx, &in), run.addContent(ctx, &in)); err != nil {
					return err
				}
				return assemble.Install(ctx, in, root)
			})
		}})
}

// Postprocess gives the tree at root, which [Composer.Install] made and others may have changed since,
// the shape of a commit: an initramfs, /usr/etc in place of /etc, an empty /var. A tree that has it
// already stays as it is; after an error any tree does.
func (c *Composer) Postprocess(ctx context.Context, root string, reporter step.Reporter) error {
	folded, err := isFolded(root)
	if err != nil || folded {
		return err
	}
	run := &application{composer: c, plan: c.newPlan()}
	return run.steps(ctx, reporter, step.Step{Name: "Finishing the tree", Do: func(ctx context.Context, task *step.Task) error {
		return run.inCache(ctx, task, func(cache *ostree.Repo, in assemble.Input) error {
			if in.Tree, err = assemble.Import(ctx, cache, root); err != nil {
				return err
			}
			built, err := assemble.Build(ctx, in)
			if err != nil {
				return err
			}
			return replaceTree(ctx, cache, built.Tree, root)
		})
	}})
}

// Rootfs makes the finished tree of a plan at root, which must not exist, for a container: it has what a
// commit has, but /etc in its place.
func (c *Composer) Rootfs(ctx context.Context, p *Plan, root string, reporter step.Reporter) error {
	run := &application{composer: c, plan: p}
	return run.steps(ctx, reporter,
		step.Step{Name: "Downloading packages", Weight: 30, Do: run.download},
		step.Step{Name: "Assembling the tree", Weight: 70, Do: func(ctx context.Context, task *step.Task) error {
			return run.inCache(ctx, task, func(cache *ostree.Repo, in assemble.Input) error {
				if err := errors.Join(run.fill(ctx, &in), run.addContent(ctx, &in)); err != nil {
					return err
				}
				built, err := assemble.Build(ctx, in)
				if err != nil {
					return err
				}
				tree, err := withEtc(ctx, cache, built.Tree)
				if err != nil {
					return err
				}
				return cache.CheckoutTree(ctx, tree, root, ostree.CheckoutOptions{ForceCopy: true})
			})
		}})
}

// steps runs steps under the lock.
func (a *application) steps(ctx context.Context, reporter step.Reporter, steps ...step.Step) error {
	unlock, err := a.composer.hold(ctx)
	if err != nil {
		return err
	}
	defer unlock() //nolint:errcheck // it is held, so it can be given back
	return step.Run(ctx, steps, step.Options{Reporter: reporter})
}

// inCache calls do with the package cache and the input of a build in it, and tidies up afterwards.
func (a *application) inCache(ctx context.Context, task *step.Task, do func(*ostree.Repo, assemble.Input) error) error {
	in, err := a.common(ctx)
	if err != nil {
		return err
	}
	return a.composer.withCache(func(cache *ostree.Repo) error {
		in.Repo, in.Report = cache, progress(task)
		if err := do(cache, in); err != nil {
			return err
		}
		a.tidyUp(ctx, cache)
		return nil
	})
}

// withEtc moves /usr/etc of a tree to /etc.
func withEtc(ctx context.Context, repo *ostree.Repo, id ostree.TreeID) (ostree.TreeID, error) {
	err := repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(ctx, id)
		if err != nil {
			return err
		}
		if err := tree.Move("usr/etc", "etc"); err != nil {
			return err
		}
		id, err = w.WriteTree(ctx, tree)
		return err
	})
	return id, err
}

// isFolded tells whether a directory has the shape of a commit.
func isFolded(root string) (bool, error) {
	there := map[string]bool{}
	for _, name := range []string{"etc", "usr/etc"} {
		_, err := os.Lstat(filepath.Join(root, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, err
		}
		there[name] = err == nil
	}
	if there["etc"] == there["usr/etc"] {
		return false, fmt.Errorf("%s: not a root tree: one of /etc and /usr/etc must be there", root)
	}
	return there["usr/etc"], nil
}

// replaceTree puts a tree in place of a directory, in one step.
func replaceTree(ctx context.Context, repo *ostree.Repo, id ostree.TreeID, root string) (err error) {
	root = filepath.Clean(root)
	beside, err := os.MkdirTemp(filepath.Dir(root), ".apt-ostree-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fsx.RemoveAll(beside)) }()
	made := filepath.Join(beside, "root")
	if err := repo.CheckoutTree(ctx, id, made, ostree.CheckoutOptions{ForceCopy: true}); err != nil {
		return err
	}
	if err := unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, root, unix.RENAME_EXCHANGE); err != nil {
		return &fs.PathError{Op: "replace", Path: root, Err: err}
	}
	return nil
}
