package ostree

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// RepairFrom mends a repository from another one on this machine.
func RepairFrom(src *Repo) RepairFunc {
	return func(ctx context.Context, w *Writer, n ObjectName) error {
		// What is no better there is not there.
		if _, err := src.store.verify(ctx, n); err != nil {
			return errors.Join(&ObjectNotFoundError{Object: n}, err)
		}
		if n.Type != ObjectFile {
			data, err := src.store.readMeta(n)
			if err != nil {
				return err
			}
			return w.putMetaAs(n, data)
		}
		fi, content, err := src.OpenFile(ctx, n.Checksum)
		if err != nil {
			return err
		}
		defer content.Close()
		return w.writeNamed(ctx, n, fi, content, true)
	}
}

// repair writes anew what is wrong, and looks again: behind a dirtree that was
// lost there may be more.
func (f *fsck) repair(ctx context.Context) error {
	for {
		mended, err := f.repairObjects(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(mended, func(n ObjectName) bool { return n.Type == ObjectDirTree || n.Type == ObjectCommit }) {
			break
		}
		f.restart()
		if err := f.check(ctx); err != nil {
			return err
		}
	}
	return f.complete(ctx)
}

// restart forgets what was found, but not what is good.
func (f *fsck) restart() {
	f.report.Commits, f.report.Partial, f.report.Damaged, f.report.Objects = 0, 0, 0, 0
	f.report.Problems, f.commits = nil, nil
	f.progress = FsckProgress{}
}

// repairObjects mends what it can and returns what that is.
func (f *fsck) repairObjects(ctx context.Context) ([]ObjectName, error) {
	var objects []ObjectName
	for _, p := range f.report.Problems {
		if !p.isBinding() && !slices.Contains(objects, p.Object) {
			objects = append(objects, p.Object)
		}
	}
	if len(objects) == 0 {
		return nil, nil
	}
	var mended []ObjectName
	err := f.repo.replaceObjects(ctx, func(w *Writer) error {
		for _, n := range objects {
			err := f.opts.Repair(ctx, w, n)
			if errors.Is(err, ErrObjectNotFound) {
				continue
			}
			if err != nil {
				return fmt.Errorf("repair %s: %w", n, err)
			}
			mended = append(mended, n)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	f.report.Repaired = append(f.report.Repaired, mended...)
	return mended, f.reread(ctx, mended)
}

// reread trusts nobody: a problem is gone when the object is good.
func (f *fsck) reread(ctx context.Context, mended []ObjectName) error {
	for _, n := range mended {
		if _, err := f.repo.store.verify(ctx, n); err != nil {
			return fmt.Errorf("repaired %s: %w", n, err)
		}
		f.good.add(n.Type, &n.Checksum)
		f.report.Problems = slices.DeleteFunc(f.report.Problems, func(p FsckProblem) bool {
			return p.Object == n && !p.isBinding()
		})
	}
	return nil
}

// complete takes the mark off commits that need nothing that is still damaged.
func (f *fsck) complete(ctx context.Context) error {
	states, err := f.repo.partialCommits(ctx)
	if err != nil {
		return err
	}
	if err := f.explain(ctx); err != nil {
		return err
	}
	damaged := make(map[Checksum]bool)
	for i := range f.report.Problems {
		p := &f.report.Problems[i]
		if p.isBinding() {
			continue
		}
		for _, c := range p.Commits {
			damaged[c] = true
		}
		p.Commits = nil // settle finds them again
	}
	for _, c := range f.commits {
		if states[c] != CommitDamaged {
			continue
		}
		if damaged[c] {
			f.report.Damaged++
			continue
		}
		if err := f.repo.setCommitState(c, CommitComplete); err != nil {
			return fmt.Errorf("mark commit %s as complete: %w", c, err)
		}
		f.report.Completed = append(f.report.Completed, c)
	}
	return nil
}
