package solve

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

// Check verifies that a set of installed packages keeps every rule: all dependencies are met, no two
// packages exclude each other, each is there once, Multi-Arch is respected, and what the request
// demands is done. It shares no code with the search, and returns every violation it finds.
func Check(resulting []*apt.Package, req Request) error {
	c := checker{req: req, named: map[string][]*apt.Package{}, provided: map[string][]*apt.Package{}}
	for _, p := range resulting {
		c.named[p.Name] = append(c.named[p.Name], p)
		for _, r := range p.Provides {
			c.provided[r.Name] = append(c.provided[r.Name], p)
		}
	}
	for _, p := range resulting {
		c.checkArchitecture(p)
		c.checkSiblings(p)
		c.checkDependencies(p)
		c.checkConflicts(p)
	}
	c.checkRequest(resulting)
	return errors.Join(c.problems...)
}

// checker collects violations.
type checker struct {
	req             Request
	named, provided map[string][]*apt.Package
	problems        []error
}

// fail records a violation.
func (c *checker) fail(format string, args ...any) {
	c.problems = append(c.problems, fmt.Errorf(format, args...))
}

// arch returns the architecture that a package counts as.
func (c *checker) arch(p *apt.Package) string {
	if p.Architecture == "all" {
		return c.req.Architecture
	}
	return p.Architecture
}

// checkArchitecture verifies that the architecture is enabled, or was in use before.
func (c *checker) checkArchitecture(p *apt.Package) {
	arch := c.arch(p)
	if arch == c.req.Architecture || slices.Contains(c.req.ForeignArchitectures, arch) {
		return
	}
	if slices.ContainsFunc(c.req.Installed, func(o *apt.Package) bool { return o.Architecture == arch }) {
		return
	}
	c.fail("%s: architecture is not enabled", p)
}

// checkSiblings verifies what else of the same name is there.
func (c *checker) checkSiblings(p *apt.Package) {
	for _, o := range c.named[p.Name] {
		if o == p {
			continue
		}
		same := p.MultiArch == "same" && o.MultiArch == "same" && version.Compare(p.Version, o.Version) == 0
		if c.arch(o) == c.arch(p) || !same {
			c.fail("%s and %s cannot be installed together", p, o)
		}
	}
}

// checkDependencies verifies Pre-Depends and Depends.
func (c *checker) checkDependencies(p *apt.Package) {
	for _, g := range slices.Concat(p.PreDepends, p.Depends) {
		if !slices.ContainsFunc(g, func(r relation.Relation) bool { return c.met(p, r) }) {
			c.fail("%s depends on %s", p, g)
		}
	}
}

// met reports whether one of the packages meets a dependency of p.
func (c *checker) met(p *apt.Package, r relation.Relation) bool {
	for _, o := range c.named[r.Name] {
		if c.inReach(p, o, r.ArchQual) && (r.Op == relation.Any || r.Op.Holds(o.Version, r.Version)) {
			return true
		}
	}
	for _, o := range c.provided[r.Name] {
		for _, provided := range o.Provides {
			if provided.Name == r.Name && c.inReach(p, o, r.ArchQual) &&
				(r.Op == relation.Any || provided.Op == relation.Equal && r.Op.Holds(provided.Version, r.Version)) {
				return true
			}
		}
	}
	return false
}

// inReach applies the Multi-Arch rules to a dependency of p on o.
func (c *checker) inReach(p, o *apt.Package, qualifier string) bool {
	switch {
	case qualifier == "any":
		return o.MultiArch == "allowed"
	case qualifier == "native":
		return c.arch(o) == c.req.Architecture
	case qualifier == "all":
		return c.arch(o) == c.req.Architecture
	case qualifier != "":
		return c.arch(o) == qualifier
	}
	return c.arch(o) == c.arch(p) || o.MultiArch == "foreign"
}

// checkConflicts verifies Conflicts and Breaks.
func (c *checker) checkConflicts(p *apt.Package) {
	for _, r := range slices.Concat(slices.Concat(p.Conflicts...), slices.Concat(p.Breaks...)) {
		if r.ArchQual == "any" {
			r.ArchQual = ""
		}
		for _, o := range c.named[r.Name] {
			if o != p && c.hit(o, r.ArchQual) && (r.Op == relation.Any || r.Op.Holds(o.Version, r.Version)) {
				c.fail("%s excludes %s", p, o)
			}
		}
		for _, o := range c.provided[r.Name] {
			for _, provided := range o.Provides {
				if o.Name != p.Name && provided.Name == r.Name && c.hit(o, r.ArchQual) &&
					(r.Op == relation.Any || provided.Op == relation.Equal && r.Op.Holds(provided.Version, r.Version)) {
					c.fail("%s excludes %s, which provides %s", p, o, r.Name)
				}
			}
		}
	}
}

// hit applies an architecture qualifier of a negative relation.
func (c *checker) hit(o *apt.Package, qualifier string) bool {
	switch qualifier {
	case "":
		return true
	case "native", "all":
		return c.arch(o) == c.req.Architecture
	}
	return c.arch(o) == qualifier
}

// checkRequest verifies what the request demands.
func (c *checker) checkRequest(resulting []*apt.Package) {
	have := map[*apt.Package]bool{}
	for _, p := range resulting {
		have[p] = true
	}
	for _, p := range c.req.Installed {
		if c.listed(c.req.Remove, p) {
			if slices.ContainsFunc(c.named[p.Name], func(o *apt.Package) bool { return c.arch(o) == c.arch(p) }) {
				c.fail("%s is still there", p)
			}
		} else if (c.req.Lock && !c.listed(c.req.Unlock, p) || c.listed(c.req.Hold, p)) && !have[p] || (p.Essential || c.req.NoRemove) && len(c.named[p.Name]) == 0 {
			c.fail("%s is not there any more", p)
		}
		have[p] = false
	}
	for p, fresh := range have {
		if fresh && c.listed(c.req.Exclude, p) {
			c.fail("%s is excluded", p)
		}
	}
	for _, text := range c.req.Install {
		name, _, _ := strings.Cut(text, "=")
		name, _, _ = strings.Cut(name, "/")
		name, _, _ = strings.Cut(name, ":")
		if name = strings.ToLower(name); len(c.named[name])+len(c.provided[name]) == 0 {
			c.fail("%s is not there", text)
		}
	}
	for _, l := range c.req.Local {
		if !slices.ContainsFunc(c.named[l.Name], func(o *apt.Package) bool {
			return o.Architecture == l.Architecture && version.Compare(o.Version, l.Version) == 0
		}) {
			c.fail("%s is not there", l)
		}
	}
}

// listed reports whether a list of names, perhaps with architectures, has the package.
func (c *checker) listed(list []string, p *apt.Package) bool {
	return slices.ContainsFunc(list, func(text string) bool {
		name, arch, _ := strings.Cut(text, ":")
		return strings.ToLower(name) == p.Name && (arch == "" || arch == p.Architecture || p.Architecture == "all" && arch == c.req.Architecture)
	})
}
