package deploy_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// program writes a script.
func program(t *testing.T, path, script string, mode os.FileMode) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	testenv.WriteProgram(t, path, []byte("#!/bin/sh\n"+script+"\n"), mode)
}

func TestHealthPrograms(t *testing.T) {
	t.Parallel()
	etc, usr := t.TempDir(), t.TempDir()
	program(t, usr+"/20-network", "echo no route; exit 3", 0o755)
	program(t, usr+"/10-disk", "echo from the image; exit 1", 0o755)
	program(t, usr+"/30-masked", "exit 1", 0o755)
	program(t, usr+"/README", "exit 1", 0o644)
	program(t, usr+"/helper.d/10-nested", "exit 1", 0o755)
	program(t, etc+"/10-disk", "echo fine", 0o755)
	require.NoError(t, os.Symlink("/dev/null", etc+"/30-masked"))

	checks, err := deploy.HealthPrograms(etc, usr, usr+"/missing")
	require.NoError(t, err)
	require.Len(t, checks, 2)
	require.Equal(t, "10-disk", checks[0].Name)
	require.NoError(t, checks[0].Run(t.Context()))
	require.Equal(t, "20-network", checks[1].Name)
	require.EqualError(t, checks[1].Run(t.Context()), "exit status 3: no route")

	require.NoError(t, os.Symlink("missing", etc+"/40-dangling"))
	_, err = deploy.HealthPrograms(etc)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = deploy.HealthPrograms(usr + "/10-disk")
	require.ErrorContains(t, err, "not a directory")
}

// Whoever ends the checks, as a shutdown does, says nothing about the deployment.
func TestInterruptedChecksJudgeNothing(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(string) {})
	b, _ := boot(t, s, d)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := b.AssessBoot(ctx, checks(func(ctx context.Context) error { cancel(); return ctx.Err() }))
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, deployments(t, s)[0].BootFailure)
	require.Equal(t, []string{"ostree-1.conf", "ostree-2+2.conf"}, names(t, s.Path()+"/boot/loader/entries"))
}

// A check may take as long as it likes without keeping others from changing the system.
func TestChecksRunWithoutTheLock(t *testing.T) {
	t.Parallel()
	s, d := counted(t, "2", func(string) {})
	b, _ := boot(t, s, d)
	a, err := b.AssessBoot(t.Context(), checks(func(ctx context.Context) error {
		unlock, err := s.Lock(ctx)
		if err != nil {
			return err
		}
		return unlock()
	}))
	require.NoError(t, err)
	require.Equal(t, &deploy.Assessment{Good: true}, a)
}
