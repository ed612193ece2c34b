package deploy_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

func TestChangesAreReported(t *testing.T) {
	t.Parallel()
	var events []deploy.Event
	opts := options(t)
	opts.Report = func(e deploy.Event) { events = append(events, e) }
	s := newSysrootWith(t, opts)
	c := commit(t, s, "1", nil)

	d := mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Equal(t, []deploy.Event{deploy.Written{Boot: 1, Sub: 1, Entries: true, Added: 1}}, events)

	require.NoError(t, os.WriteFile(filepath.Join(d.Path, "etc/a.conf"), []byte("local"), 0o644))
	events = nil
	mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Len(t, events, 2)
	merged, ok := events[0].(deploy.EtcMerged)
	require.True(t, ok)
	require.Equal(t, "a.conf", merged.Report.Changes[0].Path)
	require.Equal(t, deploy.Written{Boot: 0, Sub: 1, Entries: true, Added: 1}, events[1])

	events = nil
	mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Equal(t, deploy.Written{Boot: 0, Sub: 0, Atomic: true}, events[1], "only the link farm is switched")
}

// atomicLoader is a boot loader that finds its configuration beside the entries.
type atomicLoader struct{ bootloader.None }

func (atomicLoader) Atomic() bool { return true }

func TestReportSaysThatTheBootLoaderIsAtomic(t *testing.T) {
	t.Parallel()
	var events []deploy.Event
	opts := options(t)
	opts.Bootloader = atomicLoader{}
	opts.Report = func(e deploy.Event) { events = append(events, e) }
	s := newSysrootWith(t, opts)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.Equal(t, []deploy.Event{deploy.Written{Boot: 1, Sub: 1, Entries: true, Atomic: true, Added: 1}}, events)
}

func TestWaitingForTheLockIsReportedOnce(t *testing.T) {
	t.Parallel()
	waits := 0
	opts := options(t)
	opts.LockTimeout = 200 * time.Millisecond
	opts.Report = func(e deploy.Event) {
		require.Equal(t, deploy.LockWait{}, e)
		waits++
	}
	s := newSysrootWith(t, opts)
	other, err := deploy.Open(s.Path(), options(t))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	unlock, err := other.Lock(t.Context())
	require.NoError(t, err)
	_, err = s.Lock(t.Context())
	var busy *deploy.BusyError
	require.ErrorAs(t, err, &busy)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Equal(t, 1, waits)
	require.NoError(t, unlock())
}
