package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCleanupCommands(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.must("upgrade")
	require.Contains(t, m.fails("cleanup"), "at least one of")
	require.Contains(t, m.must("cleanup", "-p", "-n"), "Dropping deployment debian/"+m.commits["2"].String()+".0\n")
	require.Equal(t, []string{"2 staged", "1 booted"}, m.list())
	require.Contains(t, m.must("cleanup", "-p", "-q"), "Freed: ")
	require.Equal(t, []string{"1 booted"}, m.list())
	require.Contains(t, m.must("cleanup", "-r", "-b", "-m"), "Deployments unchanged.\nFreed: 0 bytes (pkgcache branches: 0)\n")

	require.Equal(t, "Deployment 0 is pinned\n", m.must("pin", "0"))
	require.Equal(t, []string{"1 booted pinned"}, m.list())
	require.Equal(t, "Deployment 0 is already pinned\n", m.must("pin", "0"))
	require.Equal(t, "Deployment 0 is unpinned\n", m.must("unpin", "0"))
	require.Equal(t, "Deployment 0 is already unpinned\n", m.must("pin", "-u", "0"))
	require.Contains(t, m.fails("pin", "x"), "not the index of a deployment")
	require.Contains(t, m.fails("pin", "5"), "there is no deployment 5")

	m.must("kargs", "--append=x")
	require.Contains(t, m.must("undo"), "Changes queued for next boot.")
	require.Equal(t, "root=x quiet\n", m.must("kargs"))
	require.Contains(t, m.fails("undo"), "nothing to undo")

	var plan struct{ Dropped []string }
	require.NoError(t, json.Unmarshal([]byte(m.must("prune", "--keep=1", "--json", "--dry-run")), &plan))
	require.Empty(t, plan.Dropped)
	require.Contains(t, m.must("prune", "--keep=1", "--older-than=90d", "--max-size=1GB"), "Freed: ")
	require.Contains(t, m.fails("prune", "--older-than=soon"), "soon")
	require.Contains(t, m.fails("prune", "--max-size=much"), "not a size")
}

func TestCheckoutCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	dir := filepath.Join(t.TempDir(), "tree")
	require.Equal(t, "Checked out "+m.commits["2"].String()+" to "+dir+"\n", m.must("checkout", "stable", dir, "--subpath=/usr/share"))
	text, err := os.ReadFile(dir + "/doc/tool/about")
	require.NoError(t, err)
	require.Equal(t, "2", string(text))
	require.Contains(t, m.fails("checkout", "stable"), "accepts 2 arg(s)")
	require.Contains(t, m.fails("usroverlay", "--hotfix", "--transient"), "hotfix transient")
}

// TestRollbackTexts are what scripts look for.
func TestRollbackTexts(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.Contains(t, m.fails("rollback"), "2 are needed to roll back")
	m.must("upgrade")
	require.Contains(t, m.fails("rollback"), "Staged deployment (remove with cleanup -p)")
	_, err := m.sysroot().Finalize(t.Context())
	require.NoError(t, err)
	require.Equal(t, "Moving '"+m.commits["1"].String()+".0' to be first deployment\nDowngraded:\n  tool 2.0 -> 1.0\nRun \"systemctl reboot\" to start a reboot\n", m.must("rollback", "-q"))
	require.Equal(t, []string{"1 booted", "2"}, m.list())
}
