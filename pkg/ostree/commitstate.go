package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A CommitState says how much of a commit a repository has. It is kept in the
// file state/CHECKSUM.commitpartial, which a complete commit does not have.
type CommitState int

const (
	// CommitComplete is a commit with all its objects, as far as is known.
	CommitComplete CommitState = iota
	// CommitPartial is a commit of which objects may be missing, because fetching
	// it was interrupted or restricted to a part.
	CommitPartial
	// CommitDamaged is a commit of which fsck found objects to be missing, or
	// removed corrupt ones.
	CommitDamaged
)

// String returns "complete", "partial" or "damaged".
func (s CommitState) String() string {
	switch s {
	case CommitComplete:
		return "complete"
	case CommitPartial:
		return "partial"
	case CommitDamaged:
		return "damaged"
	}
	return fmt.Sprintf("CommitState(%d)", int(s))
}

// damagedMark is what the file of a damaged commit holds; that of a partial one
// is empty.
const damagedMark = "f"

const partialSuffix = ".commitpartial"

func partialPath(c Checksum) string { return "state/" + c.String() + partialSuffix }

// CommitState tells how much of a commit the repository has. It does not look
// whether the commit exists.
func (r *Repo) CommitState(ctx context.Context, c Checksum) (CommitState, error) {
	if err := ctx.Err(); err != nil {
		return CommitComplete, err
	}
	f, err := fsx.OpenAt(r.fd, partialPath(c), unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return CommitComplete, nil
	}
	if err != nil {
		return CommitComplete, err
	}
	defer f.Close()
	data, err := readBounded(f, 4096)
	if err != nil {
		return CommitComplete, err
	}
	if strings.HasPrefix(string(data), damagedMark) {
		return CommitDamaged, nil
	}
	return CommitPartial, nil
}

// IsPartial reports whether a commit is known to lack some of its objects,
// because fetching them was interrupted or fsck removed them.
func (r *Repo) IsPartial(c Checksum) (bool, error) {
	_, err := fsx.StatAt(r.fd, partialPath(c))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// SetCommitState notes how much of a commit the repository has. Who adds a
// commit before its tree marks it partial first and complete when everything is
// there, so that an interruption leaves it marked. The mark is not synced: it is
// on disk with whatever is synced after it, such as the objects of an update.
func (r *Repo) SetCommitState(ctx context.Context, c Checksum, state CommitState) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := r.setCommitState(c, state); err != nil {
		return fmt.Errorf("mark commit %s as %s: %w", c, state, err)
	}
	return nil
}

func (r *Repo) setCommitState(c Checksum, state CommitState) error {
	path := filepath.Join(r.path, partialPath(c))
	var mark string
	switch state {
	case CommitComplete:
		return ignoreNotExist(os.Remove(path))
	case CommitDamaged:
		mark = damagedMark
	case CommitPartial:
	}
	if err := mkdir(filepath.Dir(path)); err != nil { // repositories of old have none
		return err
	}
	return os.WriteFile(path, []byte(mark), 0o644)
}

// partialCommits returns the marks of all commits that are not complete.
func (r *Repo) partialCommits(ctx context.Context) (map[Checksum]CommitState, error) {
	names, err := readNames(r.fd, "state")
	if err != nil {
		return nil, err
	}
	states := make(map[Checksum]CommitState)
	for _, name := range names {
		text, ok := strings.CutSuffix(name, partialSuffix)
		if !ok || !isChecksum(text) {
			continue
		}
		c, err := ParseChecksum(text)
		if err != nil {
			return nil, err
		}
		state, err := r.CommitState(ctx, c)
		if err != nil {
			return nil, err
		}
		if state != CommitComplete {
			states[c] = state
		}
	}
	return states, nil
}
