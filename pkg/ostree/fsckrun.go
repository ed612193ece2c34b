package ostree

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"sync"
)

// errFirstProblem ends a check that is not to find all problems.
var errFirstProblem = errors.New("first problem")

// fsck is one run.
type fsck struct {
	repo    *Repo
	opts    FsckOptions
	commits []Checksum // that must be whole
	index   *objectIndex
	good    *objectSet // objects that were read and are what they must be

	mu       sync.Mutex // guards the rest
	report   *FsckReport
	progress FsckProgress
}

func (f *fsck) run(ctx context.Context) error {
	err := f.check(ctx)
	if errors.Is(err, errFirstProblem) {
		err = nil
	}
	if err == nil && f.opts.Repair != nil {
		err = f.repair(ctx)
	}
	if err == nil && len(f.report.Problems) > 0 {
		err = f.settle(ctx)
	}
	if err != nil {
		return err
	}
	if len(f.report.Problems) > 0 || f.report.Damaged > 0 {
		return &FsckError{Path: f.repo.Path(), Problems: f.report.Problems, Damaged: f.report.Damaged}
	}
	return nil
}

// check looks at everything.
func (f *fsck) check(ctx context.Context) error {
	if err := f.checkRefs(ctx); err != nil {
		return err
	}
	f.phase(FsckCommits)
	if err := f.findCommits(ctx); err != nil {
		return err
	}
	f.progress.Commits = f.report.Commits
	f.phase(FsckObjects)
	return f.checkObjects(ctx)
}

func (f *fsck) phase(p FsckPhase) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.progress.Phase = p
	if f.opts.Progress != nil {
		f.opts.Progress(f.progress)
	}
}

// problem notes one and tells whether to go on.
func (f *fsck) problem(p FsckProblem) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.report.Problems, func(q FsckProblem) bool { return q.Object == p.Object && q.Ref == p.Ref }) {
		return nil
	}
	f.report.Problems = append(f.report.Problems, p)
	if f.opts.All || p.Missing() && f.opts.Mark && p.Ref == "" {
		return nil
	}
	return errFirstProblem
}

// findCommits lists the objects of the repository and picks the commits that are
// to be checked.
func (f *fsck) findCommits(ctx context.Context) error {
	var err error
	f.index, err = f.repo.store.index(ctx, func(ObjectName) error { return nil })
	if err != nil {
		return err
	}
	f.good = newObjectSet(f.index)
	states, err := f.repo.partialCommits(ctx)
	if err != nil {
		return err
	}
	var parents []Checksum
	for _, c := range f.index.commits() {
		parent, err := f.checkCommit(ctx, c)
		if err != nil {
			return err
		}
		if !parent.IsZero() {
			parents = append(parents, parent)
		}
		switch state := states[c]; {
		case state == CommitComplete, state == CommitDamaged && f.opts.Repair != nil:
			f.report.Commits++
			f.commits = append(f.commits, c)
		case state == CommitDamaged:
			f.report.Damaged++
			f.report.Partial++
		default:
			f.report.Partial++
		}
	}
	if f.opts.Tombstones {
		return f.addTombstones(ctx, parents)
	}
	return nil
}

// checkCommit looks at the bindings of a commit and returns its parent. One that
// cannot be read is a problem that comes up again when objects are read.
func (f *fsck) checkCommit(ctx context.Context, c Checksum) (Checksum, error) {
	commit, err := f.repo.LoadCommit(ctx, c)
	if err != nil {
		return Checksum{}, ctx.Err()
	}
	if f.opts.BackRefs {
		if err := f.checkBackRefs(ctx, c, commit); err != nil {
			return Checksum{}, err
		}
	}
	return commit.Parent, nil
}

func (f *fsck) addTombstones(ctx context.Context, parents []Checksum) error {
	lost, err := f.repo.lost(parents)
	if err != nil {
		return err
	}
	if err := f.repo.EnableTombstones(); err != nil {
		return err
	}
	f.report.Tombstones = lost
	return f.repo.writeTombstones(ctx, lost)
}

// checkObjects reads all objects that the commits need: dirtrees while the trees
// are walked, the rest then.
func (f *fsck) checkObjects(ctx context.Context) error {
	reach := newReachable(f.repo, f.index)
	reach.damaged = func(n ObjectName, err error) error { return f.problem(FsckProblem{Object: n, Err: err}) }
	reach.inspect = f.inspect
	for _, c := range f.commits {
		if err := reach.addCommit(ctx, c, 0); err != nil {
			return err
		}
	}
	// Commits that are marked as damaged lack nothing that is not to be reported.
	reach.complete, reach.partial = append(reach.complete, reach.partial...), nil
	if err := reach.walkTrees(ctx); err != nil {
		return err
	}
	f.progress.Total = reach.objects.len()
	err := eachDir(ctx, func(ctx context.Context, first byte, _ []byte) error {
		for n := range reach.objects.listed(first) {
			if err := f.read(ctx, n); err != nil {
				return err
			}
		}
		return nil
	})
	for n := range reach.objects.unlisted() { // in parent repositories, or nowhere
		if err != nil {
			break
		}
		err = f.read(ctx, n)
	}
	return cmp.Or(err, ctx.Err())
}

// inspect compares a dirtree with its checksum.
func (f *fsck) inspect(n ObjectName, data []byte) error {
	if err := sameChecksum(n, sha256.Sum256(data)); err != nil {
		return err
	}
	f.good.add(n.Type, &n.Checksum)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Bytes += int64(len(data))
	return nil
}

// read compares one object with its checksum, unless that was done.
func (f *fsck) read(ctx context.Context, n ObjectName) error {
	var size int64
	if !f.good.has(n) {
		var err error
		size, err = f.repo.store.verify(ctx, n)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if err := f.problem(FsckProblem{Object: n, Err: err}); err != nil {
				return err
			}
		} else {
			f.good.add(n.Type, &n.Checksum)
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.report.Objects++
	f.report.Bytes += size
	f.progress.Done++
	f.progress.Bytes = f.report.Bytes
	if f.opts.Progress != nil {
		f.opts.Progress(f.progress)
	}
	return nil
}

func joinChecksums(list []Checksum) string {
	texts := make([]string, len(list))
	for i, c := range list {
		texts[i] = c.String()
	}
	return strings.Join(texts, ", ")
}

func compareChecksums(a, b Checksum) int { return bytes.Compare(a[:], b[:]) }
