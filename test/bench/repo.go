package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// A row is one command that both programs run.
type row struct {
	name string
	// prepare makes what a run needs in an empty directory, before the clock starts, and returns the
	// arguments of the command.
	prepare func(ctx context.Context, f *fixture, dir string) ([]string, error)
	// same says that both must print the same, for example a checksum.
	same bool
	// often says that the command is so short that it takes more runs to see it.
	often bool
}

const theirs = "ostree"

// benchRepo measures the commands on repositories. A row that fails is reported, and the others go on.
func benchRepo(ctx context.Context, opts options, work string) error {
	var selected []row
	for _, r := range rows() {
		if opts.only.MatchString(r.name) {
			selected = append(selected, r)
		}
	}
	if len(selected) == 0 {
		return nil
	}
	ours, err := build(ctx, opts, work)
	if err != nil {
		return err
	}
	f, err := newFixture(ctx, opts, filepath.Join(work, "fixture"))
	if err != nil {
		return err
	}
	defer f.close()
	scratch := filepath.Join(work, "runs")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		return err
	}
	var errs []error
	for _, r := range selected {
		a, b, err := r.run(ctx, f, opts.runs, ours, scratch)
		if err != nil {
			if ctx.Err() != nil {
				return err
			}
			fmt.Printf("| %s | failed | | | | |\n", r.name)
			errs = append(errs, fmt.Errorf("%s: %w", r.name, err))
			continue
		}
		printRow(r.name, a, b)
	}
	return errors.Join(errs...)
}

func build(ctx context.Context, opts options, work string) (string, error) {
	if opts.ours != "" {
		return filepath.Abs(opts.ours)
	}
	ours := filepath.Join(work, "ostree")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", ours, "./examples/ostree")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build examples/ostree: %w\n%s", err, out)
	}
	return ours, nil
}

// run lets both sides take turns, each as often the first as the other.
func (r row) run(ctx context.Context, f *fixture, runs int, ours, dir string) (a, b []sample, err error) {
	if r.often {
		runs *= 10
	}
	samples := map[string][]sample{}
	for i := range runs {
		sides := []string{ours, theirs}
		if i%2 == 1 {
			sides = []string{theirs, ours}
		}
		printed := map[string]string{}
		for _, side := range sides {
			s, err := r.once(ctx, f, side, dir)
			if err != nil {
				return nil, nil, err
			}
			samples[side] = append(samples[side], s)
			printed[side] = s.stdout
		}
		if r.same && printed[ours] != printed[theirs] {
			return nil, nil, fmt.Errorf("we print %q, the peer %q", printed[ours], printed[theirs])
		}
	}
	return samples[ours], samples[theirs], nil
}

// once runs the command in a directory that is left alone until everything is measured: ext4 looks at
// each inode that was deleted in the last minutes before it gives out another one, which would cost
// the next run more than what it does.
func (r row) once(ctx context.Context, f *fixture, side, scratch string) (sample, error) {
	dir, err := os.MkdirTemp(scratch, "")
	if err != nil {
		return sample{}, err
	}
	args, err := r.prepare(ctx, f, dir)
	if err != nil {
		return sample{}, err
	}
	return measure(ctx, dir, append([]string{side}, args...)...)
}

func rows() []row {
	return append(sysrootRows(), []row{
		{name: "commit, cold, into bare", prepare: commitInto("bare"), same: true},
		{name: "commit, cold, into archive", prepare: commitInto("archive"), same: true},
		{name: "commit, cold, into bare-user", prepare: commitInto("bare-user"), same: true},
		{name: "commit again, unchanged, into bare", prepare: commitAgain("bare"), same: true},
		{name: "commit again, unchanged, into archive", prepare: commitAgain("archive"), same: true},
		{name: "checkout by hard link", prepare: checkout},
		{name: "fsck of bare", prepare: fsck("bare")},
		{name: "fsck of archive", prepare: fsck("archive")},
		{name: "pull over HTTP from archive into bare", prepare: pull},
		{name: "pull-local from bare into bare", prepare: pullLocal("bare")},
		{name: "pull-local from archive into bare", prepare: pullLocal("archive")},
		{name: "prune of a bare repository, one of two commits", prepare: prune},
		{name: "static-delta generate, an upgrade, in archive", prepare: deltaGenerate},
		{name: "static-delta apply-offline of it, into bare", prepare: deltaApply},
		{name: "refs", prepare: inBare("refs"), same: true, often: true},
		{name: "show", prepare: inBare("show", "base"), same: true, often: true},
		{name: "summary of 10,000 refs", prepare: summary},
	}...)
}

