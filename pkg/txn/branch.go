package txn

import (
	"context"
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// firstDepth is how many commits of a ref's history are fetched at first when something is looked for
// in it; then it is twice as many each time.
const firstDepth = 10

// findInHistory walks the history of a ref, the newest first, for a commit that matches. What the
// repository lacks of it is fetched in growing pieces, commits only. It is zero when there is none.
func (s *System) findInHistory(ctx context.Context, ref ostree.Refspec, change Change, match func(ostree.Checksum, *ostree.Commit) bool) (ostree.Checksum, error) {
	remote := s.remoteOf(ref, change)
	for depth := firstDepth; ; depth *= 2 {
		if remote != "" {
			pull := ostree.PullOptions{Refs: []ostree.PullRef{{Ref: ref.Ref}}, CommitOnly: true, Depth: depth}
			if err := s.pullFrom(ctx, baseSource{remote: remote}, pull); err != nil {
				return ostree.Checksum{}, err
			}
		}
		found, length, err := s.walkHistory(ctx, ref, match)
		if err != nil || !found.IsZero() || remote == "" || length <= depth {
			return found, err
		}
	}
}

// walkHistory walks as far as the repository goes and counts the commits.
func (s *System) walkHistory(ctx context.Context, ref ostree.Refspec, match func(ostree.Checksum, *ostree.Commit) bool) (found ostree.Checksum, length int, err error) {
	c, err := s.Repo().Resolve(ctx, ref.String())
	if errors.Is(err, ostree.ErrRefNotFound) {
		return found, 0, nil
	}
	for err == nil && !c.IsZero() {
		var commit *ostree.Commit
		commit, err = s.Repo().LoadCommit(ctx, c)
		if errors.Is(err, ostree.ErrObjectNotFound) {
			return found, length, nil // pruned, or not fetched
		}
		if err != nil {
			return found, length, err
		}
		length++
		if match(c, commit) {
			return c, length, nil
		}
		c = commit.Parent
	}
	return found, length, err
}

// findVersion looks for a version in the history of a ref.
func (s *System) findVersion(ctx context.Context, refspec, version string, change Change) (ostree.Checksum, error) {
	ref, err := ostree.ParseRefspec(refspec)
	if err != nil {
		return ostree.Checksum{}, err
	}
	found, err := s.findInHistory(ctx, ref, change, func(_ ostree.Checksum, commit *ostree.Commit) bool {
		return version != "" && commit.Metadata.Str(ostree.MetadataVersion) == version
	})
	if err == nil && found.IsZero() {
		err = &RevisionError{Revision: version, Refspec: refspec, Version: true, Repo: s.Repo().Path()}
	}
	return found, err
}

// BranchError says that a commit is not in the history of the ref that is followed.
type BranchError struct {
	Commit  ostree.Checksum
	Refspec string
}

func (e *BranchError) Error() string {
	return fmt.Sprintf("Checksum %s not found in %s", e.Commit, e.Refspec)
}

// checkBranch makes sure that a commit is in the history of a ref: another one would be a rebase that
// nothing says.
func (s *System) checkBranch(ctx context.Context, refspec string, c ostree.Checksum, change Change) error {
	if change.SkipBranchCheck || refspec == "" || isChecksum(refspec) {
		return nil
	}
	ref, err := ostree.ParseRefspec(refspec)
	if err != nil {
		return err
	}
	is := func(have ostree.Checksum, _ *ostree.Commit) bool { return have == c }
	found, _, err := s.walkHistory(ctx, ref, is)
	if err == nil && found.IsZero() {
		found, err = s.findInHistory(ctx, ref, change, is)
	}
	if err == nil && found.IsZero() {
		err = &BranchError{Commit: c, Refspec: refspec}
	}
	return err
}
