package solve_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// maze makes problems at random, small enough to try every answer.
type maze struct {
	*rand.Rand
	names int // how many names occur
}

// newMaze makes problems that depend on the numbers only.
func newMaze(seed, kind uint64, names int) maze {
	return maze{rand.New(rand.NewPCG(seed, kind)), names}
}

// chance is true n times out of a hundred.
func (m maze) chance(n int) bool { return m.IntN(100) < n }

// name is one of the names that occur.
func (m maze) name() string { return fmt.Sprintf("%c", 'a'+m.IntN(m.names)) }

// relation is a random relation.
func (m maze) relation() string {
	r := m.name()
	if m.chance(10) {
		r = "virtual"
	}
	if m.chance(8) {
		r += []string{":any", ":i386", ":native"}[m.IntN(3)]
	}
	if m.chance(30) {
		r += fmt.Sprintf(" (%s %d)", []string{"<<", "<=", "=", ">=", ">>"}[m.IntN(5)], 1+m.IntN(2))
	}
	return r
}

// group is a random list of alternatives.
func (m maze) group() string {
	alternatives := []string{m.relation()}
	for m.chance(35) {
		alternatives = append(alternatives, m.relation())
	}
	return strings.Join(alternatives, " | ")
}

// pkg is a random package.
func (m maze) pkg(t *testing.T, name string, version int) *apt.Package {
	t.Helper()
	header := []string{name, fmt.Sprint(version)}
	var fields strings.Builder
	for _, word := range []string{"i386", "all"} {
		if m.chance(15) {
			header = append(header, word)
			break
		}
	}
	if m.chance(30) && !slices.Contains(header, "all") {
		header = append(header, []string{"same", "foreign", "allowed"}[m.IntN(3)])
	}
	if m.chance(10) {
		header = append(header, "essential")
	}
	often := []int{60, 15, 30, 20, 30}
	for i, field := range []string{"Depends", "Pre-Depends", "Conflicts", "Breaks", "Recommends"} {
		var groups []string
		for m.chance(often[i]) && len(groups) < 3 {
			if field == "Conflicts" || field == "Breaks" {
				groups = append(groups, m.relation())
			} else {
				groups = append(groups, m.group())
			}
		}
		if len(groups) > 0 {
			fmt.Fprintf(&fields, "%s: %s\n", field, strings.Join(groups, ", "))
		}
	}
	if m.chance(20) {
		fmt.Fprintf(&fields, "Provides: %s\n", []string{"virtual", "virtual (= 1)", "a", "b (= 2)"}[m.IntN(4)])
	}
	return parsePackage(t, header, fields.String())
}

// problem is a random universe with a request. At most twelve packages are left to choose from.
func (m maze) problem(t *testing.T) ([]*apt.Package, solve.Request) {
	t.Helper()
	var packages []*apt.Package
	for range 4 + m.IntN(7) {
		packages = append(packages, m.pkg(t, m.name(), 1+m.IntN(2)))
	}
	packages = slices.Collect(apt.NewUniverse(packages).All())
	req := solve.Request{Architecture: "amd64", ForeignArchitectures: []string{"i386"}, Recommends: m.chance(50), Essential: m.chance(10)}
	for range 1 + m.IntN(2) {
		req.Install = append(req.Install, packages[m.IntN(len(packages))].Name)
	}
	if m.chance(20) {
		req.Exclude = append(req.Exclude, m.name())
	}
	return packages, req
}

// candidates returns the packages that the solver may choose from: the newest of each name and
// architecture, where "all" is native.
func candidates(packages []*apt.Package, req solve.Request) []*apt.Package {
	var list []*apt.Package
	seen := map[string]bool{}
	for _, p := range packages { // newest first
		key := strings.Replace(p.Key().String(), ":all", ":amd64", 1)
		if !seen[key] && !slices.Contains(req.Exclude, p.Name) {
			list = append(list, p)
		}
		seen[key] = true
	}
	return list
}

// possible tries every set of packages.
func possible(list, packages []*apt.Package, req solve.Request) bool {
	for set := range 1 << len(list) {
		var chosen []*apt.Package
		for i, p := range list {
			if set&(1<<i) != 0 {
				chosen = append(chosen, p)
			}
		}
		if meetsRequest(chosen, packages, req) && solve.Check(chosen, req) == nil {
			return true
		}
	}
	return false
}

// meetsRequest is stricter than Check in what a name stands for: the native package if there is one.
func meetsRequest(chosen, packages []*apt.Package, req solve.Request) bool {
	native := func(p *apt.Package) bool { return p.Architecture != "i386" }
	for _, name := range req.Install {
		named := func(p *apt.Package) bool { return p.Name == name }
		wanted := func(p *apt.Package) bool { return named(p) && native(p) }
		if !slices.ContainsFunc(packages, wanted) {
			wanted = named
		}
		if !slices.ContainsFunc(packages, wanted) {
			continue // a virtual name, which Check looks at
		}
		if !slices.ContainsFunc(chosen, wanted) {
			return false
		}
	}
	for _, p := range candidates(packages, req) {
		if req.Essential && p.Essential && native(p) && !slices.Contains(chosen, p) {
			return false
		}
	}
	return true
}

