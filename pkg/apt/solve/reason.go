package solve

import (
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// Kind says what a [Reason] states.
type Kind string

// The kinds of reasons.
const (
	// Requested: Request asks for Other.
	Requested Kind = "requested"
	// Locked: Other is installed and may not change.
	Locked Kind = "locked"
	// Held: Other is installed and held.
	Held Kind = "held"
	// Kept: Other is installed and stays.
	Kept Kind = "kept"
	// Essential: Other is Essential or Protected.
	Essential Kind = "essential"
	// Removed: Request asks for Other to go.
	Removed Kind = "removed"
	// Depends, PreDepends and Recommends: Package needs Relation, which Other meets if it is set.
	Depends    Kind = "depends"
	PreDepends Kind = "pre-depends"
	Recommends Kind = "recommends"
	// Conflicts and Breaks: Package excludes Other by Relation.
	Conflicts Kind = "conflicts"
	Breaks    Kind = "breaks"
	// Version: Package and Other are versions of one package.
	Version Kind = "version"
	// MultiArch: Package and Other are the same package for two architectures, and cannot be
	// installed together.
	MultiArch Kind = "multi-arch"
	// Tried: Other, an alternative, is assumed to be installed for the reasons that follow.
	Tried Kind = "tried"
	// NoPackage: no package has the name that Relation asks for.
	NoPackage Kind = "no-package"
	// WrongVersion: Other exists but does not meet Relation.
	WrongVersion Kind = "wrong-version"
	// NotCandidate: Other meets Relation but is not the version that the priorities choose.
	NotCandidate Kind = "not-candidate"
	// Pinned: Other meets Relation but its priority, 0 or less, keeps it out.
	Pinned Kind = "pinned"
	// Excluded: Other meets Relation but the request excludes it.
	Excluded Kind = "excluded"
	// Omitted: the explanation is too long, the rest is left out.
	Omitted Kind = "omitted"
)

// Reason is one step of an explanation. Its String is a line of text.
type Reason struct {
	Kind Kind
	// Request is the text of the request, for Requested and Removed.
	Request string
	// Package is who states it, nil for a request.
	Package *apt.Package
	// Relation is what it states.
	Relation relation.Group
	// Other is the package that it leads to, or that is the culprit.
	Other *apt.Package
	// Depth is 0 for the way from the request to the culprit, and more for why an alternative fails.
	Depth int

	native string // the architecture that goes without saying
}

// String returns the reason as a line of text without indentation.
func (r Reason) String() string {
	other := r.describe(r.Other)
	switch r.Kind {
	case Requested:
		if r.Other == nil || slices.Contains([]string{r.Other.Name, r.Other.Key().String(), r.Other.String()}, r.Request) {
			return r.Request + " is requested"
		}
		return fmt.Sprintf("%s is requested, which is %s", r.Request, other)
	case Removed:
		return r.Request + " is to be removed"
	case Locked:
		return other + " is installed and may not change"
	case Held:
		return other + " is held"
	case Kept:
		return other + " is installed"
	case Essential:
		return other + " is essential"
	case Tried:
		return "with " + other + ":"
	case Depends, PreDepends, Recommends:
		return fmt.Sprintf("%s %s %s", r.describe(r.Package), r.verb(), r.Relation)
	case Conflicts, Breaks, Version, MultiArch:
		return r.conflict()
	case NoPackage:
		return r.Relation.String() + " is not available from any source"
	case WrongVersion:
		return other + " " + r.mismatch()
	case NotCandidate:
		return other + " would do, but it is not the candidate"
	case Pinned:
		return other + " would do, but a pin in the preferences keeps it out"
	case Excluded:
		return other + " is excluded"
	case Omitted:
		return "…"
	}
	return string(r.Kind)
}

// verb returns the relation in words.
func (r Reason) verb() string {
	switch r.Kind {
	case Depends:
		return "depends on"
	case PreDepends:
		return "pre-depends on"
	case Recommends:
		return "recommends"
	case Conflicts:
		return "conflicts with"
	}
	return string(r.Kind)
}

// conflict says what excludes what, and how the name of the relation stands for the other package.
func (r Reason) conflict() string {
	a, b := r.describe(r.Package), r.describe(r.Other)
	switch {
	case r.Kind == Version:
		return fmt.Sprintf("%s and %s are versions of one package", a, b)
	case r.Kind == MultiArch && r.Package.MultiArch == "same" && r.Other.MultiArch == "same":
		return fmt.Sprintf("%s and %s are not of the same version, as Multi-Arch: same needs it", a, b)
	case r.Kind == MultiArch:
		return fmt.Sprintf("%s and %s are not made to be installed together", a, b)
	}
	s := fmt.Sprintf("%s %s %s", a, r.verb(), r.Relation)
	for _, rel := range r.Relation {
		if rel.Name == r.Other.Name {
			return s
		}
	}
	return s + ", which " + b + " provides"
}

// mismatch says why a package of the right name does not meet the relation.
func (r Reason) mismatch() string {
	for _, rel := range r.Relation {
		if !meets(r.Other, rel) {
			continue
		}
		if rel.ArchQual == "any" {
			return "is available, but is not Multi-Arch: allowed"
		}
		return "is available, but for architecture " + r.Other.Architecture + " only"
	}
	return "is available, but not " + r.Relation.String()
}

// describe names a package with version and where it is from.
func (r Reason) describe(p *apt.Package) string {
	if p == nil {
		return "the request"
	}
	s := p.Name
	if p.Architecture != "all" && p.Architecture != r.native {
		s = p.Key().String()
	}
	s += " " + p.Version.String()
	switch {
	case p.Origin != nil:
		s += " (" + p.Origin.String() + ")"
	case p.Path != "":
		s += " (" + p.Path + ")"
	}
	return s
}

// format writes reasons as indented lines.
func format(reasons []Reason) string {
	var b strings.Builder
	for _, r := range reasons {
		b.WriteString("\n" + strings.Repeat("  ", r.Depth+1) + r.String())
	}
	return b.String()
}
