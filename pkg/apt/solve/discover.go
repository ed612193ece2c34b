package solve

import (
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// field says which statement a clause comes from.
type field int8

const (
	learned field = iota
	dependsField
	preDependsField
	recommendsField
	conflictsField
	breaksField
	// versionField: a package may not be installed in two versions.
	versionField
	// multiArchField: what may not be installed in two architectures at once.
	multiArchField
	installField   // the request wants a package
	essentialField // an Essential package has to be there
	lockField      // an installed package may not change
	holdField      // an installed package is held
	keepField      // an installed package should stay
	removeField    // the request wants a package to go
)

// cause is why a clause holds.
type cause struct {
	field field
	from  id             // who states it, the root for the request
	group relation.Group // the relation, if it is one
	text  string         // the request
}

// discover adds the clauses of a package.
func (s *search) discover(v id) *clause {
	var conflict *clause
	note := func(c *clause) {
		if conflict == nil {
			conflict = c
		}
	}
	pkg := s.at(v).pkg
	if pkg == nil {
		return nil // a wish to keep something
	}
	for _, g := range pkg.PreDepends {
		note(s.require(cause{field: preDependsField, from: v, group: g}))
	}
	for _, g := range pkg.Depends {
		note(s.require(cause{field: dependsField, from: v, group: g}))
	}
	for _, g := range pkg.Conflicts {
		note(s.oppose(cause{field: conflictsField, from: v, group: g}))
	}
	for _, g := range pkg.Breaks {
		note(s.oppose(cause{field: breaksField, from: v, group: g}))
	}
	note(s.alone(v))
	if s.req.Recommends {
		for _, g := range pkg.Recommends {
			s.recommend(cause{field: recommendsField, from: v, group: g})
		}
	}
	return conflict
}

// require adds a dependency.
func (s *search) require(c cause) *clause {
	solutions := s.solutions(c.group, c.from)
	if slices.Contains(solutions, c.from) {
		return nil
	}
	return s.needOne(c, required, solutions)
}

// needOne adds a clause: if the package is in, so is one of the solutions.
func (s *search) needOne(c cause, r rank, solutions []id) *clause {
	literals := make([]literal, 1, 1+len(solutions))
	literals[0] = out(c.from)
	for _, v := range solutions {
		literals = append(literals, in(v))
	}
	s.need(c, r, solutions)
	return s.add(&clause{literals: literals, cause: c})
}

// need adds a dependency that the package brings to the queue.
func (s *search) need(c cause, r rank, solutions []id) {
	s.grow()
	s.needCount++
	n := &need{of: c.from, solutions: solutions, rank: r, sequence: s.needCount, cause: c}
	s.needs[c.from] = append(s.needs[c.from], n)
}

// oppose adds a conflict with every package of a relation.
func (s *search) oppose(c cause) *clause {
	var conflict *clause
	for _, r := range c.group {
		for _, v := range s.opponents(r, c.from) {
			if failed := s.exclude(c, v); conflict == nil {
				conflict = failed
			}
		}
	}
	return conflict
}

// exclude adds a clause: if the package of the cause is in, v is not.
func (s *search) exclude(c cause, v id) *clause {
	return s.add(&clause{literals: []literal{out(c.from), out(v)}, cause: c})
}

// alone excludes the versions of the same name that may not be installed beside v.
func (s *search) alone(v id) *clause {
	var conflict *clause
	for _, other := range s.versions(s.at(v).pkg.Name) {
		if other == v || !s.at(other).allowed || coinstallable(s.at(v), s.at(other)) {
			continue
		}
		c := cause{field: versionField, from: v}
		if s.at(v).arch != s.at(other).arch {
			c.field = multiArchField
		}
		if failed := s.exclude(c, other); conflict == nil {
			conflict = failed
		}
	}
	return conflict
}

// recommend adds a recommendation if it is to be followed: versions that are a last resort are not
// worth it, and what was not there before an upgrade need not come with it.
func (s *search) recommend(c cause) {
	solutions := slices.DeleteFunc(s.solutions(c.group, c.from), func(v id) bool { return s.standing(v) == lastResort })
	if len(solutions) == 0 || slices.Contains(solutions, c.from) || !s.followed(c) {
		return
	}
	s.need(c, recommended, solutions)
}

// followed reports whether a recommendation counts: those of new packages, new ones of upgraded
// packages, and those that were met before.
func (s *search) followed(c cause) bool {
	x := s.at(c.from)
	if !x.installed && !x.upgrades {
		return true
	}
	for _, r := range c.group {
		if slices.ContainsFunc(s.matching(r, c.from), func(v id) bool { return s.at(v).installed }) {
			return true
		}
	}
	if x.installed {
		return false
	}
	old := s.installedVersion(x)
	return !slices.ContainsFunc(old.Recommends, func(g relation.Group) bool { return slices.Equal(g, c.group) })
}

// installedVersion returns the installed version of a package that is to be upgraded.
func (p *pool) installedVersion(x *variable) *apt.Package {
	for _, v := range p.versions(x.pkg.Name) {
		if other := p.at(v); other.installed && other.arch == x.arch {
			return other.pkg
		}
	}
	return x.pkg
}
