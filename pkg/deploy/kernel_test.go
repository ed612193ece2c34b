package deploy_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func TestNoDeviceTrees(t *testing.T) {
	t.Parallel()
	opts := options(t)
	opts.NoDeviceTrees = true
	s := newSysrootWith(t, opts)
	c := commit(t, s, "1", tree{"usr/lib/modules/6.1.0/dtb/board.dtb": "tree"})
	d := mustDeploy(t, s, c, deploy.DeployOptions{})
	other := mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
	require.Equal(t, other.BootChecksum, d.BootChecksum, "device trees are no part of the kernel")
	found, err := filepath.Glob(s.Path() + "/boot/ostree/*/dtb")
	require.NoError(t, err)
	require.Empty(t, found)
}
