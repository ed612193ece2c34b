package ostree

import "context"

// A pullSource is where a pull takes things from: a repository on this machine
// or one behind a network.
type pullSource interface {
	// resolve finds what a ref names. One that does not exist gives a
	// [*RefNotFoundError].
	resolve(ctx context.Context, ref PullRef) (Checksum, error)
	// meta reads a commit, dirtree, dirmeta or tombstone of at most limit bytes
	// and does not check it. One that does not exist gives an
	// [*ObjectNotFoundError].
	meta(ctx context.Context, n ObjectName, limit int64) ([]byte, error)
	// detached reads what is attached to a commit; found tells whether there is
	// such an object.
	detached(ctx context.Context, c Checksum, limit int64) (data []byte, found bool, err error)
	// storeMeta stores a metadata object that was read from this source and has
	// been checked, unless it was trusted.
	storeMeta(ctx context.Context, n ObjectName, data []byte) error
	// storeFile reads a file object, checks and stores it.
	storeFile(ctx context.Context, c Checksum) error
	// trusted tells whether metadata need not be compared with its checksum.
	trusted() bool
	// tombstones tells whether the repository marks commits that it deleted.
	tombstones() bool
}
