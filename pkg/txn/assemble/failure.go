package assemble

import (
	"fmt"
	"strings"
	"syscall"
	"time"
)

// tailLines is how much of a script's output an error carries.
const tailLines = 50

// A ScriptError says that a program which came with the tree failed: a
// maintainer script, a postprocess script, or one of the tools that finish a
// tree.
type ScriptError struct {
	// Package is the package whose script it is, without architecture. It is
	// empty for what no package asked for.
	Package string

	// Phase is preinst, postinst, prerm, postrm or trigger for maintainer
	// scripts; unpack for a package whose files took too long to arrive;
	// otherwise preseed, units, postprocess or initramfs.
	Phase string

	// Name tells several programs of one phase apart, for example postprocess
	// scripts. It may be empty.
	Name string

	// Code is the exit status, 128+n for signal n.
	Code int

	// Signal is the signal that ended the script, zero if none did.
	Signal syscall.Signal

	// Timeout is the time limit that the script exceeded, zero if it did not.
	Timeout time.Duration

	// Log are the last lines it wrote, at most 50.
	Log []string

	// LogPath is the file with everything it wrote; empty without
	// Input.LogDir.
	LogPath string

	// Err is the error of the program that ran the script.
	Err error
}

// Error is one line without the log, which callers print as they see fit.
func (e *ScriptError) Error() string {
	what := e.Phase
	if e.Name != "" {
		what += " " + e.Name
	}
	if e.Package != "" {
		what = "package " + e.Package + ": " + what
	}
	switch {
	case e.Timeout != 0:
		return fmt.Sprintf("%s: did not finish within %s and was killed%s", what, e.Timeout, e.where())
	case e.Signal != 0:
		return fmt.Sprintf("%s: killed by signal %d (%s)%s", what, int(e.Signal), e.Signal, e.where())
	}
	return fmt.Sprintf("%s: exit status %d%s", what, e.Code, e.where())
}

func (e *ScriptError) where() string {
	if e.LogPath == "" {
		return ""
	}
	return " (log: " + e.LogPath + ")"
}

// Unwrap returns the underlying error, and ENOSPC if the script's output says
// that the disk is full.
func (e *ScriptError) Unwrap() []error { return causes(e.Err, e.Log) }

// A PackageError says that dpkg itself refused or could not go on: two packages
// ship the same file, a dependency is missing, the disk is full.
type PackageError struct {
	// Package is the package dpkg was at, without architecture; it may be empty.
	Package string

	// Action is what dpkg was doing: unpack, configure, trigger, purge, or
	// audit when the verification afterwards found something.
	Action string

	// Message is dpkg's reason.
	Message string

	// Log are the last lines of output, at most 50.
	Log []string

	// LogPath is the file with the whole output; empty without Input.LogDir.
	LogPath string

	// Err is the error of running dpkg, if there is one.
	Err error
}

// Error is one line without the log.
func (e *PackageError) Error() string {
	text := e.Action
	if e.Package != "" {
		text += " package " + e.Package
	}
	text += ": " + strings.ReplaceAll(strings.TrimSpace(e.Message), "\n", "; ")
	if e.LogPath != "" {
		text += " (log: " + e.LogPath + ")"
	}
	return text
}

// Unwrap returns the underlying error, and ENOSPC if dpkg says that the disk is
// full.
func (e *PackageError) Unwrap() []error {
	return causes(e.Err, append([]string{e.Message}, e.Log...))
}

// causes adds the reason that a program in the cage could only tell in words.
func causes(err error, output []string) []error {
	var errs []error
	if err != nil {
		errs = append(errs, err)
	}
	for _, line := range output {
		if strings.Contains(line, "No space left on device") {
			return append(errs, syscall.ENOSPC)
		}
	}
	return errs
}

// A VerifyError says that every program succeeded and the tree is wrong all the
// same.
type VerifyError struct {
	// Problems are sentences, sorted.
	Problems []string
}

// Error lists the problems, one a line if there are several.
func (e *VerifyError) Error() string {
	if len(e.Problems) == 1 {
		return "verify the tree: " + e.Problems[0]
	}
	return fmt.Sprintf("verify the tree: %d problems:\n  %s", len(e.Problems), strings.Join(e.Problems, "\n  "))
}
