package assemble_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// abandoned makes what a killed process leaves.
func abandoned(t *testing.T, parent string) string {
	t.Helper()
	dir := filepath.Join(parent, "assemble-123")
	for _, name := range []string{"lower", "upper", "work", "root"} {
		require.NoError(t, os.MkdirAll(filepath.Join(dir, name), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "upper", "file"), nil, 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600))
	return dir
}

func TestSweepLeavesRunningBuildsAlone(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	stale := abandoned(t, parent)
	other := filepath.Join(parent, "pkgcache")
	require.NoError(t, os.Mkdir(other, 0o755))
	c, err := assemble.OpenCage(assemble.Input{WorkDir: parent, Runner: &sandboxtest.Recorder{}})
	require.NoError(t, err)
	require.NoDirExists(t, stale, "opening sweeps")
	require.NoError(t, assemble.Sweep(parent))
	require.DirExists(t, c.Root())
	require.DirExists(t, other)
	require.NoError(t, c.Close())
	require.NoDirExists(t, c.Root())
	require.NoError(t, c.Close(), "a second time")
}

func TestSweepOfNothing(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "none")
	require.NoError(t, assemble.Sweep(missing))
	require.NoDirExists(t, missing)
}

func TestSweepUnmounts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	parent := t.TempDir()
	dir := abandoned(t, parent)
	_, err := sandbox.Overlay{
		Lower: []string{filepath.Join(dir, "lower")}, Upper: filepath.Join(dir, "upper"),
		Work: filepath.Join(dir, "work"), Target: filepath.Join(dir, "root"),
	}.Mount(t.Context())
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dir, "root", "file"))
	held, err := os.Open(filepath.Join(dir, "root", "file")) // somebody is still there
	require.NoError(t, err)
	defer held.Close()
	require.NoError(t, assemble.Sweep(parent))
	require.NoDirExists(t, dir)
}

func TestScratchIsPrivate(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "extensions", "apt-ostree")
	c, err := assemble.OpenCage(assemble.Input{WorkDir: parent, Runner: &sandboxtest.Recorder{}})
	require.NoError(t, err)
	defer func() { require.NoError(t, c.Close()) }()
	for _, dir := range []string{parent, filepath.Dir(c.Root())} {
		info, err := os.Stat(dir)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o700), info.Mode().Perm(), dir)
	}
}
