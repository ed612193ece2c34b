package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// sysrootRows are the commands on deployments. The sysroot has two deployments of the fixture's root
// file system already, and what is deployed is the same after an upgrade.
func sysrootRows() []row {
	return []row{
		{name: "admin deploy, of an upgrade", prepare: adminDeploy("next")},
		{name: "admin deploy, of an upgrade with another kernel", prepare: adminDeploy("newkernel")},
		{name: "admin undeploy", prepare: adminUndeploy},
		{name: "admin status", prepare: adminStatus, same: true, often: true},
	}
}

// sysroot makes a sysroot with the fixture's trees as bootable commits, of which the first is deployed twice.
func (f *fixture) sysroot(ctx context.Context) (string, error) {
	if f.sys != "" {
		return f.sys, nil
	}
	sys := filepath.Join(f.dir, "sysroot")
	if err := os.Mkdir(sys, 0o755); err != nil {
		return "", err
	}
	repo := "--repo=" + filepath.Join(sys, "ostree/repo")
	for _, args := range [][]string{{"admin", "init-fs", sys}, {"admin", "os-init", "--sysroot=" + sys, "debian"}} {
		if err := runPeer(ctx, args...); err != nil {
			return "", err
		}
	}
	for _, t := range []struct{ branch, tree, kernel string }{{"base", f.root, "1"}, {"next", f.next, "1"}, {"newkernel", f.next, "2"}} {
		tree := filepath.Join(f.dir, "bootable-"+t.branch)
		if err := bootable(ctx, t.tree, tree, t.kernel); err != nil {
			return "", err
		}
		if err := runPeer(ctx, "commit", repo, "--branch="+t.branch, "--tree=dir="+tree); err != nil {
			return "", err
		}
	}
	for _, option := range []string{"--karg=root=LABEL=root", "--retain"} {
		if err := runPeer(ctx, "admin", "deploy", "--sysroot="+sys, "--os=debian", option, "base"); err != nil {
			return "", err
		}
	}
	f.sys = sys
	return sys, nil
}

// bootable makes a tree that can be deployed of a Debian: with the defaults of /etc where they belong, and with a
// kernel and an initramfs of usual sizes.
func bootable(ctx context.Context, from, to, kernel string) error {
	if err := linkTree(ctx, from, to); err != nil {
		return err
	}
	modules := filepath.Join(to, "usr/lib/modules/6.1.0")
	errs := []error{os.Rename(filepath.Join(to, "etc"), filepath.Join(to, "usr/etc")), os.MkdirAll(modules, 0o755)}
	for name, size := range map[string]int{"vmlinuz": 8 << 20, "initramfs.img": 30 << 20} {
		errs = append(errs, writeNoise(filepath.Join(modules, name), kernel+name, size))
	}
	return errors.Join(errs...)
}

// writeNoise writes a file whose content depends on a name alone. It is never in memory as a whole: what this
// program has resident counts as what its children have at least.
func writeNoise(path, name string, size int) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range size / 16 {
		fmt.Fprintf(w, "%s%15x", name[:1], i) // an error stays until Flush
	}
	return errors.Join(w.Flush(), f.Close())
}

// copySysroot gives a run a sysroot of its own. Its files are hard links, which none of the commands writes to.
func (f *fixture) copySysroot(ctx context.Context, dir string) (string, error) {
	from, err := f.sysroot(ctx)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "sysroot")
	return to, linkTree(ctx, from, to)
}

func adminDeploy(branch string) func(context.Context, *fixture, string) ([]string, error) {
	return func(ctx context.Context, f *fixture, dir string) ([]string, error) {
		sys, err := f.copySysroot(ctx, dir)
		return []string{"admin", "deploy", "--sysroot=" + sys, "--os=debian", branch}, err
	}
}

// adminUndeploy removes one of two deployments, with what only it needs.
func adminUndeploy(ctx context.Context, f *fixture, dir string) ([]string, error) {
	sys, err := f.copySysroot(ctx, dir)
	if err != nil {
		return nil, err
	}
	err = runPeer(ctx, "admin", "deploy", "--sysroot="+sys, "--os=debian", "next")
	return []string{"admin", "undeploy", "--sysroot=" + sys, "0"}, err
}

// adminStatus asks a sysroot of two deployments.
func adminStatus(ctx context.Context, f *fixture, _ string) ([]string, error) {
	sys, err := f.sysroot(ctx)
	return []string{"admin", "status", "--sysroot=" + sys}, err
}
