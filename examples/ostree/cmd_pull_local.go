package main

import (
	"context"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

func cmdPullLocal() *command {
	c := &pullLocalCommand{}
	return &command{
		name:     "pull-local",
		operands: "SRC_REPO [REFS...]",
		summary:  "Copy data from SRC_REPO",
		flags:    c.flags,
		run:      c.run,
	}
}

type pullLocalCommand struct {
	opts                      ostree.PullOptions
	gpgVerify, gpgVerifyIndex bool
	requireDeltas, noDeltas   bool
}

func (c *pullLocalCommand) flags(f *flags) {
	f.Bool(&c.opts.CommitOnly, "commit-metadata-only", "", "Fetch only the commit metadata")
	f.String(&c.opts.Remote, "remote", "", "REMOTE", "Add REMOTE to refspec")
	f.Bool(&c.opts.NoSync, "disable-fsync", "", "Do not invoke fsync()")
	f.Bool(&c.opts.SyncEach, "per-object-fsync", "", "Perform writes in such a way that avoids stalling concurrent processes")
	f.Bool(&c.opts.Untrusted, "untrusted", "", "Verify checksums of local sources (always enabled for HTTP pulls)")
	f.Bool(&c.opts.BareUserOnlyFiles, "bareuseronly-files", "", "Reject regular files with mode outside of 0775 (world writable, suid, etc.)")
	f.Bool(&c.requireDeltas, "require-static-deltas", "", "Require static deltas")
	f.Bool(&c.noDeltas, "disable-static-deltas", "", "Do not use static deltas")
	f.Bool(&c.gpgVerify, "gpg-verify", "", "GPG verify commits (must specify --remote)")
	f.Bool(&c.gpgVerifyIndex, "gpg-verify-summary", "", "GPG verify summary (must specify --remote)")
	f.Bool(&c.opts.IgnoreBindings, "disable-verify-bindings", "", "Do not verify commit bindings")
	f.Int(&c.opts.Depth, "depth", "", "DEPTH", "Traverse DEPTH parents (-1=infinite) (default: 0)")
}

func (c *pullLocalCommand) run(ctx context.Context, e *env, args []string) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return usagef("DESTINATION must be specified")
	}
	src, err := e.openRepoAt(args[0])
	if err != nil {
		return err
	}
	if c.opts.Refs, err = pullRefs(args[1:]); err != nil {
		return err
	}
	if c.opts.Deltas, err = deltaUse(c.requireDeltas, c.noDeltas); err != nil {
		return err
	}
	if err := c.verification(repo); err != nil {
		return err
	}
	result, err := repo.PullLocal(ctx, src, c.opts)
	if err != nil {
		return err
	}
	e.println(pullStatus(result))
	return nil
}

// verification asks for what the options ask for, with the keys of the remote.
func (c *pullLocalCommand) verification(repo *ostree.Repo) error {
	if !c.gpgVerify && !c.gpgVerifyIndex {
		return nil
	}
	if c.opts.Remote == "" {
		return usagef("Must specify remote name to enable gpg verification")
	}
	keys, err := repo.RemoteKeyring(c.opts.Remote)
	if err != nil {
		return err
	}
	if c.gpgVerify {
		c.opts.VerifyCommits = &ostree.Verification{All: []sign.Verifier{keys}}
	}
	if c.gpgVerifyIndex {
		c.opts.VerifySummary = &ostree.Verification{All: []sign.Verifier{keys}}
	}
	return nil
}
