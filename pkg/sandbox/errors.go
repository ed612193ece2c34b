package sandbox

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// An ExitError says that the program was started and did not exit with 0.
type ExitError struct {
	// Argv is the program as it was asked for.
	Argv []string

	// Code is the exit status; 128+n if the program died of signal n.
	Code int

	// Signal is the signal that ended the program, zero if none did. A
	// program that itself exits with 128+n looks the same.
	Signal syscall.Signal

	// TimedOut says that Timeout passed and the program was killed.
	TimedOut bool

	// Timeout is the limit that passed.
	Timeout time.Duration
}

// Error names the program and how it ended.
func (e *ExitError) Error() string {
	name := commandName(e.Argv)
	switch {
	case e.TimedOut:
		return fmt.Sprintf("%s: did not finish within %s and was killed", name, e.Timeout)
	case e.Signal != 0:
		return fmt.Sprintf("%s: killed by signal %d (%s)", name, int(e.Signal), e.Signal)
	}
	return fmt.Sprintf("%s: exit status %d", name, e.Code)
}

// A SetupError says that the program was never started: the sandbox could not
// be made, or the tree has no such program.
type SetupError struct {
	// Argv is the program as it was asked for.
	Argv []string

	// Root is the tree it should have run in.
	Root string

	// Reason is what the jail said; empty if it went to a file of the caller.
	Reason string

	// Err is the underlying error, if there is one.
	Err error
}

// Error names the program, the tree and the reason.
func (e *SetupError) Error() string {
	reason := e.Reason
	if reason == "" {
		reason = "see its output for the reason"
		if e.Err != nil {
			reason = e.Err.Error()
		}
	}
	return fmt.Sprintf("start %s in %s: %s", commandName(e.Argv), e.Root, reason)
}

// Unwrap returns the underlying error.
func (e *SetupError) Unwrap() error { return e.Err }

// commandName is the program with its first arguments, short enough for one
// line of a message.
func commandName(argv []string) string {
	const limit = 60
	name := strings.Join(argv, " ")
	if i := strings.IndexByte(name, '\n'); i >= 0 {
		name = name[:i] + "…"
	}
	if len(name) > limit {
		name = strings.ToValidUTF8(name[:limit], "") + "…"
	}
	return name
}
