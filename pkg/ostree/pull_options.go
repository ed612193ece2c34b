package ostree

import (
	"fmt"
	"strings"
	"time"
)

// PullOptions says what is pulled and what is asked of it. The zero value pulls
// the branches that the remote is configured for, without their history.
type PullOptions struct {
	// Refs are what to pull. Empty means the branches in the configuration of the
	// remote; with Mirror, and none configured, all refs in its summary.
	Refs []PullRef
	// Depth is how many parents of each commit are pulled, all if -1. A parent
	// that the remote lacks ends the chain.
	Depth int
	// Subpaths are absolute paths in the tree. If there are any, only they and
	// the directories that lead to them are pulled, and the commit stays partial.
	Subpaths []string
	// CommitOnly pulls commit objects and what is attached to them, but no trees.
	// Commits that were not complete before stay partial.
	CommitOnly bool
	// Mirror writes refs as they are called at the remote, instead of below its
	// name, and copies its summary if all refs are pulled.
	Mirror bool

	// Remote is for [Repo.PullLocal]: the remote below whose name refs are
	// written. Empty means that they become local refs.
	Remote string
	// LocalCaches are repositories on this machine where objects are looked for
	// before they are fetched.
	LocalCaches []*Repo

	// Deltas says whether static deltas are used. A repository on this machine is
	// copied object by object unless they are required.
	Deltas DeltaUse
	// DeltaFrom is a commit that deltas may start from where no ref tells which one came before, as in a
	// pull of a commit without a ref. Zero is none.
	DeltaFrom Checksum

	// DryRun finds out how much a pull with static deltas would fetch, and changes
	// nothing. It needs DeltasRequired.
	DryRun bool

	// Untrusted compares objects of local repositories with their checksums
	// before they are linked.
	Untrusted bool
	// HTTPTrusted stores files as they come, without reading them, if Mirror is
	// set and both repositories are archives, unless Untrusted is set too.
	// Everything else that comes over the network is always compared with its
	// checksum.
	HTTPTrusted bool
	// BareUserOnlyFiles refuses files whose mode a ModeBareUserOnly repository
	// could not keep, such as setuid programs.
	BareUserOnlyFiles bool
	// VerifyCommits and VerifySummary say what is asked of signatures. Nil means
	// what the configuration of the remote says, and nothing for PullLocal.
	VerifyCommits, VerifySummary *Verification
	// Keyrings name, for refs of collections, the remote whose OpenPGP keyring
	// verifies their commits, with the parents that are pulled, in place of that of
	// the remote they come from: so that a remote which carries refs of others
	// cannot change them. They have no effect where no OpenPGP signature is asked
	// for, and other refs may be among them than those pulled.
	Keyrings map[CollectionRef]string
	// IgnoreBindings pulls a commit even if it says that it belongs to another
	// ref or collection than it was found at.
	IgnoreBindings bool
	// TimestampCheck refuses a commit that is older than the one which the ref
	// names now.
	TimestampCheck bool
	// TimestampCheckFrom refuses a commit that is older than that of this
	// revision. Empty means no check.
	TimestampCheckFrom string
	// MaxMetadataSize is the most that one commit, directory or other metadata of
	// a remote may have, in bytes. Zero means 128 MiB, and 16 MiB for a commit
	// whose size no summary announces.
	MaxMetadataSize int64

	// Fetch says how requests are made, and may give another place than the
	// configuration of the remote.
	Fetch FetchOptions
	// Summary is the summary of the remote as it was fetched before, for several
	// pulls that are to see the same. Nil means that it is fetched if needed.
	Summary *FetchedSummary

	// SyncEach writes each object to disk before the next instead of all at the
	// end, as core.per-object-fsync does: slower, but it stalls nobody else.
	SyncEach bool
	// NoSync leaves out all syncing, as [Options].NoSync.
	NoSync bool

	// Progress, if set, is called from time to time, and once at the end, never
	// by two goroutines at the same time. It must not block.
	Progress func(PullProgress)
	// ProgressInterval is how often Progress is called. Zero means each second.
	ProgressInterval time.Duration
}

// DeltaUse says whether a pull uses static deltas.
type DeltaUse int

const (
	// DeltasIfAny uses a delta where there is one.
	DeltasIfAny DeltaUse = iota
	// DeltasOff fetches objects one by one.
	DeltasOff
	// DeltasRequired fails where there is no delta.
	DeltasRequired
)

// A PullRef is something to pull: a ref, a commit, or a commit under the name of
// a ref.
type PullRef struct {
	Collection string   // of the ref; empty for a ref of the remote itself
	Ref        string   // empty for a commit without a ref
	Commit     Checksum // zero for the one that the remote's ref names
}

// ParsePullRef reads "REF", "REF@CHECKSUM" or "CHECKSUM".
func ParsePullRef(s string) (PullRef, error) {
	if isChecksum(s) {
		c, err := ParseChecksum(s)
		return PullRef{Commit: c}, err
	}
	ref := PullRef{Ref: s}
	if i := strings.LastIndexByte(s, '@'); i >= 0 {
		c, err := ParseChecksum(s[i+1:])
		if err != nil {
			return PullRef{}, fmt.Errorf("commit of ref %q: %w", s[:i], err)
		}
		ref = PullRef{Ref: s[:i], Commit: c}
	}
	if ref.Ref == "" {
		return PullRef{}, &InvalidRefError{}
	}
	return ref, ref.check()
}

// String returns what ParsePullRef reads, with "COLLECTION:" before it if there
// is one.
func (r PullRef) String() string {
	s := r.Ref
	if r.Collection != "" {
		s = r.Collection + ":" + s
	}
	switch {
	case r.Commit.IsZero():
		return s
	case s == "":
		return r.Commit.String()
	}
	return s + "@" + r.Commit.String()
}

func (r PullRef) check() error {
	if r.Ref == "" {
		if r.Commit.IsZero() || r.Collection != "" {
			return fmt.Errorf("%q is neither a ref nor a commit", r)
		}
		return nil
	}
	if !isRef(r.Ref) {
		return &InvalidRefError{Ref: r.Ref}
	}
	return nil
}

// An InvalidRefError says that something cannot be the name of a ref.
type InvalidRefError struct{ Ref string }

// Error implements error.
func (e *InvalidRefError) Error() string { return fmt.Sprintf("%q is not the name of a ref", e.Ref) }
