package solver_test

import (
	"context"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
)

// buildSolver puts examples/edsp-solver where the shared APT finds it.
var buildSolver = sync.OnceValue(func() error {
	d, err := load()
	if err != nil {
		return err
	}
	return testenv.Build(context.Background(), filepath.Join(d.dir, "solvers", "apt-ostree"), "../../examples/edsp-solver")
})

// TestRandomRequestsThroughApt makes the requests of TestRandomRequests to apt-get, which asks our solver:
// what apt-get makes of the answer is what the solver says without it.
func TestRandomRequestsThroughApt(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	require.NoError(t, buildSolver())
	n := requests(t, 10)
	for seed := range uint64(n) {
		request := d.request(seed)
		through, throughErr := d.apt().Ask(t.Context(), append([]string{"install", "--solver", "apt-ostree"}, request...)...)
		s, err := solve.Solve(t.Context(), d.universe, solve.Request{
			Architecture: "amd64", Installed: d.minimal, Recommends: true, Install: request,
		})
		require.Equal(t, err == nil, throughErr == nil, "seed %d: %s\ndirectly: %v\nthrough apt-get: %v", seed, text(request), err, throughErr)
		if err == nil {
			assert.Empty(t, difference(through, answer(s)), "seed %d: %s", seed, text(request))
		}
	}
}

// TestAptUsesOurSolver lets apt-get ask examples/edsp-solver, and compares with what it finds itself.
func TestAptUsesOurSolver(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	require.NoError(t, buildSolver())
	for name, args := range map[string][]string{
		"install":         {"install", "vim", "nginx"},
		"remove":          {"remove", "nano"},
		"replace":         {"install", "nullmailer"},
		"both":            {"install", "openssh-server", "nano-"},
		"dist-upgrade":    {"dist-upgrade"},
		"upgrade":         {"upgrade"},
		"no recommends":   {"install", "--no-install-recommends", "git"},
		"another version": {"install", "apt=2.6.1", "apt-utils=2.6.1", "libapt-pkg6.0=2.6.1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			theirs, err := d.apt().Ask(t.Context(), args...)
			require.NoError(t, err)
			ours, err := d.apt().Ask(t.Context(), append(args, "--solver", "apt-ostree")...)
			require.NoError(t, err)
			if name == "no recommends" {
				return // an option on the command line is not told to solvers
			}
			require.Empty(t, difference(ours, theirs))
		})
	}
	cmd := exec.CommandContext(t.Context(), "apt-get", "-s", "--solver", "apt-ostree", "install", "exim4", "postfix")
	cmd.Env = d.apt().Environment()
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, "postfix .* conflicts with mail-transport-agent, which exim4-daemon-light .* provides", string(out))
}
