// Package solver holds the solver against the APT of the machine on real packages: the archives that
// the machine's own sources name for Debian 12.
package solver_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// debian is what all tests work on: the lists of Debian 12, and the packages of a minimal system.
type debian struct {
	dir      string
	packages []*apt.Package
	universe *apt.Universe
	minimal  []*apt.Package
	checking sync.Mutex
}

// load fetches the lists, once for all tests.
var load = sync.OnceValues(func() (*debian, error) {
	dir, err := os.MkdirTemp("", "apt-ostree-solver-")
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	a, err := peer.NewApt(ctx, dir, "bookworm")
	if err != nil {
		return nil, err
	}
	d := &debian{dir: dir}
	if d.packages, err = a.Packages(); err != nil {
		return nil, err
	}
	d.universe = apt.NewUniverse(d.packages)
	request := solve.Request{Architecture: "amd64", Essential: true, Recommends: true}
	for p := range d.universe.All() {
		if p.Priority == "required" || p.Priority == "important" {
			request.Install = append(request.Install, p.Name)
		}
	}
	s, err := solve.Solve(ctx, d.universe, request)
	if err != nil {
		return nil, err
	}
	d.minimal = s.Resulting
	if _, err := peer.NewAptOffline(ctx, dir+"/checker", nil); err != nil {
		return nil, err
	}
	return d, a.SetInstalled(d.minimal)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("APT_OSTREE_INTEGRATION") == "1" {
		if d, err := load(); err == nil {
			_ = os.RemoveAll(d.dir) // a temporary directory
		}
	}
	os.Exit(code)
}

// newDebian returns the lists.
func newDebian(t *testing.T) *debian {
	t.Helper()
	testenv.Integration(t, testenv.Tool("apt-get"))
	d, err := load()
	require.NoError(t, err)
	return d
}

// apt is a view of the shared APT.
func (d *debian) apt() *peer.Apt { return &peer.Apt{Dir: d.dir} }

// answer turns a solution into the form of apt-get's.
func answer(s *solve.Solution) *peer.Answer {
	a := &peer.Answer{Install: map[string]string{}, Remove: map[string]bool{}}
	for _, p := range s.Install {
		a.Install[p.Name] = p.Version.String()
	}
	for _, c := range s.Upgrade {
		a.Install[c.To.Name] = c.To.Version.String()
	}
	for _, p := range s.Remove {
		a.Remove[p.Name] = true
	}
	return a
}

// difference lists what only one of two answers has.
func difference(ours, theirs *peer.Answer) string {
	var list []string
	for _, c := range []struct {
		who  string
		a, b *peer.Answer
	}{{"ours", ours, theirs}, {"apt's", theirs, ours}} {
		for name, v := range c.a.Install {
			if c.b.Install[name] != v {
				list = append(list, c.who+" +"+name+"="+v)
			}
		}
		for name := range c.a.Remove {
			if !c.b.Remove[name] {
				list = append(list, c.who+" -"+name)
			}
		}
	}
	slices.Sort(list)
	return strings.Join(list, " ")
}

// requireValid verifies a solution with APT's own rules: with what results as installed packages,
// "apt-get check" has nothing to say.
func (d *debian) requireValid(t *testing.T, s *solve.Solution) {
	t.Helper()
	d.checking.Lock()
	defer d.checking.Unlock()
	checker := &peer.Apt{Dir: d.dir + "/checker"}
	require.NoError(t, checker.SetInstalled(s.Resulting))
	require.NoError(t, checker.Check(t.Context()))
}

// text of a request as one would type it.
func text(request []string) string { return fmt.Sprint("apt-get install ", strings.Join(request, " ")) }
