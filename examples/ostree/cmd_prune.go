package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// pruneFlags are the options of prune.
type pruneFlags struct {
	opts         ostree.PruneOptions
	deleteCommit string
	youngerThan  string
	deltasOnly   bool
	retain       []string
}

func cmdPrune() *command {
	p := pruneFlags{opts: ostree.PruneOptions{Depth: -1}}
	return &command{
		name: "prune", summary: "Search for unreachable objects",
		flags: func(f *flags) {
			f.Bool(&p.opts.DryRun, "no-prune", "", "Only display unreachable objects; don't delete")
			f.Bool(&p.opts.RefsOnly, "refs-only", "", "Only compute reachability via refs")
			f.Int(&p.opts.Depth, "depth", "", "DEPTH", "Only traverse DEPTH parents for each commit (default: -1=infinite)")
			f.String(&p.deleteCommit, "delete-commit", "", "COMMIT", "Specify a commit to delete")
			f.String(&p.youngerThan, "keep-younger-than", "", "DATE", "Prune all commits older than the specified date")
			f.Bool(&p.deltasOnly, "static-deltas-only", "", "With --delete-commit, delete only static deltas to the commit")
			f.Strings(&p.retain, "retain-branch-depth", "", "BRANCH=DEPTH", "Additionally retain BRANCH=DEPTH commits")
			f.Strings(&p.opts.OnlyRefs, "only-branch", "", "BRANCH", "Only prune BRANCH (may be specified multiple times)")
			f.Bool(&p.opts.CommitsOnly, "commit-only", "", "Only traverse and delete commit objects.")
		},
		run: func(ctx context.Context, e *env, _ []string) error { return p.run(ctx, e) },
	}
}

func (p *pruneFlags) run(ctx context.Context, e *env) error {
	repo, err := e.openRepo()
	if err != nil {
		return err
	}
	if err := p.parse(); err != nil {
		return err
	}
	if p.deleteCommit != "" {
		if err := p.delete(ctx, repo); err != nil {
			return err
		}
	}
	report, err := repo.Prune(ctx, p.opts)
	if err != nil {
		return err
	}
	p.print(e, report)
	return nil
}

// parse checks the options, before anything is deleted.
func (p *pruneFlags) parse() error {
	switch {
	case p.deleteCommit != "" && p.opts.DryRun:
		return usagef("Cannot specify both --delete-commit and --no-prune")
	case p.deltasOnly && p.deleteCommit == "":
		return fmt.Errorf("--static-deltas-only requires --delete-commit; see https://github.com/ostreedev/ostree/issues/1479")
	}
	if p.youngerThan != "" {
		var err error
		if p.opts.KeepYoungerThan, err = parseDate(p.youngerThan, time.Now()); err != nil {
			return err
		}
	}
	for _, text := range p.retain {
		branch, depth, ok := strings.Cut(text, "=")
		if !ok {
			return fmt.Errorf("Invalid value %s, must specify BRANCH=DEPTH", text)
		}
		n, err := strconv.Atoi(depth)
		if err != nil {
			return fmt.Errorf("Invalid depth %s", depth)
		}
		if p.opts.RetainDepth == nil {
			p.opts.RetainDepth = make(map[string]int)
		}
		p.opts.RetainDepth[branch] = n
	}
	return nil
}

func (p *pruneFlags) delete(ctx context.Context, repo *ostree.Repo) error {
	c, err := ostree.ParseChecksum(p.deleteCommit)
	if err != nil {
		return fmt.Errorf("Invalid commit %s", p.deleteCommit)
	}
	if p.deltasOnly {
		return repo.PruneDeltas(ctx, c)
	}
	return repo.DeleteCommit(ctx, c)
}

func (p *pruneFlags) print(e *env, report *ostree.PruneReport) {
	only := ""
	if p.opts.CommitsOnly {
		only = " (commit only)"
	}
	e.printf("Total%s objects: %d\n", only, report.Total)
	freed := formatSize(uint64(report.Freed))
	switch {
	case report.Deleted == 0:
		e.println("No unreachable objects")
	case p.opts.DryRun:
		e.printf("Would delete: %d objects, freeing %s\n", report.Deleted, freed)
	default:
		e.printf("Deleted %d objects, %s freed\n", report.Deleted, freed)
	}
}
