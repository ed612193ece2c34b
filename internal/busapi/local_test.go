package busapi_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestLocalPackage passes a package as a descriptor: the daemon reads what the caller could, and nothing by its name.
func TestLocalPackage(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.polkit()
	b.daemon()
	archive := apttest.New(t, apttest.Options{Architectures: []string{"amd64"}})
	archive.Add(apttest.Deb{Package: "mine", Version: "1.5"})
	archive.Publish()
	found, err := filepath.Glob(archive.Dir + "/pool/*/mine_*.deb")
	require.NoError(t, err)
	if len(found) == 0 {
		found, err = filepath.Glob(archive.Dir + "/pool/*/*/*/mine_*.deb")
		require.NoError(t, err)
	}
	require.Len(t, found, 1)
	content, err := os.ReadFile(found[0])
	require.NoError(t, err)
	file := filepath.Join(b.dir, "mine.deb")
	require.NoError(t, os.WriteFile(file, content, 0o644))

	out := b.cli(trusted, "install", "--dry-run", "--json", file)
	require.Zero(t, out.code, out.stderr)
	var plan txn.Plan
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &plan))
	require.Len(t, plan.Packages, 1)
	require.Equal(t, "mine", plan.Packages[0].Name)
	require.Equal(t, "1.5", plan.Packages[0].Version)

	out = b.cli(upgrader, "install", "--dry-run", file)
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "org.aptostree.dev.install-local-packages")
	require.NoError(t, os.Chmod(file, 0o600))
	out = b.cli(trusted, "install", "--dry-run", file)
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "permission denied", "what the caller cannot read, the daemon does not read for it")
}
