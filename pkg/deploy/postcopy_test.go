package deploy_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

func TestPostCopyMakesDeploymentsImmutableAgain(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	root, err := fsx.OpenDir(d.Path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, root.Close()) })
	deployed, err := fsx.IsImmutable(root) // not on every file system
	require.NoError(t, err)
	require.NoError(t, fsx.SetImmutable(root, false))
	require.NoError(t, s.PostCopy(t.Context()))
	again, err := fsx.IsImmutable(root)
	require.NoError(t, err)
	require.Equal(t, deployed, again)
}

func TestPostCopyGuardsFilesAgain(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, s.Repo().SetConfigValue("ex-integrity", "fsverity", "maybe"))
	require.NoError(t, s.PostCopy(t.Context()))

	require.NoError(t, s.Repo().SetConfigValue("ex-integrity", "fsverity", "yes"))
	err := s.PostCopy(t.Context())
	f, openErr := os.Open(d.Path + "/usr/bin/program")
	require.NoError(t, openErr)
	defer f.Close()
	_, guarded, measureErr := composefs.Measure(f)
	require.NoError(t, measureErr)
	if guarded {
		require.NoError(t, err)
	} else {
		require.ErrorIs(t, err, composefs.ErrUnsupported, "it is not left out in silence")
	}
}
