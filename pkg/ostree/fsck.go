package ostree

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// FsckOptions says how a repository is checked and what is done about damage.
// The zero value stops at the first problem and changes nothing.
type FsckOptions struct {
	// All finds every problem instead of stopping at the first.
	All bool
	// Progress, if set, is called when a phase begins and after each object, never
	// by two goroutines at the same time.
	Progress func(FsckProgress)
	// Mark marks commits that lack objects as damaged, see [CommitState].
	Mark bool
	// Delete removes corrupt objects and marks the commits that need them as
	// damaged, so that a pull fetches them again. It implies All and Mark.
	Delete bool
	// Repair, if set, is called for each object that is corrupt or missing, after
	// all were found, and writes it anew from some other place. What it writes is
	// checked and takes the place of what is there. Commits that are marked as
	// damaged are checked too, and lose their mark when they are whole again. It
	// implies All. See [RepairFrom] and [Repo.RepairFromRemote].
	Repair RepairFunc
	// Tombstones writes tombstones for missing parents of commits, and sets
	// core.tombstone-commits.
	Tombstones bool
	// Bindings checks that commits are bound to the refs that name them.
	Bindings bool
	// BackRefs checks that the refs that a commit is bound to name it. It implies
	// Bindings.
	BackRefs bool
}

// A RepairFunc writes one object with w. An error that is [ErrObjectNotFound]
// leaves the problem as it is, any other ends the repair.
type RepairFunc func(ctx context.Context, w *Writer, n ObjectName) error

// A FsckPhase is what a check is doing.
type FsckPhase int

const (
	// FsckRefs looks at local refs and those of remotes.
	FsckRefs FsckPhase = iota + 1
	// FsckCollectionRefs looks at refs in collections.
	FsckCollectionRefs
	// FsckCommits finds commits.
	FsckCommits
	// FsckObjects reads objects.
	FsckObjects
)

// FsckProgress is how far a check is.
type FsckProgress struct {
	Phase       FsckPhase
	Commits     int   // to be checked, known from FsckObjects on
	Done, Total int   // objects
	Bytes       int64 // read so far
}

// FsckReport is what a check looked at.
type FsckReport struct {
	Commits    int   // complete ones, checked with all they need
	Partial    int   // commits that are known to be incomplete, not checked
	Damaged    int   // those of them that an earlier check found to be so
	Objects    int   // checked, each once
	Bytes      int64 // read, after decompression
	Problems   []FsckProblem
	Marked     []Checksum   // commits that were marked as damaged
	Tombstones []Checksum   // of commits, that were written
	Repaired   []ObjectName // that are good again
	Completed  []Checksum   // commits that lost their mark of damage
}

// FsckProblem is one damaged or missing object, a ref that leads nowhere, or a
// binding between a ref and a commit that does not hold.
type FsckProblem struct {
	Object  ObjectName
	Commits []Checksum // that need the object
	Ref     string     // below the directory refs, if the problem is with a ref
	Deleted bool       // the object was removed
	Err     error      // what is wrong
}

// Missing tells whether the problem is that the object does not exist.
func (p *FsckProblem) Missing() bool { return errors.Is(p.Err, ErrObjectNotFound) }

// String names the object, what needs it, and what is wrong.
func (p FsckProblem) String() string {
	var where string
	switch {
	case p.Ref != "":
		where = fmt.Sprintf(" (ref %s)", p.Ref)
	case len(p.Commits) == 1:
		where = fmt.Sprintf(" (in commit %s)", p.Commits[0])
	case len(p.Commits) > 1:
		where = fmt.Sprintf(" (in commits %s)", joinChecksums(p.Commits))
	}
	return fmt.Sprintf("%s%s: %v", p.Object, where, p.Err)
}

// FsckError says that a repository is damaged.
type FsckError struct {
	Path     string // of the repository
	Problems []FsckProblem
	// Damaged is how many commits an earlier check marked, which were not checked.
	Damaged int
}

// Error lists the problems.
func (e *FsckError) Error() string {
	var lines []string
	for _, p := range e.Problems {
		lines = append(lines, p.String())
	}
	if e.Damaged > 0 {
		lines = append(lines, fmt.Sprintf("%d commits lack objects since an earlier check; pull them again", e.Damaged))
	}
	return fmt.Sprintf("repository %s is damaged: %s", e.Path, strings.Join(lines, "; "))
}

// Unwrap returns what is wrong with each object.
func (e *FsckError) Unwrap() []error {
	errs := make([]error, len(e.Problems))
	for i, p := range e.Problems {
		errs[i] = p.Err
	}
	return errs
}

// Fsck reads every object that the repository's commits need and compares it
// with its checksum. Refs must point to commits. Commits that are partial are
// counted and not checked. If something is wrong, or commits are marked as damaged,
// the error is a [*FsckError], and the report is still returned. What Repair has
// mended is no longer wrong.
//
// It holds the lock of the repository shared, with Delete exclusive.
func (r *Repo) Fsck(ctx context.Context, opts FsckOptions) (*FsckReport, error) {
	opts.All = opts.All || opts.Delete || opts.Repair != nil
	opts.Mark = opts.Mark || opts.Delete
	opts.Bindings = opts.Bindings || opts.BackRefs
	report, err := r.fsck(ctx, opts)
	if err != nil {
		return report, fmt.Errorf("fsck: %w", err)
	}
	return report, nil
}

func (r *Repo) fsck(ctx context.Context, opts FsckOptions) (*FsckReport, error) {
	if opts.Delete || opts.Repair != nil || opts.Tombstones {
		if err := r.checkWritable(); err != nil {
			return nil, err
		}
	}
	mode := Shared
	if opts.Delete {
		mode = Exclusive
	}
	unlock, err := r.Lock(ctx, mode)
	if err != nil {
		return nil, err
	}
	f := &fsck{repo: r, opts: opts, report: &FsckReport{}}
	return f.report, errors.Join(f.run(ctx), unlock())
}
