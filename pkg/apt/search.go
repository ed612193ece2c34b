package apt

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// Match is a package that a search found.
type Match struct {
	Package *Package
	// Name and Summary say where the terms occur: all of them in the name, or in the summary.
	Name    bool
	Summary bool
}

// Search returns the packages in whose name or summary every term occurs, without regard to case:
// those that are called like a term first, the others sorted by name. A term with one of "*?[" is a
// pattern for the whole name or summary, see [path.Match]. Of each name only one package is
// searched: the newest one, that of the first source. No terms find nothing.
func (u *Universe) Search(terms ...string) []Match {
	lower := make([]string, len(terms))
	for i, t := range terms {
		lower[i] = strings.ToLower(t)
	}
	if len(lower) == 0 {
		return nil
	}
	var exact, others []Match
	for _, m := range u.store.search(lower) {
		if slices.Contains(lower, m.Package.Name) {
			exact = append(exact, m)
		} else {
			others = append(others, m)
		}
	}
	return append(exact, others...)
}

// query is what a search looks for.
type query []term

// term is text to find, or a pattern.
type term struct {
	text    []byte
	pattern string
}

func newQuery(lower []string) query {
	q := make(query, len(lower))
	for i, t := range lower {
		q[i].text = []byte(t)
		if strings.ContainsAny(t, "*?[") {
			// A slash is a character like others.
			q[i].pattern = strings.ReplaceAll(t, "/", "\x00")
		}
	}
	return q
}

// match reports where all terms occur. Some in the one and some in the other count as both.
func (q query) match(name, summary []byte) (inName, inSummary bool) {
	inName, inSummary = true, true
	for _, t := range q {
		n, s := t.occurs(name), t.occurs(summary)
		if !n && !s {
			return false, false
		}
		inName, inSummary = inName && n, inSummary && s
	}
	return inName || !inSummary, inSummary || !inName
}

func (t term) occurs(text []byte) bool {
	if t.pattern == "" {
		return bytes.Contains(text, t.text)
	}
	ok, err := path.Match(t.pattern, strings.ReplaceAll(string(text), "/", "\x00"))
	return ok && err == nil
}
