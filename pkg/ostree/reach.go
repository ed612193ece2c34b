package ostree

import (
	"context"
	"errors"
	"fmt"
)

// reachable collects the objects that commits need.
type reachable struct {
	repo    *Repo
	objects *objectSet
	// commitsOnly leaves out trees.
	commitsOnly bool
	// damaged, if set, is told of an object that cannot be read. If it returns
	// nil the traversal goes on without what is behind the object. It is called by
	// several goroutines.
	damaged func(ObjectName, error) error
	// inspect, if set, sees the bytes of each dirtree before it is followed. An
	// error means that it is damaged. It is called by several goroutines.
	inspect func(ObjectName, []byte) error

	followed map[Checksum]int // commits, with how many parents of each were followed
	complete []TreeID         // trees of commits that must be whole
	partial  []TreeID         // trees that may lack objects
}

// newReachable makes an empty set. With an index, objects are marked there.
func newReachable(r *Repo, index *objectIndex) *reachable {
	return &reachable{repo: r, objects: newObjectSet(index), followed: make(map[Checksum]int)}
}

// commit adds a commit with its tree, and as many parents as depth says, all if
// it is negative. A parent that is missing ends the chain.
func (s *reachable) commit(ctx context.Context, c Checksum, depth int) error {
	if err := s.addCommit(ctx, c, depth); err != nil {
		return err
	}
	return s.walkTrees(ctx)
}

// addCommit adds commits only; walkTrees then adds their trees.
func (s *reachable) addCommit(ctx context.Context, c Checksum, depth int) error {
	for s.isFarther(c, depth) {
		parent, err := s.oneCommit(ctx, c)
		if err != nil {
			return fmt.Errorf("commit %s: %w", c, err)
		}
		if depth == 0 || parent.IsZero() {
			return nil
		}
		ok, err := s.repo.Has(ctx, ObjectName{Checksum: parent, Type: ObjectCommit})
		if err != nil || !ok {
			return err
		}
		c = parent
		depth--
	}
	return nil
}

// isFarther notes that a commit and so many of its parents are being added. It
// is false if they were already.
func (s *reachable) isFarther(c Checksum, depth int) bool {
	before, seen := s.followed[c]
	if seen && (before < 0 || depth >= 0 && depth <= before) {
		return false
	}
	s.followed[c] = depth
	return true
}

// oneCommit adds one commit, notes its tree, and returns its parent.
func (s *reachable) oneCommit(ctx context.Context, c Checksum) (Checksum, error) {
	isNew := s.objects.add(ObjectCommit, &c)
	commit, err := s.repo.LoadCommit(ctx, c)
	if err != nil {
		return Checksum{}, s.report(ObjectName{c, ObjectCommit}, err)
	}
	if !isNew || s.commitsOnly {
		return commit.Parent, nil
	}
	partial, err := s.repo.IsPartial(c)
	if err != nil {
		return Checksum{}, err
	}
	if partial {
		s.partial = append(s.partial, commit.Tree)
	} else {
		s.complete = append(s.complete, commit.Tree)
	}
	return commit.Parent, nil
}

// walkTrees adds the trees of the commits. What a partial commit lacks is passed
// over, unless a complete one needs it, which is why those come first.
func (s *reachable) walkTrees(ctx context.Context) error {
	complete, partial := s.complete, s.partial
	s.complete, s.partial = nil, nil
	if err := s.walk(ctx, complete, false); err != nil {
		return err
	}
	return s.walk(ctx, partial, true)
}

func (s *reachable) report(n ObjectName, err error) error {
	if s.damaged == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return s.damaged(n, err)
}

// blame names a commit that needs an object, for the message of an error that
// came up while many commits were looked at together.
func (s *reachable) blame(ctx context.Context, n ObjectName, err error) error {
	for c := range s.followed {
		one := newReachable(s.repo, nil)
		one.damaged = func(ObjectName, error) error { return nil }
		if walkErr := one.commit(ctx, c, 0); walkErr == nil && one.objects.has(n) {
			return fmt.Errorf("commit %s: %w", c, err)
		}
	}
	return err
}