func commitInto(mode string) func(context.Context, *fixture, string) ([]string, error) {
	return func(ctx context.Context, f *fixture, dir string) ([]string, error) {
		repo := filepath.Join(dir, "repo")
		return []string{"commit", "--repo=" + repo, "--branch=base", "--tree=dir=" + f.root}, initRepo(ctx, repo, mode)
	}
}

func commitAgain(mode string) func(context.Context, *fixture, string) ([]string, error) {
	return func(_ context.Context, f *fixture, _ string) ([]string, error) {
		return []string{"commit", "--repo=" + f.repo(mode), "--branch=again", "--parent=none", "--tree=dir=" + f.root}, nil
	}
}

func checkout(_ context.Context, f *fixture, dir string) ([]string, error) {
	return []string{"checkout", "--repo=" + f.repo("bare"), "--require-hardlinks", "base", filepath.Join(dir, "tree")}, nil
}

func fsck(mode string) func(context.Context, *fixture, string) ([]string, error) {
	return func(_ context.Context, f *fixture, _ string) ([]string, error) {
		return []string{"fsck", "--quiet", "--repo=" + f.repo(mode)}, nil
	}
}

func pull(ctx context.Context, f *fixture, dir string) ([]string, error) {
	repo := filepath.Join(dir, "repo")
	if err := initRepo(ctx, repo, "bare"); err != nil {
		return nil, err
	}
	err := runPeer(ctx, "remote", "add", "--repo="+repo, "--no-gpg-verify", "origin", f.url)
	return []string{"pull", "--repo=" + repo, "origin", "base"}, err
}

func pullLocal(mode string) func(context.Context, *fixture, string) ([]string, error) {
	return func(ctx context.Context, f *fixture, dir string) ([]string, error) {
		repo := filepath.Join(dir, "repo")
		return []string{"pull-local", "--repo=" + repo, f.repo(mode), "base"}, initRepo(ctx, repo, "bare")
	}
}

func prune(ctx context.Context, f *fixture, dir string) ([]string, error) {
	repo := filepath.Join(dir, "repo")
	if err := linkTree(ctx, f.repo("bare"), repo); err != nil {
		return nil, err
	}
	return []string{"prune", "--repo=" + repo, "--refs-only"}, os.Remove(filepath.Join(repo, "refs/heads/next"))
}

func deltaGenerate(ctx context.Context, f *fixture, dir string) ([]string, error) {
	repo := filepath.Join(dir, "repo")
	return []string{"static-delta", "generate", "--repo=" + repo, "--from=base", "--to=next"}, linkTree(ctx, f.repo("archive"), repo)
}

func deltaApply(ctx context.Context, f *fixture, dir string) ([]string, error) {
	file, old, err := f.delta(ctx)
	if err != nil {
		return nil, err
	}
	repo := filepath.Join(dir, "repo")
	return []string{"static-delta", "apply-offline", "--repo=" + repo, file}, linkTree(ctx, old, repo)
}

func inBare(args ...string) func(context.Context, *fixture, string) ([]string, error) {
	return func(_ context.Context, f *fixture, _ string) ([]string, error) {
		return append([]string{args[0], "--repo=" + f.repo("bare")}, args[1:]...), nil
	}
}

func summary(ctx context.Context, f *fixture, _ string) ([]string, error) {
	repo, err := f.manyRefs(ctx)
	return []string{"summary", "--update", "--repo=" + repo}, err
}
