package deploy_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

func TestRemotesDir(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir, err := deploy.RemotesDir(root)
	require.NoError(t, err)
	require.Empty(t, dir, "this is a physical root")
	require.NoError(t, os.Mkdir(filepath.Join(root, "sysroot"), 0o755))
	dir, err = deploy.RemotesDir(root)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(root, "etc/ostree/remotes.d"), dir)
}
