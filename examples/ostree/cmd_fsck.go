package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// fsckFlags are the options of fsck.
type fsckFlags struct {
	opts       ostree.FsckOptions
	quiet      bool
	repairFrom string
}

func cmdFsck() *command {
	var c fsckFlags
	return &command{
		name: "fsck", summary: "Check the repository for consistency",
		flags: func(f *flags) {
			f.Bool(&c.opts.Tombstones, "add-tombstones", "", "Add tombstones for missing commits")
			f.Bool(&c.quiet, "quiet", "q", "Only print error messages")
			f.Bool(&c.opts.All, "all", "a", "Don't stop on first error")
			f.Bool(&c.opts.Delete, "delete", "", "Remove corrupted objects")
			f.Bool(&c.opts.Bindings, "verify-bindings", "", "Verify ref bindings")
			f.Bool(&c.opts.BackRefs, "verify-back-refs", "", "Verify back-references (implies --verify-bindings)")
			f.String(&c.repairFrom, "repair", "", "REMOTE|PATH", "Fetch corrupted and missing objects from a remote, or from the repository at a path")
		},
		run: func(ctx context.Context, e *env, _ []string) error { return c.run(ctx, e) },
	}
}

func (c *fsckFlags) run(ctx context.Context, e *env) (err error) {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if c.repairFrom != "" {
		var closeSource func() error
		if c.opts.Repair, closeSource, err = c.repair(ctx, e, repo); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeSource()) }()
	}
	c.opts.Mark = true
	c.opts.Progress = func(p ostree.FsckProgress) { c.progress(e, p) }
	report, err := repo.Fsck(ctx, c.opts)
	var damage *ostree.FsckError
	if err != nil && !errors.As(err, &damage) {
		return err
	}
	return c.print(e, report)
}

// repair decides where good objects come from.
func (c *fsckFlags) repair(ctx context.Context, e *env, repo *ostree.Repo) (ostree.RepairFunc, func() error, error) {
	if !strings.ContainsRune(c.repairFrom, '/') {
		return repo.RepairFromRemote(ctx, c.repairFrom, ostree.FetchOptions{})
	}
	src, err := e.openRepoAt(c.repairFrom)
	if err != nil {
		return nil, nil, err
	}
	return ostree.RepairFrom(src), func() error { return nil }, nil
}

func (c *fsckFlags) progress(e *env, p ostree.FsckProgress) {
	switch {
	case p.Done > 0:
		if p.Done == 1 || p.Done == p.Total { // like the peer where it has no terminal
			e.printf("fsck objects (%d/%d) %d%%\n", p.Done, p.Total, p.Done*100/p.Total)
		}
	case c.quiet:
	case p.Phase == ostree.FsckRefs:
		e.println("Validating refs...")
	case p.Phase == ostree.FsckCollectionRefs:
		e.println("Validating refs in collections...")
	case p.Phase == ostree.FsckCommits:
		e.println("Enumerating commits...")
	case p.Phase == ostree.FsckObjects:
		e.printf("Verifying content integrity of %d commit objects...\n", p.Commits)
	}
}

// print tells what was found and what was done about it. The last problem with a
// ref, and without --all the first of any, is the error of the command.
func (c *fsckFlags) print(e *env, report *ostree.FsckReport) error {
	for _, n := range report.Repaired {
		e.printf("Repaired %s\n", n)
	}
	for _, commit := range report.Tombstones {
		e.printf("Adding tombstone for commit %s\n", commit)
	}
	var fatal error
	for i := range report.Problems {
		p := &report.Problems[i]
		text := fsckMessage(p)
		switch {
		case p.Ref != "":
			if p.Missing() {
				e.warnf("Object missing: %s\n", p.Object)
			}
			if fatal != nil {
				e.warnf("%s\n", fatal)
			}
			fatal = errors.New(text)
		case p.Missing(), c.opts.All, c.opts.Delete, c.opts.Repair != nil:
			e.warnf("%s\n", text)
		case fatal == nil:
			fatal = errors.New(text)
		}
	}
	for _, commit := range report.Marked {
		e.warnf("Marking commit as partial: %s\n", commit)
	}
	if report.Partial > 0 && fatal == nil {
		e.printf("%d partial commits not verified\n", report.Partial)
	}
	switch {
	case fatal != nil:
		return fatal
	case len(report.Problems) > 0:
		return errors.New("Repository corruption encountered")
	case report.Damaged > 0:
		return fmt.Errorf("%d partial commits from fsck-detected corruption", report.Damaged)
	}
	e.printf("object fsck of %d commits completed successfully - no errors found.\n", report.Commits)
	return nil
}
