package cli_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestQueries asks a running system, before and after an upgrade is staged.
func TestQueries(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.JSONEq(t, `["1"]`, m.must("status", "-J", "$.deployments[0].version"))
	require.JSONEq(t, `[]`, m.must("status", "--jsonpath=$.nothing"))
	require.Contains(t, m.fails("status", "-J", "$["), "--jsonpath=$[")
	require.Equal(t, 0, m.run("status", "--pending-exit-77").code)
	require.Equal(t, "<< No entries found >>\n", m.must("history"))
	require.Contains(t, m.must("why", "tool"), "tool_1.0_all is part of the base 1\nNo installed package needs it.\n")
	require.Contains(t, m.fails("why", "tolo"), "did you mean tool?")
	require.Contains(t, m.must("etc", "diff"), "Local changes of debian-")

	require.Equal(t, "tool_1.0_all [base]\n", m.must("list", "--base", "t*"))
	for _, filter := range []string{"--layered", "--local", "--overrides"} {
		require.Empty(t, m.must("list", filter), filter)
	}
	require.Regexp(t, `^ostree commit: stable \([0-9a-f]{64}\)\n  dpkgdbv is: 1:[0-9a-f]{64}\n$`, m.must("db", "version", "stable"))
	require.NotEqual(t, m.must("db", "version", "kept/1", "--json"), m.must("db", "version", "kept/2", "--json"))
	require.Contains(t, m.must("db", "diff", "kept/1", "kept/2", "--changelogs"), "\ntool 1.0 -> 2.0\n    the commit has no changelog of it\n")

	require.Contains(t, m.must("upgrade", "--check"), "AvailableUpdate:")
	require.Contains(t, m.must("status"), "\nAvailableUpdate:\n")
	m.must("upgrade")
	text := m.must("status")
	require.Contains(t, text, "Diff: 1 upgraded\n")
	require.NotContains(t, text, "AvailableUpdate")
	require.Contains(t, m.must("status", "-v"), "Upgraded: tool 1.0 -> 2.0\n")
	require.Equal(t, 77, m.run("status", "--pending-exit-77").code)
	require.Contains(t, m.must("status", "-b"), "BootedDeployment:\n")

	var entry struct {
		Deployment struct {
			Version string `json:"version"`
		} `json:"deployment"`
		Command     string `json:"deployment-create-command-line"`
		Transaction struct {
			Outcome string `json:"outcome"`
		} `json:"transaction"`
	}
	require.NoError(t, json.Unmarshal([]byte(m.must("history", "--json")), &entry))
	require.Equal(t, "2", entry.Deployment.Version)
	require.Equal(t, "succeeded", entry.Transaction.Outcome)
	require.Equal(t, "apt-ostree upgrade --sysroot="+m.path, entry.Command)
	var all []json.RawMessage
	require.NoError(t, json.Unmarshal([]byte(m.must("history", "--json-array", "--all")), &all))
	require.Len(t, all, 1)

	list, err := m.sysroot().Deployments(t.Context())
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(list[1].Path+"/etc/default", []byte("mine"), 0o644))
	diff := m.must("etc", "diff")
	require.Contains(t, diff, "  M default\n")
	require.Contains(t, diff, "  M default: default modified, the local version is kept\n")
	require.NotContains(t, m.must("etc", "diff", "--conflicts"), "Local changes")
	require.Contains(t, m.must("etc", "diff", "--json"), `"conflicts"`)
	require.Contains(t, m.must("apply-live", "--dry-run", "--allow-replacement"), "Upgraded:\n  tool 1.0 -> 2.0\n")
	require.Contains(t, m.fails("apply-live", "--dry-run"), "hint: replace packages in the running system on purpose\n      apt-ostree apply-live --allow-replacement\n")
}
