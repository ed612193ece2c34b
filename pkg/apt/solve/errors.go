package solve

import (
	"slices"
	"strings"
)

// Missing is a request for something that does not exist.
type Missing struct {
	// Request is the text of the request.
	Request string
	// Problem says what is wrong with it.
	Problem string
	// Near are requests that look like it and could be met, the nearest first.
	Near []string
}

// String returns a line of text.
func (m Missing) String() string {
	s := m.Request + ": " + m.Problem
	if len(m.Near) > 0 {
		s += "; did you mean " + strings.Join(m.Near, ", ") + "?"
	}
	return s
}

// NotFoundError lists every request that names something that does not exist.
type NotFoundError struct{ Missing []Missing }

// Error implements error, with a line for each request if there are several.
func (e *NotFoundError) Error() string {
	if len(e.Missing) == 1 {
		return e.Missing[0].String()
	}
	var b strings.Builder
	b.WriteString("packages not found:")
	for _, m := range e.Missing {
		b.WriteString("\n  " + m.String())
	}
	return b.String()
}

// UnsatisfiableError says why a request has no solution.
type UnsatisfiableError struct {
	// Because leads from the request to what prevents it. Reasons of greater depth say why an
	// alternative in the line before them fails.
	Because []Reason
}

// Error implements error: a summary, and a line for each reason.
func (e *UnsatisfiableError) Error() string {
	return e.Summary() + format(e.Because)
}

// Summary returns the first line of the error: what cannot be done, and the culprit.
func (e *UnsatisfiableError) Summary() string {
	var install, remove []string
	for _, r := range e.Because {
		switch {
		case r.Kind == Requested && !slices.Contains(install, r.Request):
			install = append(install, r.Request)
		case r.Kind == Removed && !slices.Contains(remove, r.Request):
			remove = append(remove, r.Request)
		}
	}
	var what []string
	if len(install) > 0 {
		what = append(what, "install "+list(install))
	}
	if len(remove) > 0 {
		what = append(what, "remove "+list(remove))
	}
	if len(what) == 0 {
		what = append(what, "keep the installed packages")
	}
	return "cannot " + strings.Join(what, " and ") + e.culprit()
}

// culprit names the first reason that leads nowhere.
func (e *UnsatisfiableError) culprit() string {
	for _, r := range e.Because {
		switch r.Kind {
		case WrongVersion, NotCandidate, Pinned, Excluded:
			return ": " + r.Relation.String() + " is not available"
		case Conflicts, Breaks, Version, MultiArch, Locked, Held, Essential, NoPackage:
			return ": " + r.String()
		case Requested, Removed, Kept, Depends, PreDepends, Recommends, Tried, Omitted:
		}
	}
	return ""
}

// list joins words as in a sentence.
func list(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}
