package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// checkComposefs refuses options that are about directories, of which an image is
// made without them.
func (c *checkoutFlags) checkComposefs() error {
	if !c.composefs && !c.composefsNoVerity {
		return nil
	}
	for _, other := range []struct {
		set  bool
		name string
	}{
		{c.union, "--union"}, {c.unionAdd, "--union-add"}, {c.unionSame, "--union-identical"},
		{c.opts.UserMode, "--user-mode"}, {c.opts.Subpath != "", "--subpath"}, {c.opts.Whiteouts, "--whiteouts"},
		{c.opts.AllowMissing, "--allow-noent"}, {c.fromStdin, "--from-stdin"}, {c.fromFile != "", "--from-file"},
		{c.selinuxPolicy != "", "--selinux-policy"},
		{c.opts.RequireHardlinks, "--require-hardlinks"}, {c.opts.ForceCopy, "--force-copy"},
		{c.opts.BareUserOnlyDirs, "--bareuseronly-dirs"}, {c.skipList != "", "--skip-list"}, {c.opts.Verify, "--verify"},
	} {
		if other.set {
			return fmt.Errorf("Cannot specify both --composefs and %s", other.name)
		}
	}
	return nil
}

// image writes a composefs image instead of a directory.
func (c *checkoutFlags) image(ctx context.Context, repo *ostree.Repo, rev, destination string) error {
	commit, err := repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	_, err = repo.CheckoutComposefs(ctx, commit, destination, ostree.ComposefsOptions{NoVerity: c.composefsNoVerity})
	if mismatch, ok := errors.AsType[*ostree.ComposefsError](err); ok {
		return fmt.Errorf("Generated composefs digest %s doesn't match expected digest %s", mismatch.Got, mismatch.Want)
	}
	return err
}
