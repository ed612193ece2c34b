package history_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// begin starts a record in a new store.
func begin(t *testing.T) (history.Store, *history.Writer) {
	t.Helper()
	store := history.Store{Dir: filepath.Join(t.TempDir(), "var/history")}
	w, err := store.Begin(history.Record{Title: "install htop", From: "aa", Change: json.RawMessage(`{"install":["htop"]}`)}, now)
	require.NoError(t, err)
	return store, w
}

func list(t *testing.T, s history.Store, limit int) []history.Record {
	t.Helper()
	records, err := s.List(limit)
	require.NoError(t, err)
	return records
}

func TestLifeOfARecord(t *testing.T) {
	t.Parallel()
	store, w := begin(t)
	running := list(t, store, 0)
	require.Len(t, running, 1)
	require.Equal(t, history.Running, running[0].Outcome)
	require.Equal(t, "install htop", running[0].Title)

	require.NoError(t, w.Step(history.Step{Name: "Downloading", Seconds: 1.5}))
	require.NoError(t, w.End(history.End{Outcome: history.Succeeded, To: "bb", Finished: now.Add(2 * time.Second)}))
	done := list(t, store, 0)[0]
	require.Equal(t, w.Record(), done)
	require.Equal(t, history.Succeeded, done.Outcome)
	require.Equal(t, []history.Step{{Name: "Downloading", Seconds: 1.5}}, done.Steps)
	require.Equal(t, 2*time.Second, done.Elapsed())
	require.JSONEq(t, `{"install":["htop"]}`, string(done.Change))

	info, err := os.Stat(filepath.Join(store.Dir, done.ID+".jsonl"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o644), info.Mode().Perm())
}

// TestRecordsOfKilledTransactions keeps what was written, however the last line ends.
func TestRecordsOfKilledTransactions(t *testing.T) {
	t.Parallel()
	store, w := begin(t)
	require.NoError(t, w.Step(history.Step{Name: "one"}))
	require.NoError(t, w.End(history.End{Outcome: history.Succeeded}))
	path := filepath.Join(store.Dir, w.Record().ID+".jsonl")
	whole, err := os.ReadFile(path)
	require.NoError(t, err)
	for cut := range whole[:len(whole)-1] {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o644))
		r := list(t, store, 0)[0]
		require.Equal(t, w.Record().ID, r.ID)
		if r.Outcome != history.Succeeded { // the last line is whole without its line end
			require.Equal(t, history.Interrupted, r.Outcome, cut)
		}
	}
	require.NoError(t, os.WriteFile(path, []byte("\x00\x00not json\n"+string(whole)), 0o644))
	require.Equal(t, history.Succeeded, list(t, store, 0)[0].Outcome)
}

// TestOrderAndLimit lists the newest first, also those that began in one instant, and drops the oldest.
func TestOrderAndLimit(t *testing.T) {
	t.Parallel()
	store := history.Store{Dir: t.TempDir(), Keep: 3}
	for _, title := range []string{"a", "b", "c", "d", "e"} {
		at := now
		if title == "d" {
			at = now.Add(-time.Hour) // the clock was set back
		}
		w, err := store.Begin(history.Record{Title: title}, at)
		require.NoError(t, err)
		require.NoError(t, w.End(history.End{Outcome: history.Failed, Error: "no"}))
	}
	titles := ""
	for _, r := range list(t, store, 0) {
		titles += r.Title
	}
	require.Equal(t, "edc", titles)
	require.Len(t, list(t, store, 2), 2)
	require.Empty(t, list(t, history.Store{Dir: filepath.Join(store.Dir, "none")}, 0))
}
