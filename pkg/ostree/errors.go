package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

var (
	// ErrRefNotFound is what a [*RefNotFoundError] is.
	ErrRefNotFound = errors.New("ref not found")
	// ErrObjectNotFound is what an [*ObjectNotFoundError] is.
	ErrObjectNotFound = errors.New("object not found")
	// ErrLocked is what a [*LockedError] is.
	ErrLocked = errors.New("repository is locked")
	// ErrNoSpace is what a [*SpaceError] is.
	ErrNoSpace = errors.New("not enough free space")
)

// A RefNotFoundError says that a revision names nothing in a repository. It is
// [ErrRefNotFound] and [fs.ErrNotExist].
type RefNotFoundError struct {
	Rev  string // as it was asked for
	Path string // of the repository
}

// Error implements error.
func (e *RefNotFoundError) Error() string {
	return fmt.Sprintf("ref %q not found in repository %s", e.Rev, e.Path)
}

// Is makes it equal to the sentinels.
func (e *RefNotFoundError) Is(target error) bool {
	return target == ErrRefNotFound || target == fs.ErrNotExist
}

// An ObjectNotFoundError says that a repository lacks an object. It is
// [ErrObjectNotFound], and on purpose not [fs.ErrNotExist]: a path whose
// directory is lost does not lack an entry.
type ObjectNotFoundError struct{ Object ObjectName }

// Error implements error.
func (e *ObjectNotFoundError) Error() string { return fmt.Sprintf("object %s not found", e.Object) }

// Is makes it equal to the sentinel.
func (e *ObjectNotFoundError) Is(target error) bool { return target == ErrObjectNotFound }

// A CorruptError says that the bytes of an object, of the configuration or of a
// ref are not what they must be.
type CorruptError struct {
	What string // such as the name of an object
	Err  error
}

// Error implements error.
func (e *CorruptError) Error() string { return fmt.Sprintf("%s is corrupt: %v", e.What, e.Err) }

// Unwrap returns what is wrong with it.
func (e *CorruptError) Unwrap() error { return e.Err }

// A LockedError says that another process kept the repository locked for longer
// than this one was told to wait. It is [ErrLocked].
type LockedError struct {
	Path   string // of the lock file
	Mode   LockMode
	Waited time.Duration
}

// Error implements error.
func (e *LockedError) Error() string {
	return fmt.Sprintf("%s lock on %s: another process kept it locked for %s; try again when it is done",
		e.Mode, e.Path, e.Waited.Round(time.Millisecond))
}

// Is makes it equal to the sentinel.
func (e *LockedError) Is(target error) bool { return target == ErrLocked }

// A SpaceError says that an object was not written because the repository keeps
// some space of its file system free. It is [ErrNoSpace].
type SpaceError struct {
	Setting string // the key and value that reserve the space, such as "min-free-space-percent=3"
	Path    string // of the repository
	Needed  int64  // bytes that this transaction wants beyond what it may take
}

// Error implements error.
func (e *SpaceError) Error() string {
	return fmt.Sprintf("repository %s needs %d bytes more than core.%s leaves; free some space or change the setting",
		e.Path, e.Needed, e.Setting)
}

// Is makes it equal to the sentinel.
func (e *SpaceError) Is(target error) bool { return target == ErrNoSpace }
