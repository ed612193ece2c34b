package solver_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// requests is how many requests the tests make, a few by default. APT_OSTREE_SOLVER_REQUESTS=500, which
// takes about ten minutes of two processors for each test, is what docs/solver.md reports of.
func requests(t *testing.T, few int) int {
	t.Helper()
	text := os.Getenv("APT_OSTREE_SOLVER_REQUESTS")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	require.NoError(t, err)
	return n
}

// TestRandomRequests asks for up to eight packages at random. Each answer is valid to apt-get; nearly
// all are those of apt-get, and the others differ by a rule of docs/solver.md.
func TestRandomRequests(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	n, same := requests(t, 50), 0
	rules := map[string]int{}
	for seed := range uint64(n) {
		request := d.request(seed)
		theirs, theirErr := d.apt().Ask(t.Context(), append([]string{"install"}, request...)...)
		s, err := solve.Solve(t.Context(), d.universe, solve.Request{
			Architecture: "amd64", Installed: d.minimal, Recommends: true, Install: request,
		})
		require.Equal(t, theirErr == nil, err == nil, "seed %d: %s\nours: %v\napt's: %v", seed, text(request), err, theirErr)
		if err != nil {
			require.ErrorAs(t, err, new(*solve.UnsatisfiableError))
			same++ // both say that there is none
			continue
		}
		d.requireValid(t, s)
		ours := answer(s)
		require.LessOrEqual(t, len(ours.Remove), len(theirs.Remove), "seed %d: more removals: %s", seed, difference(ours, theirs))
		if diff := difference(ours, theirs); diff == "" {
			same++
		} else {
			rule, detail, _ := strings.Cut(d.rule(ours, theirs), " (")
			rules[rule]++
			t.Logf("seed %d: %s\n%s (%s: %.300s", seed, text(request), rule, detail, diff)
			assert.NotEmpty(t, rule, "no rule explains the difference")
		}
	}
	t.Logf("%d of %d answers are those of apt-get, the others differ by %v", same, n, rules)
	require.GreaterOrEqual(t, same, n*95/100)
}

// request is a request for one to eight packages at random.
func (d *debian) request(seed uint64) []string {
	names := d.universe.Names()
	r := rand.New(rand.NewPCG(seed, 12))
	var request []string
	for range 1 + r.IntN(8) {
		request = append(request, names[r.IntN(len(names))])
	}
	slices.Sort(request) // apt-get's answer depends on the order
	return request
}

// rule finds the rule of docs/solver.md by which two answers differ.
func (d *debian) rule(ours, theirs *peer.Answer) string {
	a, b := d.only(ours, theirs), d.only(theirs, ours)
	for _, x := range a {
		for _, y := range b {
			if solve.Check(bare(x, y), solve.Request{Architecture: "amd64"}) != nil {
				return fmt.Sprintf("the first stays (%s, %s)", x.Name, y.Name)
			}
		}
	}
	for _, y := range b {
		for _, p := range y.Provides {
			for _, x := range d.universe.Providers(p.Name) {
				if x.Name != y.Name && ours.Install[x.Name] != "" {
					return fmt.Sprintf("the last provider (%s: %s, %s)", p.Name, x.Name, y.Name)
				}
			}
		}
	}
	for _, c := range []struct {
		only       []*apt.Package
		with, more *peer.Answer
	}{{b, ours, theirs}, {a, theirs, ours}} {
		for name := range c.with.Install {
			if rule := d.alternative(name, c.only, c.with, c.more); rule != "" {
				return rule
			}
		}
	}
	return ""
}

// alternative looks for a dependency of a package that one answer meets by another alternative than the
// packages that only the other one has.
func (d *debian) alternative(name string, only []*apt.Package, with, more *peer.Answer) string {
	if more.Install[name] != with.Install[name] {
		return ""
	}
	for _, p := range d.universe.Versions(name) {
		for _, g := range slices.Concat(p.PreDepends, p.Depends, p.Recommends) {
			met := slices.ContainsFunc(g, func(r relation.Relation) bool { return with.Install[r.Name] != "" })
			for _, x := range only {
				if met && slices.ContainsFunc(g, func(r relation.Relation) bool { return r.Name == x.Name }) {
					return fmt.Sprintf("what is there already (%s: %s)", name, g)
				}
			}
		}
	}
	return ""
}

// only returns the packages that one answer has and the other does not.
func (d *debian) only(a, b *peer.Answer) []*apt.Package {
	var list []*apt.Package
	for _, name := range d.universe.Names() {
		if a.Install[name] == "" || b.Install[name] != "" {
			continue
		}
		for _, p := range d.universe.Versions(name) {
			if p.Version.String() == a.Install[name] {
				list = append(list, p)
				break
			}
		}
	}
	return list
}

// bare are packages without what they need.
func bare(packages ...*apt.Package) []*apt.Package {
	var list []*apt.Package
	for _, p := range packages {
		q := *p
		q.Depends, q.PreDepends = nil, nil
		list = append(list, &q)
	}
	return list
}

// TestTheCheckFindsWhatIsMissing makes sure that the verdict of TestRandomRequests means something.
func TestTheCheckFindsWhatIsMissing(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	s := &solve.Solution{Resulting: d.minimal}
	d.requireValid(t, s)
	d.checking.Lock()
	defer d.checking.Unlock()
	checker := &peer.Apt{Dir: d.dir + "/checker"}
	require.NoError(t, checker.SetInstalled(slices.DeleteFunc(slices.Clone(d.minimal), func(p *apt.Package) bool { return p.Name == "libc6" })))
	require.ErrorContains(t, checker.Check(t.Context()), "unmet dependencies")
}
