package txn_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// TestHistory records what was done by whom and what came of it, on the disk and for the audit.
func TestHistory(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	var audited []history.Record
	s := h.open(txn.Options{Audit: func(r history.Record) { audited = append(audited, r) }})
	by := history.Actor{UID: 1000, Client: "cli", CommandLine: "apt-ostree deploy 2"}
	p, err := s.Plan(t.Context(), txn.Change{Deploy: "2", AllowDowngrade: true})
	require.NoError(t, err)
	d, err := s.Apply(t.Context(), p, txn.ApplyOptions{By: by})
	require.NoError(t, err)

	records, err := s.History(0)
	require.NoError(t, err)
	require.Len(t, records, 2, "with the deployment of the host itself")
	require.Len(t, audited, 1)
	r := records[0]
	require.Equal(t, audited[0].ID, r.ID)
	require.Equal(t, audited[0].Steps, r.Steps)
	require.Equal(t, audited[0].To, r.To)
	require.Equal(t, by, r.Actor)
	require.Equal(t, "allow-downgrade; deploy: 2", r.Title)
	require.Equal(t, history.Succeeded, r.Outcome)
	require.Equal(t, commits["3"].String(), r.From)
	require.Equal(t, commits["2"].String(), r.To)
	require.Equal(t, d.Path, filepath.Join(h.path, r.DeploymentPath))
	require.NotZero(t, r.DeploymentInode)
	require.NotEmpty(t, r.Steps)
	require.Equal(t, "Deploying", r.Steps[0].Name)
	var status txn.DeploymentStatus
	require.NoError(t, json.Unmarshal(r.Deployment, &status))
	require.Equal(t, "2", status.Version)
	require.Equal(t, os.Getuid(), records[1].Actor.UID, "this process by default")
	require.Empty(t, records[1].From)
}

// TestHistoryOfFailures records what did not happen, too; a plan that changes nothing is no transaction.
func TestHistoryOfFailures(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	h.apply(txn.Change{Deploy: ref})
	h.write("no/kernel", ostreetest.Tree{"usr/lib/os-release": ostreetest.File("ID=debian\n"), "usr/etc": ostreetest.Dir()}, ostree.Commit{Timestamp: h.now})
	_, err := h.Apply(t.Context(), h.plan(txn.Change{Deploy: "no/kernel"}), txn.ApplyOptions{})
	require.Error(t, err)

	records, lerr := h.History(0)
	require.NoError(t, lerr)
	require.Len(t, records, 2)
	require.Equal(t, history.Failed, records[0].Outcome)
	require.Equal(t, err.Error(), records[0].Error)
	require.Equal(t, string(txn.Classify(err)), records[0].ErrorKind)
	require.Contains(t, records[0].Error, records[0].Steps[0].Error)
	require.Empty(t, records[0].To)
}

// TestHistoryWhileRunning sees a transaction while it runs, from elsewhere.
func TestHistoryWhileRunning(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	other := h.open(txn.Options{})
	seen := map[history.Outcome]bool{}
	report := step.ReporterFunc(func(step.Event) {
		records, err := other.History(1)
		require.NoError(t, err)
		seen[records[0].Outcome] = true
	})
	_, err := h.Apply(t.Context(), h.plan(txn.Change{Deploy: "2", AllowDowngrade: true}), txn.ApplyOptions{Reporter: report})
	require.NoError(t, err)
	require.Equal(t, map[history.Outcome]bool{history.Running: true}, seen)
}

// TestUnwritableHistory does not keep anybody from changing the system.
func TestUnwritableHistory(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	dir := filepath.Join(h.path, "ostree/apt-ostree")
	require.NoError(t, os.RemoveAll(dir))
	require.NoError(t, os.WriteFile(dir, nil, 0o644))
	d := h.apply(txn.Change{Deploy: "2", AllowDowngrade: true})
	require.Equal(t, commits["2"], d.Checksum)
}
