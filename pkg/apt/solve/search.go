package solve

import (
	"context"
)

// literal is a package version that is to be in the solution (even) or not (odd).
type literal int32

func in(v id) literal  { return literal(v) << 1 }
func out(v id) literal { return literal(v)<<1 | 1 }

func (l literal) of() id       { return id(l >> 1) }
func (l literal) not() literal { return l ^ 1 }

// clause is a disjunction: at least one literal must hold.
type clause struct {
	literals []literal
	cause    cause
	// from are the clauses that a learned one follows from.
	from []*clause
	// sequence counts the clauses that are not learned.
	sequence int32
}

// search finds an assignment of the variables that meets all clauses. The algorithm is the usual one
// of SAT solvers, conflict-driven clause learning, except that the clauses of a package are made when
// it is first chosen, and that decisions follow the order of preference of a queue of dependencies
// instead of a heuristic. What is decided first is given up last.
type search struct {
	*pool
	state              []variableState
	watches            [][]*clause // by literal: clauses to look at when it fails
	trail              []literal
	limits             []int // lengths of the trail where a decision was made
	head               int   // what of the trail was propagated
	queue              queue
	walk               walk
	keeps              []id // variables that stand for keeping an installed package, see keep
	keepsDecided       int  // how many of them are decided at least
	settled            []settled
	needs              map[id][]*need // of each discovered package
	clauses, needCount int32
	// failed is a clause of the request that failed before the search began.
	failed *clause
}

// variableState is what the search knows about a variable.
type variableState struct {
	value      int8 // 1 in, -1 out, 0 undecided
	discovered bool
	walk       progress
	level      int32
	reason     *clause // nil for a decision
}

// settled is a need that was taken from the queue at a level, to be put back when that is undone.
type settled struct {
	need  *need
	level int
}

// newSearch starts with the root, which is in.
func newSearch(p *pool) *search {
	s := &search{pool: p, needs: map[id][]*need{}}
	s.grow()
	s.state[root].discovered = true
	s.assign(in(root), nil)
	return s
}

// grow makes room for variables that were loaded meanwhile.
func (s *search) grow() {
	for len(s.state) < len(s.vars) {
		s.state = append(s.state, variableState{})
		s.watches = append(s.watches, nil, nil)
	}
}

// value returns 1 if the literal holds, -1 if it fails, 0 if it is undecided.
func (s *search) value(l literal) int8 {
	v := s.state[l.of()].value
	if l&1 != 0 {
		return -v
	}
	return v
}

// assign makes a literal hold.
func (s *search) assign(l literal, reason *clause) {
	x := &s.state[l.of()]
	x.value, x.level, x.reason = 1, s.level(), reason
	if l&1 != 0 {
		x.value = -1
	}
	s.trail = append(s.trail, l)
}

// level returns the number of decisions.
func (s *search) level() int32 { return int32(len(s.limits)) }

// run searches until everything is decided. It returns an [*UnsatisfiableError] if that is impossible.
func (s *search) run(ctx context.Context) error {
	if s.failed != nil {
		return s.explain(s.failed)
	}
	for steps := 0; ; steps++ {
		if steps&0xff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if conflict := s.propagate(); conflict != nil {
			if s.level() == 0 {
				return s.explain(conflict)
			}
			s.learn(conflict)
			continue
		}
		v := s.decide()
		if v == root {
			return nil
		}
		s.saveWalk()
		s.limits = append(s.limits, len(s.trail))
		s.assign(in(v), nil)
	}
}

// decide returns what to choose next, the root if everything is decided: first to keep what is
// installed, then what the walk comes to. The queue has what is left after it: versions of installed
// packages, and needs that an installed package met that is out now.
func (s *search) decide() id {
	for ; s.keepsDecided < len(s.keeps); s.keepsDecided++ {
		if k := s.keeps[s.keepsDecided]; s.state[k].value == 0 {
			return k
		}
	}
	if s.req.UpgradeAll {
		if v := s.next(kept); v != root {
			return v
		}
	}
	if v := s.nextOnWalk(); v != root {
		return v
	}
	return s.next(recommended)
}

// propagate assigns what follows from the trail. It returns a clause that fails, if one does.
func (s *search) propagate() *clause {
	for s.head < len(s.trail) {
		l := s.trail[s.head]
		s.head++
		if l&1 == 0 {
			if conflict := s.choose(l.of()); conflict != nil {
				return conflict
			}
		}
		if conflict := s.visit(l.not()); conflict != nil {
			return conflict
		}
	}
	return nil
}

// choose adds the clauses and the needs of a package that is in the solution.
func (s *search) choose(v id) *clause {
	var conflict *clause
	if !s.state[v].discovered {
		s.state[v].discovered = true
		conflict = s.discover(v)
	}
	for _, n := range s.needs[v] {
		if n.optional() || len(n.solutions) > 1 {
			s.queue.push(n)
		}
	}
	return conflict
}

