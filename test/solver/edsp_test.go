package solver_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAptUsesOurSolver lets apt-get ask examples/edsp-solver, and compares with what it finds itself.
func TestAptUsesOurSolver(t *testing.T) {
	t.Parallel()
	d := newDebian(t)
	build := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(d.dir, "solvers", "apt-ostree"), "../../examples/edsp-solver")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, string(out))
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
	out, err = cmd.CombinedOutput()
	require.Error(t, err)
	require.Regexp(t, "postfix .* conflicts with mail-transport-agent, which exim4-daemon-light .* provides", string(out))
}
