package apt

import (
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
	var exact, found []Match
	for _, name := range u.names {
		m := match(u.packages[u.spans[name].from], lower)
		switch {
		case !m.Name && !m.Summary:
		case slices.Contains(lower, name):
			exact = append(exact, m)
		default:
			found = append(found, m)
		}
	}
	return append(exact, found...)
}

func match(p *Package, terms []string) Match {
	m := Match{Package: p, Name: true, Summary: true}
	summary := strings.ToLower(p.Summary)
	anywhere := true
	for _, t := range terms {
		inName, inSummary := occurs(t, p.Name), occurs(t, summary)
		m.Name = m.Name && inName
		m.Summary = m.Summary && inSummary
		anywhere = anywhere && (inName || inSummary)
	}
	// Some terms in the one and some in the other count as both.
	if anywhere && !m.Name && !m.Summary {
		m.Name, m.Summary = true, true
	}
	return m
}

func occurs(term, text string) bool {
	if !strings.ContainsAny(term, "*?[") {
		return strings.Contains(text, term)
	}
	// A slash in a summary is a character like others.
	ok, err := path.Match(strings.ReplaceAll(term, "/", "\x00"), strings.ReplaceAll(text, "/", "\x00"))
	return ok && err == nil
}
