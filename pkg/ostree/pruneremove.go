package ostree

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// count adds up what there is and what is to go.
func (p *pruner) count(ctx context.Context) error {
	if !p.opts.CommitsOnly {
		if err := p.removeLinks(); err != nil {
			return err
		}
	}
	only := func(t ObjectType) bool { return t == ObjectCommit || !p.opts.CommitsOnly }
	return p.eachVictim(ctx, only, func(int, string, ObjectName) error { return nil })
}

// eachVictim counts objects of some types and calls visit, from several
// goroutines, for each that goes, with its directory and name there.
func (p *pruner) eachVictim(ctx context.Context, only func(ObjectType) bool, visit func(dir int, name string, n ObjectName) error) error {
	return eachDir(ctx, func(ctx context.Context, first byte, _ []byte) error {
		return p.eachVictimIn(ctx, first, only, visit)
	})
}

func (p *pruner) eachVictimIn(ctx context.Context, first byte, only func(ObjectType) bool, visit func(dir int, name string, n ObjectName) error) (err error) {
	var dir *os.File
	var sum PruneReport
	defer func() {
		p.addUp(sum)
		if dir != nil {
			err = errors.Join(err, dir.Close())
		}
	}()
	for i, listed := range p.index.dirs[first] {
		n := listed.object()
		if !only(n.Type) {
			continue
		}
		sum.Total++
		if p.keep.hasListed(first, i) {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		path := objectPath(n, p.repo.Mode())
		if dir == nil {
			if dir, err = fsx.OpenDirAt(p.repo.store.fd, path[:2]); err != nil {
				return err
			}
		}
		st, err := fsx.StatAt(int(dir.Fd()), path[3:])
		if err != nil {
			return err
		}
		if err := visit(int(dir.Fd()), path[3:], n); err != nil {
			return err
		}
		sum.Deleted++
		sum.Freed += st.Size
	}
	return nil
}

func (p *pruner) addUp(sum PruneReport) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.report.Total += sum.Total
	p.report.Deleted += sum.Deleted
	p.report.Freed += sum.Freed
}

// remove deletes what is not kept, commits first: if it is interrupted, no commit
// is left that lacks objects.
func (p *pruner) remove(ctx context.Context) error {
	if p.repo.keepsTombstones() {
		if err := p.repo.writeTombstones(ctx, p.deadCommits()); err != nil {
			return err
		}
	}
	isCommit := func(t ObjectType) bool { return t == ObjectCommit }
	err := p.eachVictim(ctx, isCommit, func(_ int, _ string, n ObjectName) error { return p.repo.removeCommit(n.Checksum) })
	if err != nil || p.opts.CommitsOnly {
		return err
	}
	if err := p.removeLinks(); err != nil {
		return err
	}
	isOther := func(t ObjectType) bool { return t != ObjectCommit }
	return p.eachVictim(ctx, isOther, func(dir int, name string, _ ObjectName) error { return unlinkAt(dir, name) })
}

// deadCommits lists the commits that go.
func (p *pruner) deadCommits() []Checksum {
	var commits []Checksum
	for first, names := range p.index.dirs {
		for i, n := range names {
			if ObjectType(n.kind) == ObjectCommit && !p.keep.hasListed(byte(first), i) {
				commits = append(commits, n.sum)
			}
		}
	}
	return commits
}

// removeCommit deletes a commit object and what belongs to it and is not an
// object of its own.
func (r *Repo) removeCommit(c Checksum) error {
	meta := objectPath(ObjectName{c, ObjectCommitMeta}, r.Mode())
	return errors.Join(
		ignoreNotExist(unlinkAt(r.store.fd, meta)),
		ignoreNotExist(unlinkAt(r.fd, partialPath(c))),
		unlinkAt(r.store.fd, objectPath(ObjectName{c, ObjectCommit}, r.Mode())),
	)
}

// removeLinks counts payload links, and deletes those that no longer serve.
func (p *pruner) removeLinks() error {
	store := p.repo.store
	for _, n := range p.payloadLinks {
		path := objectPath(n, store.mode)
		st, err := fsx.StatAt(store.fd, path)
		if err != nil {
			return err
		}
		sum := PruneReport{Total: 1}
		keep, err := p.keepsLink(n)
		if err != nil {
			return err
		}
		if !keep {
			sum.Deleted, sum.Freed = 1, st.Size
			if !p.opts.DryRun {
				err = unlinkAt(store.fd, path)
			}
		}
		if err != nil {
			return err
		}
		p.addUp(sum)
	}
	return nil
}

// keepsLink tells whether a payload link is to a file object that stays and is
// as large as the configuration wants.
func (p *pruner) keepsLink(link ObjectName) (bool, error) {
	store := p.repo.store
	target, err := store.payloadTarget(link)
	if _, corrupt := errors.AsType[*CorruptError](err); corrupt {
		return false, nil
	}
	if err != nil || !p.keep.has(target) {
		return false, err
	}
	st, err := fsx.StatAt(store.fd, objectPath(target, store.mode))
	if err != nil {
		return false, ignoreNotExist(err)
	}
	return uint64(st.Size) >= p.repo.settings.payloadThreshold, nil
}

func unlinkAt(dirfd int, path string) error {
	for {
		err := unix.Unlinkat(dirfd, path, 0)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return &fs.PathError{Op: "unlink", Path: path, Err: err}
		}
		return nil
	}
}

func ignoreNotExist(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
