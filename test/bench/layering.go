package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// layering is a system that thinks it runs, and its tree as a plain Debian to change root to.
type layering struct {
	path, run, chroot string
	ref               string
}

func newLayering(ctx context.Context, tree *compose.Treefile, cache, dir string) (*layering, error) {
	l := &layering{path: filepath.Join(dir, "sysroot"), run: filepath.Join(dir, "run"), chroot: filepath.Join(dir, "chroot"), ref: tree.Ref}
	if err := os.MkdirAll(l.run, 0o755); err != nil {
		return nil, err
	}
	sysroot, err := deploy.Init(l.path, deploy.InitOptions{})
	if err != nil {
		return nil, err
	}
	if err := errors.Join(sysroot.InitStateroot(ctx, "debian"), sysroot.Close()); err != nil {
		return nil, err
	}
	if err := composeInto(ctx, tree, cache, filepath.Join(l.path, "ostree/repo")); err != nil {
		return nil, err
	}
	if err := l.change(ctx, txn.Change{Deploy: tree.Ref}); err != nil {
		return nil, err
	}
	return l, l.boot(ctx)
}

// boot writes what says that the deployment runs, as the initramfs does.
func (l *layering) boot(ctx context.Context) error {
	sysroot, err := deploy.Open(l.path, deploy.Options{})
	if err != nil {
		return err
	}
	defer sysroot.Close()
	list, err := sysroot.Deployments(ctx)
	if err != nil {
		return err
	}
	var st unix.Stat_t
	if err := unix.Stat(list[0].Path, &st); err != nil {
		return err
	}
	booted := gvariant.Dict(gvariant.Entry{
		Key: "backing-root-device-inode", Value: gvariant.Tuple(gvariant.Uint64(st.Dev), gvariant.Uint64(st.Ino)),
	})
	return os.WriteFile(filepath.Join(l.run, "ostree-booted"), booted.Data(), 0o644)
}

// change does what the command does: open, plan, apply.
func (l *layering) change(ctx context.Context, c txn.Change) (err error) {
	system, err := txn.Open(ctx, l.path, txn.Options{Sysroot: deploy.Options{HostRoot: l.path, RunDir: l.run}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	plan, err := system.Plan(ctx, c)
	if err != nil {
		return err
	}
	_, err = system.Apply(ctx, plan, txn.ApplyOptions{})
	return err
}

// download fetches the packages.
func (l *layering) download(ctx context.Context) error {
	return l.change(ctx, txn.Change{Install: smallPackages(), DownloadOnly: true})
}

// makeChroot writes the base as a plain Debian, files of its own, with the packages downloaded.
func (l *layering) makeChroot(ctx context.Context) error {
	repo, err := ostree.Open(filepath.Join(l.path, "ostree/repo"), ostree.Options{})
	if err != nil {
		return err
	}
	defer repo.Close()
	if err := checkOutPlain(ctx, repo, l.ref, l.chroot); err != nil {
		return err
	}
	errs := []error{os.MkdirAll(filepath.Join(l.chroot, "dev"), 0o755)}
	for name, minor := range map[string]uint32{"null": 3, "zero": 5, "random": 8, "urandom": 9} {
		path := filepath.Join(l.chroot, "dev", name)
		errs = append(errs, unix.Mknod(path, unix.S_IFCHR, int(unix.Mkdev(1, minor))), unix.Chmod(path, 0o666))
	}
	resolver, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return err
	}
	errs = append(errs, os.WriteFile(filepath.Join(l.chroot, "etc/resolv.conf"), resolver, 0o644))
	if err := errors.Join(errs...); err != nil {
		return err
	}
	if err := command(ctx, "chroot", l.chroot, "apt-get", "-qq", "update"); err != nil {
		return err
	}
	return command(ctx, "chroot", append([]string{l.chroot, "apt-get", "-qq", "-y", "--download-only", "install"}, smallPackages()...)...)
}

// checkOutPlain writes the tree of a commit as the maintainer scripts see it.
func checkOutPlain(ctx context.Context, repo *ostree.Repo, ref, dir string) error {
	c, err := repo.Resolve(ctx, ref)
	if err != nil {
		return err
	}
	commit, err := repo.LoadCommit(ctx, c)
	if err != nil {
		return err
	}
	var plain ostree.TreeID
	err = repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := w.LoadTree(ctx, commit.Tree)
		if err != nil {
			return err
		}
		if err := layout.Unfold(ctx, w, tree); err != nil {
			return err
		}
		plain, err = w.WriteTree(ctx, tree)
		return err
	})
	if err != nil {
		return err
	}
	return repo.CheckoutTree(ctx, plain, dir, ostree.CheckoutOptions{ForceCopy: true})
}

func composeInto(ctx context.Context, tree *compose.Treefile, cache, path string) error {
	return withComposer(tree, cache, path, false, func(c *compose.Composer) error {
		plan, err := c.Plan(ctx)
		if err != nil {
			return err
		}
		_, err = c.Apply(ctx, plan, nil)
		return err
	})
}
