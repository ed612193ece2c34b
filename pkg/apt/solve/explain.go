package solve

import (
	"cmp"
	"maps"
	"slices"

	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

const (
	// maxReasons bounds the length of an explanation.
	maxReasons = 60
	// maxTried bounds how often an alternative is tried, maxDepth how deep within others.
	maxTried = 40
	maxDepth = 8
	// maxCulprits bounds how many versions that do not fit are listed for one relation.
	maxCulprits = 3
)

// explain turns the clause that failed without any decision into an error. The clauses it follows
// from are few; they are solved again, so that the explanation does not depend on what the search
// happened to try.
func (s *search) explain(conflict *clause) error {
	e := &explainer{
		search: s, core: core(s, conflict), value: map[id]int8{root: 1}, reason: map[id]*clause{},
		told: map[*clause]bool{}, denied: map[id]bool{}, tried: new(int),
	}
	reasons := e.refute(0)
	if len(reasons) > maxReasons {
		reasons = append(reasons[:maxReasons], Reason{Kind: Omitted})
	}
	return &UnsatisfiableError{Because: reasons}
}

// core returns the clauses, none of them learned, that a failed clause follows from.
func core(s *search, conflict *clause) []*clause {
	seen := map[*clause]bool{}
	var found []*clause
	for todo := []*clause{conflict}; len(todo) > 0; {
		c := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if c == nil || seen[c] {
			continue
		}
		seen[c] = true
		todo = append(todo, c.from...)
		if c.cause.field != learned {
			found = append(found, c)
		}
		for _, l := range c.literals {
			if x := s.state[l.of()]; x.level == 0 {
				todo = append(todo, x.reason)
			}
		}
	}
	slices.SortFunc(found, func(a, b *clause) int { return cmp.Compare(a.sequence, b.sequence) })
	return found
}

// explainer solves the core again and tells what happens.
type explainer struct {
	*search
	core   []*clause
	value  map[id]int8
	reason map[id]*clause
	told   map[*clause]bool // clauses that were told
	denied map[id]bool      // packages of which was told why they are out
	tried  *int             // how often an alternative was tried
}

// holds is search.value for the explainer's own assignment.
func (e *explainer) holds(l literal) int8 {
	v := e.value[l.of()]
	if l&1 != 0 {
		return -v
	}
	return v
}

// refute tells why the core cannot be met with the present assignment.
func (e *explainer) refute(depth int) []Reason {
	if failed := e.propagateCore(); failed != nil {
		return e.failure(failed, depth)
	}
	c := e.choice()
	if c == nil || depth >= maxDepth || *e.tried >= maxTried {
		return []Reason{{Kind: Omitted, Depth: depth}}
	}
	reasons := append(e.why(c.cause.from, depth), e.tell(c, root, depth)...)
	for _, v := range e.solutionsOf(c) {
		if e.value[v] < 0 {
			reasons = append(reasons, e.deny(v, depth+1)...)
			continue
		}
		reasons = append(reasons, Reason{Kind: Tried, Other: e.at(v).pkg, Depth: depth + 1, native: e.archs[0]})
		saved := *e
		*e.tried++
		e.value, e.reason = maps.Clone(e.value), maps.Clone(e.reason)
		e.told, e.denied = maps.Clone(e.told), maps.Clone(e.denied)
		e.value[v] = 1
		reasons = append(reasons, e.refute(depth+2)...)
		*e = saved
	}
	return reasons
}

// propagateCore assigns what follows. It returns a clause that fails, if one does.
func (e *explainer) propagateCore() *clause {
	for changed := true; changed; {
		changed = false
		for _, c := range e.core {
			open, l := 0, literal(0)
			for _, x := range c.literals {
				switch e.holds(x) {
				case 1:
					open = 2
				case 0:
					open++
					l = x
				}
			}
			switch open {
			case 0:
				return c
			case 1:
				e.reason[l.of()], changed = c, true
				e.value[l.of()] = 1 - 2*int8(l&1)
			}
		}
	}
	return nil
}

// choice returns the unmet dependency with the fewest alternatives left.
func (e *explainer) choice() *clause {
	var best *clause
	fewest := 0
	for _, c := range e.core {
		open := 0
		for _, l := range c.literals {
			if e.holds(l) > 0 {
				open = 0
				break
			}
			if e.holds(l) == 0 {
				open++
			}
		}
		if open > 0 && e.value[c.cause.from] > 0 && (best == nil || open < fewest) {
			best, fewest = c, open
		}
	}
	return best
}

// solutionsOf returns the packages that would meet a clause.
func (e *explainer) solutionsOf(c *clause) []id {
	for _, n := range e.needs[c.cause.from] {
		if n.cause.field == c.cause.field && n.cause.text == c.cause.text && slices.Equal(n.cause.group, c.cause.group) {
			return n.solutions
		}
	}
	return nil
}

// failure tells why a clause fails.
func (e *explainer) failure(c *clause, depth int) []Reason {
	if negative(c) {
		return e.clash(c, depth)
	}
	reasons := append(e.why(c.cause.from, depth), e.tell(c, root, depth)...)
	return append(reasons, e.unmet(c, depth)...)
}

// clash tells why two packages are in that exclude each other.
func (e *explainer) clash(c *clause, depth int) []Reason {
	var reasons []Reason
	for _, l := range c.literals {
		reasons = append(reasons, e.why(l.of(), depth)...)
	}
	return append(reasons, e.tell(c, root, depth)...)
}

// unmet tells why every solution of a clause is out.
func (e *explainer) unmet(c *clause, depth int) []Reason {
	solutions := e.solutionsOf(c)
	if len(solutions) == 0 {
		return e.unavailable(c, depth)
	}
	if len(solutions) > 1 {
		depth++
	}
	var reasons []Reason
	for _, v := range solutions {
		reasons = append(reasons, e.deny(v, depth)...)
	}
	return reasons
}

// deny tells why a package is out.
func (e *explainer) deny(v id, depth int) []Reason {
	c := e.reason[v]
	if c == nil || e.denied[v] {
		return nil
	}
	e.denied[v] = true
	if negative(c) {
		other := c.literals[0].of()
		if other == v {
			other = c.literals[1].of()
		}
		return append(e.why(other, depth), e.tell(c, root, depth)...)
	}
	return append(e.tell(c, root, depth), e.unmet(c, depth)...)
}

// why tells why a package is in, from the request on.
func (e *explainer) why(v id, depth int) []Reason {
	c := e.reason[v]
	if c == nil || e.told[c] {
		return nil
	}
	reasons := append(e.why(c.cause.from, depth), e.tell(c, v, depth)...)
	for _, other := range e.solutionsOf(c) {
		if other != v && e.value[other] < 0 {
			reasons = append(reasons, e.deny(other, depth+1)...)
		}
	}
	return reasons
}

// tell states a clause, once. v is the solution that it leads to, if that is known.
func (e *explainer) tell(c *clause, v id, depth int) []Reason {
	if e.told[c] {
		return nil
	}
	e.told[c] = true
	if c.cause.field == versionField && e.aboutFact(c) {
		return nil // the line about the installed package says it
	}
	if solutions := e.solutionsOf(c); v == root && len(solutions) == 1 {
		v = solutions[0]
	}
	r := e.statement(c.cause, v)
	if negative(c) {
		other := c.literals[0].of()
		if other == c.cause.from {
			other = c.literals[1].of()
		}
		r.Other = e.at(other).pkg
	}
	r.Depth = depth
	return []Reason{r}
}

// aboutFact reports whether one of two packages that exclude each other is locked or held.
func (e *explainer) aboutFact(c *clause) bool {
	return slices.ContainsFunc(c.literals, func(l literal) bool {
		x := e.at(l.of())
		return x.installed && (e.pool.locked(x.pkg) || matchesAny(e.held, x.pkg, e.pool))
	})
}

// negative reports whether the clause excludes packages instead of requiring one.
func negative(c *clause) bool {
	switch c.cause.field {
	case conflictsField, breaksField, versionField, multiArchField, removeField:
		return true
	}
	return false
}

// statement turns a cause into a reason; v is the package it leads to or the root.
func (p *pool) statement(c cause, v id) Reason {
	kinds := map[field]Kind{
		dependsField: Depends, preDependsField: PreDepends, recommendsField: Recommends,
		conflictsField: Conflicts, breaksField: Breaks, versionField: Version, multiArchField: MultiArch,
		installField: Requested, essentialField: Essential, lockField: Locked, holdField: Held, keepField: Kept, removeField: Removed,
	}
	return Reason{Kind: kinds[c.field], Request: c.text, Package: p.at(c.from).pkg, Relation: c.group, Other: p.at(v).pkg, native: p.archs[0]}
}

// unavailable tells why no package at all can meet a clause.
func (e *explainer) unavailable(c *clause, depth int) []Reason {
	group := c.cause.group
	if c.cause.from == root {
		if x, err := parseExpression(c.cause.text); err == nil {
			group = relation.Group{{Name: x.name, ArchQual: x.arch}}
		}
	}
	var reasons []Reason
	for _, r := range group {
		reasons = append(reasons, e.unavailableRelation(r, c.cause.from, depth)...)
	}
	return reasons
}

// unavailableRelation tells which packages come near a relation that none can meet.
func (e *explainer) unavailableRelation(r relation.Relation, from id, depth int) []Reason {
	var reasons []Reason
	about := func(kind Kind, v id) {
		if len(reasons) < maxCulprits {
			reasons = append(reasons, Reason{Kind: kind, Relation: relation.Group{r}, Other: e.at(v).pkg, Depth: depth, native: e.archs[0]})
		}
	}
	for _, v := range e.matching(r, from) {
		if x := e.at(v); x.excluded {
			about(Excluded, v)
		} else if x.priority <= 0 {
			about(Pinned, v)
		} else if !x.allowed {
			about(NotCandidate, v)
		}
	}
	if len(reasons) > 0 {
		return reasons
	}
	for _, v := range slices.Concat(e.versions(r.Name), e.providers(r.Name)) {
		about(WrongVersion, v)
	}
	if len(reasons) == 0 {
		reasons = append(reasons, Reason{Kind: NoPackage, Relation: relation.Group{r}, Depth: depth})
	}
	return reasons
}
