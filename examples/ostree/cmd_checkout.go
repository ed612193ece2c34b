package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// checkoutFlags are the options of checkout.
type checkoutFlags struct {
	opts                           ostree.CheckoutOptions
	union, unionAdd, unionSame     bool
	noCache, fromStdin, zeroSizeNo bool
	fromFile, skipList             string
	composefs, composefsNoVerity   bool
	selinuxPolicy                  string
}

func cmdCheckout() *command {
	c := &checkoutFlags{}
	return &command{
		name: "checkout", operands: "COMMIT [DESTINATION]", summary: "Check out a commit into a filesystem tree",
		flags: c.flags,
		run:   c.run,
	}
}

func (c *checkoutFlags) flags(f *flags) {
	f.Bool(&c.opts.UserMode, "user-mode", "U", "Do not change file ownership or initialize extended attributes")
	f.Bool(&c.noCache, "disable-cache", "", "Do not update or use the internal repository uncompressed object cache")
	f.String(&c.opts.Subpath, "subpath", "", "PATH", "Checkout sub-directory PATH")
	f.Bool(&c.union, "union", "", "Keep existing directories, overwrite existing files")
	f.Bool(&c.unionAdd, "union-add", "", "Keep existing files/directories, only add new")
	f.Bool(&c.unionSame, "union-identical", "", "When layering checkouts, error out if a file would be replaced with a different version, but add new files and directories")
	f.Bool(&c.opts.Whiteouts, "whiteouts", "", "Process 'whiteout' (Docker style) entries")
	f.Bool(&c.opts.PassthroughWhiteouts, "process-passthrough-whiteouts", "", "Enable overlayfs whiteout extraction into char 0:0 devices")
	f.Bool(&c.opts.AllowMissing, "allow-noent", "", "Do nothing if specified path does not exist")
	f.Bool(&c.fromStdin, "from-stdin", "", "Process many checkouts from standard input")
	f.String(&c.fromFile, "from-file", "", "FILE", "Process many checkouts from input file")
	f.YesNo(&c.opts.Sync, "fsync", "", "POLICY", "Specify how to invoke fsync()")
	f.Bool(&c.opts.RequireHardlinks, "require-hardlinks", "H", "Do not fall back to full copies if hardlinking fails")
	f.Bool(&c.zeroSizeNo, "force-copy-zerosized", "z", "Do not hardlink zero-sized files (no effect, it never happens)")
	f.Bool(&c.opts.ForceCopy, "force-copy", "C", "Never hardlink (but may reflink if available)")
	f.Bool(&c.opts.BareUserOnlyDirs, "bareuseronly-dirs", "M", "Suppress mode bits outside of 0775 for directories (suid, world writable, etc.)")
	f.String(&c.skipList, "skip-list", "", "FILE", "File containing list of files to skip")
	f.String(&c.selinuxPolicy, "selinux-policy", "", "PATH", "Set SELinux labels based on policy in root filesystem PATH (may be /); implies --force-copy")
	f.String(&c.opts.LabelPrefix, "selinux-prefix", "", "PREFIX", "When setting SELinux labels, prefix all paths by PREFIX")
	f.Bool(&c.opts.Verify, "verify", "", "Compare all objects with their checksums while they are checked out")
	f.Bool(&c.composefs, "composefs", "", "Only create a composefs blob, a file at DESTINATION")
	f.Bool(&c.composefsNoVerity, "composefs-noverity", "", "Only create a composefs blob without fsverity digests")
	f.Hide("force-copy-zerosized")
}

func (c *checkoutFlags) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usagef("COMMIT must be specified")
	}
	if err := c.parse(); err != nil {
		return err
	}
	if c.fromStdin || c.fromFile != "" {
		return c.many(ctx, e, repo, args[0])
	}
	destination := args[0]
	if len(args) > 1 {
		destination = args[1]
	}
	if c.composefs || c.composefsNoVerity {
		return c.image(ctx, repo, args[0], destination)
	}
	return c.one(ctx, repo, args[0], c.opts.Subpath, destination)
}

// parse fills in the options that are not flags of their own.
func (c *checkoutFlags) parse() error {
	if c.selinuxPolicy != "" {
		c.opts.ForceCopy = true
		var err error
		if c.opts.Labels, err = (&selinuxFlags{root: c.selinuxPolicy}).fromRoot(); err != nil {
			return err
		}
	}
	for _, conflict := range []struct {
		a, b         bool
		nameA, nameB string
	}{
		{c.union, c.unionAdd, "--union", "--union-add"},
		{c.union, c.unionSame, "--union", "--union-identical"},
		{c.unionAdd, c.unionSame, "--union-add", "--union-identical"},
		{c.opts.RequireHardlinks, c.opts.ForceCopy, "--require-hardlinks", "--force-copy"},
	} {
		if conflict.a && conflict.b {
			return fmt.Errorf("Cannot specify both %s and %s", conflict.nameA, conflict.nameB)
		}
	}
	if c.opts.LabelPrefix != "" && c.selinuxPolicy == "" {
		return errors.New("Cannot specify --selinux-prefix without --selinux-policy")
	}
	if err := c.checkComposefs(); err != nil {
		return err
	}
	switch {
	case c.union:
		c.opts.Union = ostree.UnionFiles
	case c.unionAdd:
		c.opts.Union = ostree.UnionAdd
	case c.unionSame && !c.opts.RequireHardlinks:
		return errors.New("--union-identical requires --require-hardlinks")
	case c.unionSame:
		c.opts.Union = ostree.UnionIdentical
	}
	c.opts.UncompressedCache = !c.noCache
	return c.readSkipList()
}

func (c *checkoutFlags) readSkipList() error {
	if c.skipList == "" {
		return nil
	}
	f, err := os.Open(c.skipList)
	if err != nil {
		return fmt.Errorf("openat(%s): %w", c.skipList, reason(err))
	}
	defer f.Close()
	list, err := ostree.ParseSkipList(f)
	if err != nil {
		return err
	}
	c.opts.Skip = list.Has
	return nil
}

func (c *checkoutFlags) one(ctx context.Context, repo *ostree.Repo, rev, subpath, destination string) error {
	commit, err := repo.Resolve(ctx, rev)
	if err != nil {
		return err
	}
	opts := c.opts
	opts.Subpath = subpath
	return checkoutError(repo.Checkout(ctx, commit, destination, opts), subpath)
}

// many reads pairs of a revision and a path, each ended by NUL.
func (c *checkoutFlags) many(ctx context.Context, e *env, repo *ostree.Repo, destination string) error {
	list := e.stdin
	if c.fromFile != "" {
		f, err := os.Open(c.fromFile)
		if err != nil {
			path, absErr := filepath.Abs(c.fromFile)
			return errors.Join(fmt.Errorf("Error opening file %s: %w", path, reason(err)), absErr)
		}
		defer f.Close()
		list = f
	}
	data, err := io.ReadAll(list)
	if err != nil {
		return err
	}
	fields := strings.Split(strings.TrimSuffix(string(data), "\x00"), "\x00")
	for len(data) > 0 && len(fields) > 0 {
		rev, subpath := fields[0], ""
		if fields = fields[1:]; len(fields) > 0 {
			subpath, fields = fields[0], fields[1:]
		}
		commit, err := repo.Resolve(ctx, rev)
		if err != nil {
			return err
		}
		if err := c.one(ctx, repo, rev, subpath, destination); err != nil {
			return fmt.Errorf("Processing tree %s: %w", commit, err)
		}
	}
	return nil
}
