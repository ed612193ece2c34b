package vm

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// InstalledRef is the branch of the composed system with what `make install` installs.
const InstalledRef = "debian/bookworm/amd64/installed"

// Install puts what `make install` of a checkout installs on the composed system, and commits that as
// InstalledRef. The image of a distribution would have it from a package; this takes seconds where a
// compose for each change of a program takes minutes. The directory is for files in between.
func (b *Build) Install(ctx context.Context, checkout, dir string) error {
	tree := filepath.Join(dir, "tree")
	install := exec.CommandContext(ctx, "make", "install", "DESTDIR="+tree)
	install.Dir = checkout
	if text, err := install.CombinedOutput(); err != nil {
		return fmt.Errorf("make install: %w: %s", err, text)
	}
	// The configuration of a commit is below /usr.
	if err := os.Rename(filepath.Join(tree, "etc"), filepath.Join(tree, "usr/etc")); err != nil {
		return err
	}
	return Derive(ctx, b.Repo, Ref, InstalledRef, "1", tree)
}

// Derive commits the tree of a ref with the files of a directory on top, as the newest commit of a
// branch. It is a release of a version, with what the ref's commit says about its packages.
func Derive(ctx context.Context, repo, ref, branch, version, dir string) error {
	parent, err := ostree(ctx, "rev-parse", "--repo="+repo, ref)
	if err != nil {
		return err
	}
	_, err = ostree(ctx, "commit", "--repo="+repo, "--branch="+branch, "--parent="+strings.TrimSpace(parent), "--tree=ref="+ref, "--tree=dir="+dir,
		"--owner-uid=0", "--owner-gid=0", "--add-metadata-string=version="+version, "--keep-metadata=apt-ostree.pkglist", "--keep-metadata=ostree.linux",
		"--keep-metadata=ostree.bootable")
	return err
}

// ostree runs libostree's tool.
func ostree(ctx context.Context, args ...string) (string, error) {
	text, err := exec.CommandContext(ctx, "ostree", args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ostree %s: %w: %s", args[0], err, text)
	}
	return string(text), nil
}
