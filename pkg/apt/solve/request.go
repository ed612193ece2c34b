package solve

import (
	"errors"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/nearest"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

// nearNames is how many similar names a [Missing] has.
const nearNames = 3

// addRequest makes the clauses of the root. It returns a [*NotFoundError] naming everything that does
// not exist. Clauses that fail already are found again by the first propagation.
func (s *search) addRequest() error {
	s.addInstalled()
	missing := s.addRemove()
	if err := s.addEssential(); err != nil {
		return err
	}
	for _, l := range s.req.Local {
		s.versions(l.Name)
		v, ok := s.ids[l]
		if !ok {
			missing = append(missing, Missing{Request: l.String(), Problem: "its architecture is not enabled"})
			continue
		}
		s.want(cause{field: installField, text: l.String()}, []id{v})
	}
	for _, text := range s.req.Install {
		solutions, m := s.resolve(text)
		if m != nil {
			missing = append(missing, *m)
			continue
		}
		s.want(cause{field: installField, text: text}, solutions)
	}
	if len(missing) > 0 {
		return &NotFoundError{Missing: missing}
	}
	return nil
}

// want adds a clause of the root. One that fails at once is kept for the first propagation.
func (s *search) want(c cause, solutions []id) {
	s.pending(s.needOne(c, requested, solutions))
}

// pending remembers the first clause that fails before the search begins.
func (s *search) pending(c *clause) {
	if s.failed == nil {
		s.failed = c
	}
}

// addInstalled adds what holds for the installed packages: facts if they are locked or Essential,
// wishes otherwise.
func (s *search) addInstalled() {
	for _, pkg := range s.req.Installed {
		versions := s.versions(pkg.Name)
		v := s.ids[pkg]
		if matchesAny(s.held, pkg, s.pool) {
			s.want(cause{field: holdField, text: pkg.String()}, []id{v})
		}
		if matchesAny(s.removed, pkg, s.pool) {
			continue
		}
		if s.locked(pkg) {
			s.want(cause{field: lockField, text: pkg.String()}, []id{v})
			continue
		}
		same := slices.DeleteFunc(slices.Clone(versions), func(o id) bool { return s.at(o).arch != s.at(v).arch || !s.at(o).allowed })
		slices.SortStableFunc(same, s.compareVersions)
		c := cause{field: keepField, text: pkg.String()}
		if pkg.Essential || pkg.Protected {
			c.field = essentialField
		}
		if c.field == essentialField || s.req.NoRemove {
			s.pending(s.needOne(c, kept, same))
			continue
		}
		s.keep(c, same)
	}
}

// keep wishes for one of the versions of an installed package to be there afterwards. A variable of its
// own stands for the wish, so that it can be decided on early without saying which version it is.
func (s *search) keep(c cause, versions []id) {
	k := id(len(s.vars))
	s.vars = append(s.vars, variable{})
	s.grow()
	s.keeps = append(s.keeps, k)
	literals := []literal{out(k)}
	for _, v := range versions {
		literals = append(literals, in(v))
	}
	s.add(&clause{literals: literals, cause: c})
	s.need(c, kept, versions)
}

// addRemove forbids what is to go. It returns the requests that nothing installed fits.
func (s *search) addRemove() []Missing {
	var missing []Missing
	for _, text := range s.req.Remove {
		e, err := parseExpression(text)
		var found []*apt.Package
		for _, pkg := range s.req.Installed {
			if err == nil && e.matches(pkg, s.pool) {
				found = append(found, pkg)
			}
		}
		if len(found) == 0 {
			missing = append(missing, Missing{Request: text, Problem: "it is not installed", Near: s.nearInstalled(e.name)})
		}
		for _, pkg := range found {
			s.forbid(cause{field: removeField, text: text}, pkg)
		}
	}
	return missing
}

// forbid excludes all versions of a package in its architecture. Essential ones are wanted as well,
// unless the request says otherwise, so that the search fails with the reason.
func (s *search) forbid(c cause, pkg *apt.Package) {
	arch := s.at(s.ids[pkg]).arch
	for _, v := range s.versions(pkg.Name) {
		if s.at(v).arch == arch {
			s.pending(s.exclude(c, v))
		}
	}
	if (pkg.Essential || pkg.Protected) && !s.req.RemoveEssential {
		s.want(cause{field: essentialField, text: pkg.String()}, []id{s.ids[pkg]})
	}
}

// addEssential requests every Essential package of the native architecture.
func (s *search) addEssential() error {
	if !s.req.Essential {
		return nil
	}
	src, ok := s.src.(interface{ Essential() []*apt.Package })
	if !ok {
		return errors.New("solve: the source cannot list its Essential packages")
	}
	var names []string
	for _, pkg := range src.Essential() {
		names = append(names, pkg.Name)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		var solutions []id
		for _, v := range s.versions(name) {
			if x := s.at(v); x.arch == 0 && x.allowed && x.pkg.Essential && s.standing(v) < lastResort {
				solutions = append(solutions, v)
			}
		}
		if len(solutions) > 0 {
			slices.SortStableFunc(solutions, s.compareVersions)
			s.want(cause{field: essentialField, text: name}, solutions)
		}
	}
	return nil
}

// resolve finds the packages that an entry of Install stands for.
func (s *search) resolve(text string) ([]id, *Missing) {
	e, err := parseExpression(text)
	if err != nil {
		return nil, &Missing{Request: text, Problem: err.Error()}
	}
	if e.arch != "" && s.archIndex(e.arch) < 0 {
		return nil, &Missing{Request: text, Problem: "architecture " + e.arch + " is not enabled"}
	}
	versions := s.versions(e.name)
	fit := slices.DeleteFunc(slices.Clone(versions), func(v id) bool { return !s.fits(e, s.at(v)) })
	switch {
	case len(fit) > 0:
		return s.preferred(fit), nil
	case len(versions) > 0 && (e.pinned() || e.arch != ""):
		return nil, s.noVersion(e, versions)
	}
	r := relation.Relation{Name: e.name, ArchQual: e.arch}
	if found := s.solutions(relation.Group{r}, root); len(found) > 0 && !e.pinned() {
		return found, nil
	}
	if all := s.matching(r, root); len(all) > 0 && !e.pinned() {
		return nil, nil // known but not allowed: the search explains
	}
	return nil, &Missing{Request: text, Problem: "there is no such package", Near: s.near(e.name)}
}

// fits reports whether a version is one that the expression stands for.
func (s *search) fits(e expression, x *variable) bool {
	return e.matches(x.pkg, s.pool) || x.offer != nil && e.matches(x.offer, s.pool)
}

// preferred orders the versions of a requested name: the native architecture alone if there is one,
// locked ones first, then the candidate.
func (s *search) preferred(fit []id) []id {
	slices.SortStableFunc(fit, func(a, b id) int {
		x, y := s.at(a), s.at(b)
		if x.arch != y.arch {
			return int(x.arch - y.arch)
		}
		if s.req.Lock {
			return s.compareVersions(a, b)
		}
		return first(x.candidate, y.candidate)
	})
	arch := s.at(fit[0]).arch
	return slices.DeleteFunc(fit, func(v id) bool { return s.at(v).arch != arch || !s.at(v).allowed })
}

// noVersion says that a package exists but not as requested.
func (s *search) noVersion(e expression, versions []id) *Missing {
	m := &Missing{Request: e.text, Problem: "there is no such version"}
	switch {
	case e.suite != "":
		m.Problem = "suite " + e.suite + " does not have it"
	case e.version.IsZero():
		m.Problem = "it does not exist for architecture " + e.arch
	}
	for _, v := range versions {
		x := s.at(v)
		near := x.pkg.Name + "=" + x.pkg.Version.String()
		if x.arch != 0 {
			near = x.pkg.String()
		}
		if len(m.Near) < nearNames && !slices.Contains(m.Near, near) {
			m.Near = append(m.Near, near)
		}
	}
	return m
}

// near returns names that look like one that does not exist.
func (s *search) near(name string) []string {
	if src, ok := s.src.(interface {
		Nearest(name string, n int) []string
	}); ok {
		return src.Nearest(name, nearNames)
	}
	return s.nearInstalled(name)
}

// nearInstalled returns names of installed packages that look like one.
func (s *search) nearInstalled(name string) []string {
	var names []string
	for _, pkg := range s.req.Installed {
		names = append(names, pkg.Name)
	}
	return nearest.Strings(name, names, nearNames)
}
