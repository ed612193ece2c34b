package step

import (
	"fmt"
	"time"
)

// An Error says in which step a run ended.
type Error struct {
	// Step is the name of the step.
	Step string
	// Err is its error, or the context's.
	Err error
	// Committed says that the commit point was passed: the change has taken
	// effect, and what failed came after it.
	Committed bool
}

// Error reads as a path.
func (e *Error) Error() string {
	if e.Committed {
		return fmt.Sprintf("the change was made, but %s: %v", e.Step, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Step, e.Err)
}

// Unwrap returns Err.
func (e *Error) Unwrap() error { return e.Err }

// An UndoError says that after a failed step an earlier one could not be taken
// back.
type UndoError struct {
	// Step is the name of the step that was to be undone.
	Step string
	Err  error
}

// Error reads as a path.
func (e *UndoError) Error() string { return fmt.Sprintf("undo %s: %v", e.Step, e.Err) }

// Unwrap returns Err.
func (e *UndoError) Unwrap() error { return e.Err }

// A BusyError says that another process holds a lock.
type BusyError struct {
	// Path is the lock file.
	Path string
	// Holder has the lock. Its PID is zero if it could not be learned.
	Holder Holder
}

// Error names the process and what it does.
func (e *BusyError) Error() string {
	switch h := e.Holder; {
	case h.PID == 0:
		return fmt.Sprintf("%s: locked by another process", e.Path)
	case h.Since.IsZero():
		return fmt.Sprintf("%s: locked by process %d (%s)", e.Path, h.PID, h.What)
	default:
		return fmt.Sprintf("%s: locked by process %d (%s) since %s", e.Path, h.PID, h.What, h.Since.Format(time.TimeOnly))
	}
}
