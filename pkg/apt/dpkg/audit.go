package dpkg

import (
	"fmt"
	"strings"
)

// Problem is something that a finished installation must not have.
type Problem struct {
	// Package is "name:architecture".
	Package string
	// Text says what is wrong.
	Text string
}

// String returns the package and what is wrong.
func (p Problem) String() string { return p.Package + " " + p.Text }

// AuditError lists the problems of a database.
type AuditError struct{ Problems []Problem }

// Error implements error, with a line for each problem if there are several.
func (e *AuditError) Error() string {
	if len(e.Problems) == 1 {
		return e.Problems[0].String()
	}
	var b strings.Builder
	b.WriteString("packages are not completely installed:")
	for _, p := range e.Problems {
		b.WriteString("\n  " + p.String())
	}
	return b.String()
}

// Audit verifies that every package is completely installed: state installed, selected for it, no
// trigger pending or awaited, no conffile still to be put in place. What is not installed and left
// nothing behind is no problem. It returns an [*AuditError].
func Audit(entries []Entry) error {
	var problems []Problem
	for _, e := range entries {
		if text := e.problem(); text != "" {
			problems = append(problems, Problem{Package: strings.TrimSuffix(e.Name+":"+e.Architecture, ":"), Text: text})
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return &AuditError{Problems: problems}
}

// problem says what is wrong with an entry, "" if nothing is.
func (e Entry) problem() string {
	if e.State == "not-installed" && e.Flag == "ok" {
		return ""
	}
	switch {
	case e.Flag != "ok":
		return fmt.Sprintf("is broken (%s), it has to be installed again", e.Flag)
	case e.State == "config-files":
		return "is removed but left its configuration behind"
	case len(e.TriggersPending) > 0:
		return "has pending triggers: " + strings.Join(e.TriggersPending, " ")
	case len(e.TriggersAwaited) > 0:
		return "waits for the triggers of " + strings.Join(e.TriggersAwaited, " ")
	case e.State != "installed":
		return "is " + e.State
	case e.Want != "install" && e.Want != "hold":
		return "is installed but selected for " + e.Want
	}
	for _, c := range e.Conffiles {
		if c.Hash == "newconffile" && !c.Remove { // one that an upgrade removes is never put in place
			return "has the conffile " + c.Path + " that was not put in place"
		}
	}
	return ""
}
