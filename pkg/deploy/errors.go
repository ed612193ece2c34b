package deploy

import (
	"fmt"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// NotSysrootError says that a directory is not the root of an OSTree system.
type NotSysrootError struct {
	// Path is the directory, Missing what it lacks.
	Path, Missing string
}

// Error names the directory, what it lacks and the way out.
func (e *NotSysrootError) Error() string {
	return fmt.Sprintf("%s is not an OSTree sysroot: %s is missing; name another one, or make one with \"ostree admin init-fs %s\"",
		e.Path, e.Missing, e.Path)
}

// BusyError says that another process holds the lock of the sysroot.
type BusyError struct {
	// Path is the lock file.
	Path string
	// PID and Command are the process that holds it, zero if that could not be told.
	PID     int
	Command string
	// Err is why waiting ended, nil when there was no waiting.
	Err error
}

// Error names the process, the lock and the way out.
func (e *BusyError) Error() string {
	who := "another process"
	if e.PID != 0 {
		who = fmt.Sprintf("process %d (%s)", e.PID, e.Command)
	}
	text := fmt.Sprintf("%s is changing this system (it holds %s); try again when it is done", who, e.Path)
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns why waiting ended.
func (e *BusyError) Unwrap() error { return e.Err }

// StaterootError says that a stateroot does not exist, or which one is meant.
type StaterootError struct {
	// Name is the stateroot asked for, "" when none was.
	Name string
	// Have are the ones there are.
	Have []string
}

// Error names the stateroots there are and the way out.
func (e *StaterootError) Error() string {
	switch {
	case len(e.Have) == 0:
		return "this sysroot has no stateroot yet; make one with \"ostree admin os-init NAME\""
	case e.Name == "":
		return fmt.Sprintf("no deployment is booted and there are several stateroots: say which one of %q", e.Have)
	}
	return fmt.Sprintf("there is no stateroot %q, only %q; make it with \"ostree admin os-init %s\"", e.Name, e.Have, e.Name)
}

// UndeployableError says that a commit cannot become a deployment.
type UndeployableError struct {
	Commit ostree.Checksum
	// Reason is what the commit lacks or has too much of.
	Reason string
}

// Error names the commit and the reason.
func (e *UndeployableError) Error() string {
	return fmt.Sprintf("commit %s cannot be deployed: %s", e.Commit, e.Reason)
}

// NotFoundError says that a deployment is not, or no longer, in the list.
type NotFoundError struct {
	// Name describes the deployment.
	Name string
}

// Error names the deployment.
func (e *NotFoundError) Error() string { return fmt.Sprintf("there is no deployment %s", e.Name) }

// EntryError says that a boot entry with a name like ours is for a deployment that this sysroot does not have.
type EntryError struct{ Err error }

// Error names what is missing and the way out.
func (e *EntryError) Error() string {
	return fmt.Sprintf("it is for a deployment that is not here (%v): if it is another system's, rename it to what does not begin with ostree-, and it is left alone; if the deployment is gone, remove it", e.Err)
}

// Unwrap returns what is missing.
func (e *EntryError) Unwrap() error { return e.Err }

// BootedError says that a change would remove the running deployment.
type BootedError struct {
	// Name is that of the deployment.
	Name string
}

// Error names the deployment and the way out.
func (e *BootedError) Error() string {
	return fmt.Sprintf("deployment %s is running and cannot be removed; boot another one first", e.Name)
}

// CorruptError says that a file of the sysroot is not what it must be.
type CorruptError struct {
	// Path is the file.
	Path string
	Err  error
}

// Error names the file, what is wrong with it and the way out.
func (e *CorruptError) Error() string {
	return fmt.Sprintf("%s is damaged: %v; repair it or restore it from a backup", e.Path, e.Err)
}

// Unwrap returns what is wrong.
func (e *CorruptError) Unwrap() error { return e.Err }
