package ostree

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// settle finds out which commits the problems are about, and marks and deletes
// what the options say.
func (f *fsck) settle(ctx context.Context) error {
	if err := f.explain(ctx); err != nil {
		return err
	}
	if f.opts.Mark {
		if err := f.mark(); err != nil {
			return err
		}
	}
	if !f.opts.Delete {
		return nil
	}
	for i := range f.report.Problems {
		p := &f.report.Problems[i]
		if p.Missing() || p.isBinding() || f.good.has(p.Object) {
			continue
		}
		path := objectPath(p.Object, f.repo.Mode())
		if err := ignoreNotExist(unlinkAt(f.repo.store.fd, path)); err != nil {
			return fmt.Errorf("delete %s: %w", p.Object, err)
		}
		p.Deleted = true
	}
	return nil
}

// isBinding tells whether the problem is not one with the object itself.
func (p *FsckProblem) isBinding() bool {
	switch p.Err.(type) { //nolint:errorlint // as they were put there
	case *BindingError, *BackRefError:
		return true
	}
	return false
}

// mark marks the commits that lack objects, or are about to.
func (f *fsck) mark() error {
	for _, p := range f.report.Problems {
		if p.isBinding() || !p.Missing() && !f.opts.Delete {
			continue
		}
		for _, c := range p.Commits {
			if c == p.Object.Checksum || slices.Contains(f.report.Marked, c) {
				continue
			}
			if err := f.repo.setCommitState(c, CommitDamaged); err != nil {
				return fmt.Errorf("mark commit %s as damaged: %w", c, err)
			}
			f.report.Marked = append(f.report.Marked, c)
		}
	}
	slices.SortFunc(f.report.Marked, compareChecksums)
	return nil
}

// explain finds the commits that need the damaged objects.
func (f *fsck) explain(ctx context.Context) error {
	problems := f.report.Problems
	slices.SortStableFunc(problems, func(a, b FsckProblem) int { return strings.Compare(a.Object.String(), b.Object.String()) })
	t := &tracer{repo: f.repo, wanted: make(map[ObjectName]bool), dirs: make(map[Checksum][]ObjectName)}
	for _, p := range problems {
		t.wanted[p.Object] = true
	}
	for _, c := range f.commits {
		found, err := t.commit(ctx, c)
		if err != nil {
			return err
		}
		for i := range problems {
			if slices.Contains(found, problems[i].Object) {
				problems[i].Commits = append(problems[i].Commits, c)
			}
		}
	}
	return nil
}

// A tracer finds wanted objects in trees. It remembers what is in each dirtree,
// which mostly is nothing.
type tracer struct {
	repo   *Repo
	wanted map[ObjectName]bool
	dirs   map[Checksum][]ObjectName
}

// commit lists the wanted objects that a commit needs.
func (t *tracer) commit(ctx context.Context, c Checksum) ([]ObjectName, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	found := t.note(nil, ObjectName{c, ObjectCommit})
	if len(found) > 0 {
		return found, nil // what it would lead to is not known
	}
	commit, err := t.repo.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	return t.tree(ctx, found, commit.Tree)
}

func (t *tracer) note(found []ObjectName, n ObjectName) []ObjectName {
	if t.wanted[n] && !slices.Contains(found, n) {
		found = append(found, n)
	}
	return found
}

func (t *tracer) tree(ctx context.Context, found []ObjectName, id TreeID) ([]ObjectName, error) {
	found = t.note(found, ObjectName{id.Meta, ObjectDirMeta})
	below, err := t.dir(ctx, id.Contents)
	if err != nil {
		return nil, err
	}
	for _, n := range below {
		found = t.note(found, n)
	}
	return found, nil
}

// dir lists the wanted objects in a dirtree. One that is damaged itself is not
// followed; all others are good, so that they are no circle.
func (t *tracer) dir(ctx context.Context, c Checksum) ([]ObjectName, error) {
	if found, ok := t.dirs[c]; ok {
		return found, nil
	}
	n := ObjectName{c, ObjectDirTree}
	found := t.note(nil, n)
	if len(found) == 0 {
		tree, err := t.repo.LoadDirTree(ctx, c)
		if err != nil {
			return nil, err
		}
		for _, file := range tree.Files {
			found = t.note(found, ObjectName{file.Checksum, ObjectFile})
		}
		for _, d := range tree.Dirs {
			if found, err = t.tree(ctx, found, d.Tree); err != nil {
				return nil, err
			}
		}
	}
	t.dirs[c] = found
	return found, nil
}