// TestRandomAgainstBruteForce verifies that Solve finds a solution exactly if there is one. Solve
// itself checks every solution.
func TestRandomAgainstBruteForce(t *testing.T) {
	t.Parallel()
	solved := 0
	for seed := range uint64(1000) {
		m := newMaze(seed, 7, 7)
		packages, req := m.problem(t)
		list := candidates(packages, req)
		s, err := solve.Solve(t.Context(), apt.NewUniverse(packages), req)
		var unsatisfiable *solve.UnsatisfiableError
		if err != nil {
			require.ErrorAs(t, err, &unsatisfiable, "seed %d", seed)
			require.NotEmpty(t, unsatisfiable.Because, "seed %d", seed)
			require.Greater(t, strings.Count(err.Error(), "\n"), 0)
		} else {
			solved++
			for _, p := range s.Resulting {
				require.NotEmpty(t, s.Why(p), "seed %d: nothing asks for %s", seed, p)
			}
		}
		if len(list) <= 12 {
			require.Equal(t, possible(list, packages, req), err == nil, "seed %d: %v", seed, err)
		}
		shuffle(&req, seed)
		again, err2 := solve.Solve(t.Context(), apt.NewUniverse(packages), req)
		require.Equal(t, fmt.Sprint(err), fmt.Sprint(err2))
		if err == nil {
			require.Equal(t, s.Resulting, again.Resulting)
		}
	}
	require.Greater(t, solved, 200, "too few problems can be solved")
	require.Less(t, solved, 900, "too few problems cannot be solved")
}

// TestRandomInstalled starts from installed packages: a solution keeps all rules, locked packages
// stay, and without any request nothing changes.
func TestRandomInstalled(t *testing.T) {
	t.Parallel()
	solved := 0
	for seed := range uint64(300) {
		m := newMaze(seed, 8, 7)
		packages, req := m.problem(t)
		req.Essential, req.Exclude = false, nil
		first, err := solve.Solve(t.Context(), apt.NewUniverse(packages), req)
		if err != nil {
			continue
		}
		next, req2 := m.problem(t)
		universe := apt.NewUniverse(slices.Concat(packages, next))
		req2.Installed, req2.Essential = first.Resulting, false

		nothing, err := solve.Solve(t.Context(), universe, solve.Request{
			Architecture: "amd64", ForeignArchitectures: []string{"i386"}, Installed: first.Resulting, Recommends: true,
		})
		require.NoError(t, err)
		require.Equal(t, first.Resulting, nothing.Resulting, "seed %d", seed)

		for _, lock := range []bool{false, true} {
			req2.Lock, req2.UpgradeAll = lock, m.chance(30)
			s, err := solve.Solve(t.Context(), universe, req2)
			if _, ok := errors.AsType[*solve.UnsatisfiableError](err); ok {
				continue
			}
			require.NoError(t, err, "seed %d", seed)
			solved++
			if lock {
				require.Subset(t, s.Resulting, first.Resulting, "seed %d", seed)
			}
			checkBatches(t, s, first.Resulting)
		}
	}
	require.Greater(t, solved, 50)
}

// TestRandomHistory makes one change after the other in larger universes.
func TestRandomHistory(t *testing.T) {
	t.Parallel()
	solved := 0
	for seed := range uint64(300) {
		m := newMaze(seed, 9, 5+int(seed%20))
		var packages []*apt.Package
		for range 2 * m.names {
			packages = append(packages, m.pkg(t, m.name(), 1+m.IntN(2)))
		}
		universe := apt.NewUniverse(packages)
		var installed []*apt.Package
		for range 4 {
			req := solve.Request{
				Architecture: "amd64", ForeignArchitectures: []string{"i386"}, Installed: installed, RemoveEssential: true,
				Recommends: m.chance(50), Lock: m.chance(20), UpgradeAll: m.chance(30), Install: []string{packages[m.IntN(len(packages))].Name},
			}
			if len(installed) > 0 && m.chance(40) {
				req.Install, req.Remove = nil, []string{installed[m.IntN(len(installed))].Name}
			}
			s, err := solve.Solve(t.Context(), universe, req)
			if _, ok := errors.AsType[*solve.UnsatisfiableError](err); ok {
				continue
			}
			require.NoError(t, err, "seed %d", seed)
			checkBatches(t, s, installed)
			installed = s.Resulting
			solved++
		}
	}
	require.Greater(t, solved, 200)
}

// checkBatches plays dpkg: what a package pre-depends on is configured before it is unpacked, and what
// it depends on is configured before it, or in the same call.
func checkBatches(t *testing.T, s *solve.Solution, installed []*apt.Package) {
	t.Helper()
	install := slices.Clone(s.Install)
	for _, c := range s.Upgrade {
		install = append(install, c.To)
	}
	installed = slices.DeleteFunc(slices.Clone(installed), func(p *apt.Package) bool { return slices.Contains(s.Remove, p) })
	dpkg := parsePackages(t, "dpkg 1\n")[0] // says what is native
	batches, err := solve.Batches(t.Context(), install, append(installed, dpkg))
	if cycle, ok := errors.AsType[*solve.CycleError](err); ok {
		require.NotEmpty(t, cycle.Packages)
		return
	}
	require.NoError(t, err)
	ready := slices.Clone(installed)
	var unpacked, configured []*apt.Package
	for _, b := range batches {
		for _, p := range b.Unpack {
			for _, g := range p.PreDepends {
				require.True(t, met(p, g, ready) || met(p, g, append(slices.Clip(ready), p)), "%s is unpacked before %s is configured", p, g)
			}
		}
		unpacked = append(unpacked, b.Unpack...)
		require.Subset(t, unpacked, b.Configure)
		ready = append(ready, b.Configure...)
		for _, p := range b.Configure {
			for _, g := range slices.Concat(p.PreDepends, p.Depends) {
				require.True(t, met(p, g, ready), "%s is configured before %s", p, g)
			}
		}
		configured = append(configured, b.Configure...)
	}
	require.ElementsMatch(t, install, unpacked)
	require.ElementsMatch(t, install, configured)
}
