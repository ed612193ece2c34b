package solver_test

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/test/peer"
)

// pinned is one package as `apt-cache policy` shows it: the candidate, and the priority of each version.
type pinned struct {
	candidate  string
	priorities map[string]string
}

// TestPinsAgreeWithApt asks apt-cache for the priorities that random pins give, and compares.
func TestPinsAgreeWithApt(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Tool("apt-cache"))
	sources := pinnedArchives(t)
	a, err := peer.NewAptOffline(t.Context(), t.TempDir(), sources)
	require.NoError(t, err)
	client, err := apt.NewClient(apt.ClientOptions{CacheDir: t.TempDir(), Architecture: "amd64"})
	require.NoError(t, err)
	u, err := client.Update(t.Context(), sources)
	require.NoError(t, err)
	var installed []*apt.Package
	for _, p := range u.Versions("foo") {
		if p.Version.String() == "2" {
			q := *p
			q.Origin, q.AlsoFrom = nil, nil
			installed = append(installed, &q)
		}
	}
	require.NoError(t, a.SetInstalled(installed))
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 5))
		var text strings.Builder
		for range 1 + r.IntN(4) {
			text.WriteString(randomPin(r))
		}
		pins, err := preferences.Parse([]byte(text.String()), "pins")
		require.NoError(t, err)
		release := []string{"", "", "backports", "exp"}[r.IntN(4)]
		policy, err := preferences.NewPolicy(pins, preferences.Options{Architecture: "amd64", DefaultRelease: release})
		require.NoError(t, err)
		require.NoError(t, a.SetPreferences(text.String()))
		require.NoError(t, a.Configure(fmt.Sprintf("APT::Default-Release %q;\n", release)))
		for _, name := range []string{"foo", "bar", "foobar"} {
			theirs := askPolicy(t, a, name)
			ours := pinned{candidate: candidate(t, u, installed, policy, name), priorities: map[string]string{}}
			for _, p := range u.Versions(name) {
				ours.priorities[p.Version.String()] = fmt.Sprint(policy.Priority(p, name == "foo" && p.Version.String() == "2"))
			}
			require.Equal(t, theirs, ours, "seed %d: %s\n%s", seed, name, text.String())
		}
	}
}

// pinnedArchives are three archives that offer overlapping versions.
func pinnedArchives(t *testing.T) []source.Source {
	t.Helper()
	var sources []source.Source
	for _, s := range []struct {
		suite, codename string
		fields          []string
		versions        []string
	}{
		{"stable", "book", nil, []string{"1", "2"}},
		{"backports", "book-backports", []string{"NotAutomatic: yes", "ButAutomaticUpgrades: yes"}, []string{"2", "3"}},
		{"exp", "rc", []string{"NotAutomatic: yes"}, []string{"3", "4"}},
	} {
		a := apttest.New(t, apttest.Options{Suite: s.suite, Codename: s.codename, Origin: "Debian", Label: "Label " + s.suite})
		a.ReleaseFields = append(s.fields, "Version: 12.5")
		for _, name := range []string{"foo", "bar", "foobar"} {
			for _, v := range s.versions {
				a.Add(apttest.Deb{Package: name, Version: v, Architecture: "amd64"})
			}
		}
		a.Publish()
		sources = append(sources, a.FileSource())
	}
	return sources
}

// randomPin is a record of any kind.
func randomPin(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	packages := pick("*", "*", "foo", "bar", "foo bar", "foo*", "/^foo/", "*bar", "fo[aeo]", "src:foo", "src:*", "foo:amd64", "foo:i386", "bar:any", "?oo")
	pin := pick("release a=stable", "release n=book*", "release a=exp", "release backports", "release o=Debian, a=exp", "release l=Label*", "release v=12.5, c=main",
		"release 12.5", "release c=contrib", "release a=stable, a=exp", `origin ""`, "origin other.example", "version 1", "version 3*", "version *", "version /^[24]$/")
	priority := pick("-5", "1", "50", "100", "101", "500", "501", "990", "999", "1000", "1001", "900")
	if packages == "*" && strings.HasPrefix(pin, "version") {
		packages = "bar"
	}
	return fmt.Sprintf("Package: %s\nPin: %s\nPin-Priority: %s\n\n", packages, pin, priority)
}

// candidate is the version that the solver takes for a name.
func candidate(t *testing.T, u *apt.Universe, installed []*apt.Package, policy *preferences.Policy, name string) string {
	t.Helper()
	s, err := solve.Solve(t.Context(), u, solve.Request{
		Architecture: "amd64", Installed: installed, Policy: policy, UpgradeAll: true, Install: []string{name},
	})
	if err != nil {
		require.ErrorAs(t, err, new(*solve.UnsatisfiableError))
		return "(none)"
	}
	p := s.Requested[name]
	if s.Satisfied[name] != nil && policy.Priority(p, true) <= 0 {
		return "(none)" // what is installed stays without being a candidate
	}
	return p.Version.String()
}

func askPolicy(t *testing.T, a *peer.Apt, name string) pinned {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "apt-cache", "policy", name)
	cmd.Env = a.Environment()
	out, err := cmd.Output()
	require.NoError(t, err)
	p := pinned{priorities: map[string]string{}}
	table := false
	for line := range strings.Lines(string(out)) {
		words := strings.Fields(strings.TrimPrefix(line, " ***"))
		switch {
		case strings.HasPrefix(line, "  Candidate:"):
			p.candidate = words[1]
		case strings.HasPrefix(line, "  Version table:"):
			table = true
		case table && len(words) == 2 && !strings.Contains(line, "/"):
			p.priorities[words[0]] = words[1]
		}
	}
	return p
}
