package cli_test

import (
	"encoding/json"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUpgradeCommand has the texts and exit codes that scripts depend on.
func TestUpgradeCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	two := m.commits["2"].String()
	require.Equal(t, `AvailableUpdate:
        Version: 2 (2024-05-02T12:00:00Z)
         Commit: `+two+`
           Diff: 1 upgraded
`, withTimestamp(m.must("upgrade", "--check")))
	require.Contains(t, m.must("upgrade", "--preview", "--check"), "       Upgraded: tool 1.0 -> 2.0\n")
	require.Equal(t, []string{"1 booted"}, m.list())
	var plan struct{ Base string }
	require.NoError(t, json.Unmarshal([]byte(m.must("upgrade", "--check", "--json")), &plan))
	require.Equal(t, two, plan.Base)

	require.Equal(t, "Upgraded:\n  tool 1.0 -> 2.0\nRun \"systemctl reboot\" to start a reboot\n", m.must("upgrade", "-q"))
	require.Equal(t, []string{"2 staged", "1 booted"}, m.list())
	require.Equal(t, "No upgrade available.\n", m.must("update"))
	require.Equal(t, 77, m.run("upgrade", "--unchanged-exit-77").code)
	require.Equal(t, 77, m.run("upgrade", "--upgrade-unchanged-exit-77").code)
	none := m.run("upgrade", "--check")
	require.Equal(t, outcome{"No updates available.\n", "", 77}, none)

	require.Contains(t, m.fails("upgrade", "--check", "--install=x"), "--install and --uninstall cannot be used")
	require.Contains(t, m.fails("upgrade", "--preview", "-r"), "--reboot cannot be used together")
	require.Contains(t, m.fails("upgrade", "-r"), "--reboot is for the running system")
	require.Contains(t, m.fails("upgrade", "-C", "--download-only"), "cache-only download-only")
}

// withTimestamp makes the day of version 2 one that is known.
func withTimestamp(text string) string {
	return dates.ReplaceAllString(text, "2024-05-02T12:00:00Z")
}

var dates = regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:]+Z`)

func TestDeployCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.Equal(t, "!tool_1.0_all\n=tool_2.0_all\n", m.must("deploy", "2", "--preview"))
	require.Contains(t, m.must("deploy", "version=2"), "tool 1.0 -> 2.0")
	require.Equal(t, []string{"2 staged", "1 booted"}, m.list())
	require.Equal(t, "No change.\n", m.must("deploy", "2"))
	require.Equal(t, 77, m.run("deploy", "2", "--unchanged-exit-77").code)
	require.Contains(t, m.fails("deploy", "1", "--disallow-downgrade"), "chronologically older")
	require.Contains(t, m.must("deploy", m.commits["1"].String()), "Downgraded:\n  tool 2.0 -> 1.0\n")
	require.Contains(t, m.fails("deploy"), "deploy needs a revision")
	require.Contains(t, m.fails("deploy", "--register-driver=x"), "the caller runs in none")
	require.Contains(t, m.fails("deploy", "9"), `"9" is neither`)
}

func TestRebaseCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.Contains(t, m.must("rebase", ":kept/2"), "Run \"systemctl reboot\" to start a reboot\n")
	require.Equal(t, []string{"2 staged", "1 booted"}, m.list())
	require.Contains(t, m.must("status"), "  kept/2\n")
	require.Contains(t, m.fails("rebase", "kept/2"), "Old and new refs are equal: kept/2")
	require.Contains(t, m.fails("rebase"), "needs a REFSPEC")
	require.Contains(t, m.fails("rebase", "-b", "stable"), "not found", "rebasing away deleted it")
	require.Contains(t, m.must("rebase", m.commits["1"].String(), "--custom-origin-url=u", "--custom-origin-description=d"), "Downgraded")
	require.Contains(t, m.fails("rebase", ":kept/2", "--custom-origin-url=u"), "custom-origin-description")
	hint := m.fails("rebase", "-b", "kept/2", "-m", "nope", "--disallow-downgrade")
	require.Contains(t, hint, "nope")
}

// TestFinalizeCommand locks and unlocks. The reboot is refused, as the sysroot is not /.
func TestFinalizeCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	m.must("upgrade", "--lock-finalization")
	list, err := m.sysroot().Deployments(t.Context())
	require.NoError(t, err)
	require.True(t, list[0].Locked)
	require.Contains(t, m.fails("finalize-deployment", m.commits["2"].String()), "--reboot is for the running system")
}
