package solve

import (
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

// solution turns the assignment into lists.
func (s *search) solution() *Solution {
	out := &Solution{
		Requested: map[string]*apt.Package{},
		Satisfied: map[string]*apt.Package{},
	}
	before, after := map[slot]*apt.Package{}, map[slot]*apt.Package{}
	for _, pkg := range s.req.Installed {
		before[s.slot(s.ids[pkg])] = pkg
	}
	for v := id(1); int(v) < len(s.state); v++ {
		if s.state[v].value <= 0 || s.at(v).pkg == nil {
			continue
		}
		x := s.at(v)
		after[s.slot(v)] = x.pkg
		out.Resulting = append(out.Resulting, x.pkg)
		if !x.installed && !x.candidate && !x.local {
			out.Older = append(out.Older, x.pkg)
		}
		switch old := before[s.slot(v)]; {
		case old == nil:
			out.Install = append(out.Install, x.pkg)
		case !x.installed:
			out.Upgrade = append(out.Upgrade, Change{From: old, To: x.pkg})
		}
	}
	for _, pkg := range s.req.Installed {
		if after[s.slot(s.ids[pkg])] == nil {
			out.Remove = append(out.Remove, pkg)
		}
	}
	s.fulfilled(out)
	out.sort()
	out.why = s.reasons()
	return out
}

// slot is what at most one version of a package can be installed in.
type slot struct {
	name string
	arch int32
}

// slot returns where a version is installed.
func (p *pool) slot(v id) slot { return slot{p.at(v).pkg.Name, p.at(v).arch} }

// fulfilled records the package of each request.
func (s *search) fulfilled(out *Solution) {
	for _, n := range s.needs[root] {
		if n.cause.field != installField {
			continue
		}
		for _, v := range n.solutions {
			if s.state[v].value <= 0 {
				continue
			}
			out.Requested[n.cause.text] = s.at(v).pkg
			if s.at(v).installed {
				out.Satisfied[n.cause.text] = s.at(v).pkg
			}
			break
		}
	}
}

// sort puts all lists in order.
func (s *Solution) sort() {
	for _, list := range [][]*apt.Package{s.Install, s.Remove, s.Resulting, s.Older} {
		slices.SortFunc(list, comparePackages)
	}
	slices.SortFunc(s.Upgrade, func(a, b Change) int { return strings.Compare(a.To.Key().String(), b.To.Key().String()) })
}

// reasons finds the shortest way from the root to each package of the solution, hard dependencies
// before recommendations.
func (s *search) reasons() map[*apt.Package][]Reason {
	why := map[*apt.Package][]Reason{}
	seen := map[id]bool{root: true}
	for _, limit := range []rank{required, recommended} {
		todo := []id{root}
		for v := id(1); int(v) < len(s.state); v++ {
			if seen[v] && s.at(v).pkg != nil {
				todo = append(todo, v)
			}
		}
		for ; len(todo) > 0; todo = todo[1:] {
			for _, n := range s.needs[todo[0]] {
				for _, v := range n.solutions {
					if n.rank > limit || s.state[v].value <= 0 || seen[v] {
						continue
					}
					seen[v] = true
					why[s.at(v).pkg] = append(slices.Clip(why[s.at(todo[0]).pkg]), s.statement(n.cause, v))
					todo = append(todo, v)
				}
			}
		}
	}
	return why
}
