package cli

import (
	"fmt"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// printPlan prints what a change comes to, in the words that scripts know from rpm-ostree.
func (a *app) printPlan(p *txn.Plan) {
	if p.Return != "" {
		a.printf("Moving '%s' to be first deployment\n", p.Return)
		return
	}
	for _, name := range p.Dropped {
		a.printf("Dropping deployment %s\n", name)
	}
	if len(p.Inactive) > 0 {
		a.printf("Inactive requests:\n")
		for _, request := range slices.Sorted(maps.Keys(p.Inactive)) {
			a.printf("  %s (already provided by %s)\n", request, p.Inactive[request])
		}
	}
	if len(p.InactiveRemovals) > 0 {
		a.printf("Inactive base removals:\n")
		for _, name := range p.InactiveRemovals {
			a.printf("  %s\n", name)
		}
	}
	if len(p.InactiveReplacements) > 0 {
		a.printf("Inactive base replacements:\n")
		for _, name := range p.InactiveReplacements {
			a.printf("  %s\n", name)
		}
	}
	for _, text := range p.Warnings {
		fmt.Fprintf(a.Err, "warning: %s\n", text)
	}
	if p.Unchanged {
		return
	}
	if len(p.Replaced) > 0 {
		a.printf("Replacing %d %s:\n", len(p.Replaced), plural(len(p.Replaced), "package"))
		for _, r := range p.Replaced {
			a.printf("  %s %s -> %s\n", r.To.Name, r.From.Version, r.To.Version)
		}
	}
	if len(p.Removed) > 0 {
		a.printf("Removing %d %s:\n", len(p.Removed), plural(len(p.Removed), "package"))
		for _, pkg := range p.Removed {
			a.printf("  %s_%s_%s\n", pkg.Name, pkg.Version, pkg.Architecture)
		}
	}
	a.printInstalling(p)
}

// printInstalling lists what is layered, and what it costs to fetch everything.
func (a *app) printInstalling(p *txn.Plan) {
	if len(p.Packages) > 0 {
		a.printf("Installing %d %s:\n", len(p.Packages), plural(len(p.Packages), "package"))
		for _, pkg := range p.Packages {
			a.printf("  %s_%s_%s", pkg.Name, pkg.Version, pkg.Architecture)
			if pkg.Suite != "" {
				a.printf(" (%s)", pkg.Suite)
			}
			a.printf("\n")
		}
	}
	if p.DownloadSize > 0 {
		a.printf("Will download: %s\n", size(p.DownloadSize))
	}
}

// printChanges prints a package difference in sections.
func (a *app) printChanges(d dpkg.Changes) {
	for _, section := range diffSections(d) {
		a.printf("%s:\n", section.title)
		for _, line := range section.lines {
			a.printf("  %s\n", line)
		}
	}
}

// full names a package version in one word, as pools name files.
func full(p *apt.Package) string {
	return p.Name + "_" + p.Version.String() + "_" + p.Architecture
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}
