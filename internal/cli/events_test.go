package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestEventStream prints events as lines of JSON: started first, finished last, the percentage never back.
func TestEventStream(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	o := m.run("upgrade", "--progress=json")
	require.Zero(t, o.code, o.stderr)
	var kinds []string
	percent := 0.0
	for line := range strings.Lines(o.stderr) {
		var e struct {
			Event   string   `json:"event"`
			Percent *float64 `json:"percent"`
			Time    string   `json:"time"`
		}
		require.NoError(t, json.Unmarshal([]byte(line), &e), line)
		require.NotEmpty(t, e.Time)
		kinds = append(kinds, e.Event)
		if e.Percent != nil {
			require.GreaterOrEqual(t, *e.Percent, percent)
			percent = *e.Percent
		}
	}
	require.Equal(t, "started", kinds[0])
	require.Equal(t, "finished", kinds[len(kinds)-1])
	require.Contains(t, kinds, "step-started")
	require.InDelta(t, 100, percent, 0.01)

	require.Empty(t, m.run("deploy", "version=1", "--progress=none").stderr)
	require.Contains(t, m.fails("status", "--progress=loud"), "not one of auto, json, none")
}