// visit looks at the clauses that watch a literal which fails now.
func (s *search) visit(failed literal) *clause {
	list := s.watches[failed]
	kept := list[:0]
	for i, c := range list {
		if c.literals[0] == failed {
			c.literals[0], c.literals[1] = c.literals[1], failed
		}
		value := s.value(c.literals[0])
		if value <= 0 && s.rewatch(c) {
			continue
		}
		kept = append(kept, c)
		if value < 0 {
			s.watches[failed] = append(kept, list[i+1:]...)
			return c
		}
		if value == 0 {
			s.assign(c.literals[0], c)
		}
	}
	clear(list[len(kept):])
	s.watches[failed] = kept
	return nil
}

// rewatch moves the second watch of a clause to a literal that does not fail, if there is one.
func (s *search) rewatch(c *clause) bool {
	for i := 2; i < len(c.literals); i++ {
		if s.value(c.literals[i]) >= 0 {
			c.literals[1], c.literals[i] = c.literals[i], c.literals[1]
			s.watches[c.literals[1]] = append(s.watches[c.literals[1]], c)
			return true
		}
	}
	return false
}

// add adds a clause while the search is on. It returns the clause if it fails already. One with a
// single literal gets a second, which never holds, so that there are two to watch: it has to be there
// still when the search comes back.
func (s *search) add(c *clause) *clause {
	if len(c.literals) == 1 {
		c.literals = append(c.literals, out(root))
	}
	s.grow()
	s.clauses++
	c.sequence = s.clauses
	s.lead(c, 0)
	s.lead(c, 1)
	for _, l := range c.literals[:2] {
		s.watches[l] = append(s.watches[l], c)
	}
	switch {
	case s.value(c.literals[0]) < 0:
		return c
	case s.value(c.literals[0]) == 0 && s.value(c.literals[1]) < 0:
		s.assign(c.literals[0], c)
	}
	return nil
}

// lead moves the best literal to watch to position at: one that does not fail, or that failed last.
func (s *search) lead(c *clause, at int) {
	best := at
	for i := at + 1; i < len(c.literals); i++ {
		if s.betterWatch(c.literals[i], c.literals[best]) {
			best = i
		}
	}
	c.literals[at], c.literals[best] = c.literals[best], c.literals[at]
}

// betterWatch reports whether a is to be watched rather than b.
func (s *search) betterWatch(a, b literal) bool {
	x, y := s.value(a), s.value(b)
	if x < 0 && y < 0 {
		return s.state[a.of()].level > s.state[b.of()].level
	}
	return x > y
}

// learn derives from a failed clause one that would have prevented it, undoes the decisions after the
// one where it has an effect, and adds it.
func (s *search) learn(conflict *clause) {
	c := s.analyze(conflict)
	s.undo(s.secondLevel(c))
	s.add(c)
}

// analyze resolves a failed clause with the reasons of its literals until one literal of the current
// level is left, the first unique implication point. That literal comes first in the result.
func (s *search) analyze(conflict *clause) *clause {
	c := &clause{literals: []literal{0}, cause: cause{field: learned}}
	seen := map[id]bool{}
	open, at := 0, len(s.trail)
	for reason := conflict; ; {
		c.from = append(c.from, reason)
		for _, l := range reason.literals {
			v := l.of()
			if s.value(l) > 0 || seen[v] {
				continue
			}
			seen[v] = true
			switch x := &s.state[v]; {
			case x.level == s.level():
				open++
			case x.level > 0:
				c.literals = append(c.literals, l)
			case x.reason != nil:
				c.from = append(c.from, x.reason)
			}
		}
		for at--; !seen[s.trail[at].of()]; at-- {
		}
		if open--; open == 0 {
			c.literals[0] = s.trail[at].not()
			return c
		}
		reason = s.state[s.trail[at].of()].reason
	}
}

// secondLevel returns the highest level of the literals after the first.
func (s *search) secondLevel(c *clause) int32 {
	var level int32
	for _, l := range c.literals[1:] {
		level = max(level, s.state[l.of()].level)
	}
	return level
}

// undo takes back all decisions above a level.
func (s *search) undo(level int32) {
	start := s.limits[level]
	s.restoreWalk(level)
	s.keepsDecided = 0
	for _, l := range s.trail[start:] {
		x := &s.state[l.of()]
		x.value, x.reason = 0, nil
	}
	s.trail, s.limits, s.head = s.trail[:start], s.limits[:level], start
	n := len(s.settled)
	for n > 0 && s.settled[n-1].level > int(level) {
		n--
		s.queue.push(s.settled[n].need)
	}
	s.settled = s.settled[:n]
}
