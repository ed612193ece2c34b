package deploy_test

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
)

func TestLockKeepsOthersOut(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("timeout"))
	s := newSysroot(t)
	other, err := deploy.Open(s.Path(), options(t))
	require.NoError(t, err)
	defer func() { require.NoError(t, other.Close()) }()
	unlock, err := s.Lock(t.Context())
	require.NoError(t, err)

	var busy *deploy.BusyError
	_, err = other.Lock(t.Context())
	require.ErrorAs(t, err, &busy)
	require.ErrorContains(t, err, "try again")
	require.Equal(t, os.Getpid(), busy.PID, "the holder is named")
	require.Contains(t, busy.Command, "deploy.test")
	_, err = other.Cleanup(t.Context())
	require.ErrorAs(t, err, &busy)
	_, err = s.Lock(t.Context())
	require.ErrorAs(t, err, &busy, "not reentrant")
	require.NoError(t, s.InitStateroot(t.Context(), "while-held"), "its own changes go on")
	out, err := exec.CommandContext(t.Context(), "timeout", "0.3", "ostree", "admin", "cleanup", "--sysroot="+s.Path()).CombinedOutput()
	require.Error(t, err, "the tool waits: %s", out)

	require.NoError(t, unlock())
	require.NoError(t, unlock(), "twice is fine")
	require.NoFileExists(t, s.Path()+"/ostree/lock", "as libostree does, so that nothing is left")
	_, err = other.Cleanup(t.Context())
	require.NoError(t, err)
}

func TestLockWaits(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	opts := options(t)
	opts.LockTimeout = -1
	patient, err := deploy.Open(s.Path(), opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, patient.Close()) }()
	opts.LockTimeout = 10 * time.Millisecond
	hasty, err := deploy.Open(s.Path(), opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, hasty.Close()) }()

	unlock, err := s.Lock(t.Context())
	require.NoError(t, err)
	_, err = hasty.Lock(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = patient.Lock(ctx)
	require.ErrorIs(t, err, context.Canceled)

	got := make(chan error)
	go func() {
		release, err := patient.Lock(t.Context())
		if err == nil {
			err = release()
		}
		got <- err
	}()
	require.NoError(t, unlock())
	require.NoError(t, <-got)
}

func TestCancelledBeforeTheCommitPoint(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	for _, at := range []string{"checkout", "merge", "seal", "entries", "sync"} {
		ctx, cancel := context.WithCancel(t.Context())
		s.SetAfter(func(step string) {
			if step == at {
				cancel()
			}
		})
		_, err := s.Deploy(ctx, c, origin.New("x"), deploy.DeployOptions{})
		require.ErrorIs(t, err, context.Canceled, at)
		require.Empty(t, deployments(t, s), at)
	}
	// Afterwards it is too late, and finishing is right.
	ctx, cancel := context.WithCancel(t.Context())
	s.SetAfter(func(step string) {
		if step == "swap" {
			cancel()
		}
	})
	_, err := s.Deploy(ctx, c, origin.New("x"), deploy.DeployOptions{})
	require.NoError(t, err)
	require.Len(t, deployments(t, s), 1)
	requireAgreement(t, s)
}

// A process that was killed leaves the file, but no lock.
func TestStaleLockFile(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	require.NoError(t, os.WriteFile(s.Path()+"/ostree/lock", nil, 0o660))
	unlock, err := s.Lock(t.Context())
	require.NoError(t, err)
	require.NoError(t, unlock())
}
