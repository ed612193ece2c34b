package deploy_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func TestFreezingIsWatched(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("fsfreeze"))
	made := newSysroot(t)
	c := commit(t, made, "1", nil)
	opts := options(t)
	opts.NoSync, opts.TestFreeze = false, true
	s, err := deploy.Open(made.Path(), opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	_, err = s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var stopped *deploy.FreezeTestError
	require.ErrorAs(t, err, &stopped)
	require.True(t, stopped.Thawed)
	require.Equal(t, filepath.Join(s.Path(), "boot"), stopped.Path)
	require.Empty(t, deployments(t, made), "it was stopped before the commit point")
}
