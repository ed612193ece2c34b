package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
)

// diffSummary counts: "1 upgraded, 2 added". It is "" when there is no difference.
func diffSummary(d dpkg.Changes) string {
	var parts []string
	for _, section := range diffSections(d) {
		parts = append(parts, fmt.Sprintf("%d %s", len(section.lines), strings.ToLower(section.title)))
	}
	return strings.Join(parts, ", ")
}

// diffSection is one kind of difference, a line for each package.
type diffSection struct {
	title string
	lines []string
}

// text puts the lines below each other, those after the first indented.
func (s diffSection) text(indent int) string {
	return strings.Join(s.lines, "\n"+strings.Repeat(" ", indent))
}

// diffSections are the kinds of difference that there are, in rpm-ostree's order.
func diffSections(d dpkg.Changes) []diffSection {
	changed := func(list []dpkg.Change) []string {
		var lines []string
		for _, c := range list {
			lines = append(lines, fmt.Sprintf("%s %s -> %s", c.To.Name, c.From.Version, c.To.Version))
		}
		return lines
	}
	single := func(list []*apt.Package) []string {
		var lines []string
		for _, p := range list {
			lines = append(lines, full(p))
		}
		return lines
	}
	sections := []diffSection{
		{"Upgraded", changed(d.Upgraded)}, {"Downgraded", changed(d.Downgraded)},
		{"Removed", single(d.Removed)}, {"Added", single(d.Added)},
	}
	return slices.DeleteFunc(sections, func(s diffSection) bool { return len(s.lines) == 0 })
}

// printDiffLines prints the form in which "!" and "=" stand for the old and the new version of a
// package that stays, "-" and "+" for one that goes or comes.
func (a *app) printDiffLines(d dpkg.Changes) {
	for _, c := range append(slices.Clone(d.Upgraded), d.Downgraded...) {
		a.printf("!%s\n=%s\n", full(c.From), full(c.To))
	}
	for _, p := range d.Removed {
		a.printf("-%s\n", full(p))
	}
	for _, p := range d.Added {
		a.printf("+%s\n", full(p))
	}
}
