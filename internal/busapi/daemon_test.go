package busapi_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// outcome is what a command printed and how it ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// cli runs our command line against the bus.
func (b *bus) cli(uid uint32, args ...string) outcome {
	b.t.Helper()
	c := b.program("apt-ostree", args...)
	if uid != 0 {
		as(uid, c)
	}
	var stdout, stderr lockedBuffer
	c.Stdout, c.Stderr = &stdout, &stderr
	_ = c.Run() // the status says how it ended
	return outcome{stdout.String(), stderr.String(), c.ProcessState.ExitCode()}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	out := b.cli(nobody, "status", "--json")
	require.Zero(t, out.code, out.stderr)
	var status txn.Status
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &status))
	require.Len(t, status.Deployments, 1)
	require.Equal(t, "2", status.Deployments[0].PendingBaseVersion)

	out = b.cli(0, "upgrade")
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stdout, "base-tool 1.0 -> 2.0")
	require.Equal(t, []string{"2", "1"}, b.versions())
	out = b.cli(0, "upgrade", "--unchanged-exit-77")
	require.Equal(t, 77, out.code, out.stderr)
	require.Contains(t, out.stdout, "No upgrade available.")
	out = b.cli(0, "rollback")
	require.Zero(t, out.code, out.stderr)
	require.Equal(t, []string{"1", "2"}, b.versions())
}
