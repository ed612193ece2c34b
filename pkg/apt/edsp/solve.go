package edsp

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// Universe returns the packages of the scenario.
func (s *Scenario) Universe() *apt.Universe {
	var all []*apt.Package
	for _, p := range s.distinct() {
		all = append(all, p.Package)
	}
	return apt.NewUniverse(all)
}

// distinct returns one package for each name, architecture and version, the installed one if there are
// several: APT tells them apart if they were built differently, the solver does not. It is the candidate
// if one of them is.
func (s *Scenario) distinct() []Package {
	type key struct{ name, arch, version string }
	at := map[key]int{}
	var all []Package
	for _, p := range s.Packages {
		k := key{p.Name, p.Architecture, p.Version.String()}
		i, repeated := at[k]
		switch {
		case !repeated:
			at[k] = len(all)
			all = append(all, *p)
		case p.Installed && !all[i].Installed:
			candidate := all[i].Candidate
			all[i] = *p
			all[i].Candidate = p.Candidate || candidate
		default:
			all[i].Candidate = all[i].Candidate || p.Candidate
		}
	}
	return all
}

// SolveRequest returns the request in the words of the solver. What the scenario does not say is whether
// recommendations count.
func (s *Scenario) SolveRequest(recommends bool) solve.Request {
	req := solve.Request{
		Architecture: s.Request.Architecture, Recommends: recommends, Remove: s.Request.Remove,
		UpgradeAll: s.Request.UpgradeAll, NoRemove: s.Request.ForbidRemove, NoNew: s.Request.ForbidNew,
		RemoveEssential: true, // APT has asked the user
	}
	for _, arch := range s.Request.Architectures {
		if arch != req.Architecture {
			req.ForeignArchitectures = append(req.ForeignArchitectures, arch)
		}
	}
	p := policy{}
	known := map[string]bool{}
	for _, pkg := range s.distinct() {
		name := pkg.Name + ":" + pkg.Architecture
		if pkg.Architecture == "all" {
			name = pkg.Name + ":" + req.Architecture
		}
		known[name] = known[name] || pkg.Candidate || pkg.Installed
		if pkg.Candidate {
			p[pkg.Package] = math.MaxInt16
		}
		if pkg.Installed {
			p[pkg.Package] = max(p[pkg.Package], 1)
			req.Installed = append(req.Installed, pkg.Package)
			if pkg.Hold && !asked(s.Request, name) {
				req.Hold = append(req.Hold, name)
			}
		}
	}
	for _, name := range s.Request.Install {
		if known[name] { // APT also sends names of what is to be kept out and does not exist
			req.Install = append(req.Install, name)
		}
	}
	req.Policy = p
	return req
}

// asked reports whether a request names a package: then a hold does not count any more.
func asked(r Request, name string) bool {
	for _, list := range [][]string{r.Install, r.Remove} {
		for _, n := range list {
			if strings.EqualFold(n, name) {
				return true
			}
		}
	}
	return false
}

// policy has the priorities of a scenario's packages: APT has made up its mind about the candidates.
type policy map[*apt.Package]int

// Priority implements [solve.Policy].
func (p policy) Priority(pkg *apt.Package, _ bool) int { return p[pkg] }

// Phased implements [solve.Policy]: APT has decided that as well.
func (p policy) Phased(*apt.Package) bool { return false }

// Answer returns a solution in the numbers of the scenario.
func (s *Scenario) Answer(solution *solve.Solution) (*Answer, error) {
	ids := map[*apt.Package]string{}
	for _, p := range s.Packages {
		ids[p.Package] = p.ID
	}
	a := new(Answer)
	add := func(list *[]string, p *apt.Package) error {
		id, known := ids[p]
		if !known {
			return fmt.Errorf("%s of the solution is not in the scenario", p)
		}
		*list = append(*list, id)
		return nil
	}
	for _, p := range solution.Install {
		if err := add(&a.Install, p); err != nil {
			return nil, err
		}
	}
	for _, c := range solution.Upgrade {
		if err := add(&a.Install, c.To); err != nil {
			return nil, err
		}
	}
	for _, p := range solution.Remove {
		if err := add(&a.Remove, p); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// unsatisfiable is the ID of failures to find a solution.
const unsatisfiable = "8ae1b5f5-5a4c-4b3f-9c5c-2f0d3f1c7d11"

// WriteResult writes what [solve.Solve] returned as an answer: a solution, or an error as a failure.
func (s *Scenario) WriteResult(w io.Writer, solution *solve.Solution, failed error) error {
	if failed != nil {
		return (&FailureError{ID: unsatisfiable, Message: failed.Error()}).Write(w)
	}
	a, err := s.Answer(solution)
	if err != nil {
		return err
	}
	return a.Write(w)
}
