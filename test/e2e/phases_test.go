package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestPhases composes the embedded Debian in one go, and by the commands for its parts: the commits are
// the same. The parts follow a strict lockfile that the whole has written.
func TestPhases(t *testing.T) {
	needAll(t)
	dir := t.TempDir()
	tree, locks, cache := filepath.Join(dir, "tree.json"), filepath.Join(dir, "locks.json"), "--cachedir="+cacheDir(t)
	require.NoError(t, os.WriteFile(tree, []byte(run(t, "apt-ostree", "compose", "tree", "--print-only")), 0o644))
	run(t, "apt-ostree", "compose", "tree", tree, "--repo="+dir+"/whole", cache, "--write-lockfile-to="+locks)
	want := line(run(t, "ostree", "rev-parse", "--repo="+dir+"/whole", ref))

	var written struct{ Packages map[string]any }
	text, err := os.ReadFile(locks)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &written))
	require.Contains(t, written.Packages, "systemd")

	root := filepath.Join(dir, "build/rootfs")
	run(t, "apt-ostree", "compose", "install", tree, dir+"/build", cache, "--lockfile="+locks, "--lockfile-strict")
	require.FileExists(t, filepath.Join(root, "etc/passwd"))
	require.Zero(t, try(t, "dpkg", "--root="+root, "--audit").code)
	run(t, "apt-ostree", "compose", "commit", tree, root, cache, "--repo="+dir+"/parts")
	require.Equal(t, want, line(run(t, "ostree", "rev-parse", "--repo="+dir+"/parts", ref)))
	run(t, "apt-ostree", "compose", "postprocess", root, tree, cache)
	require.NoDirExists(t, filepath.Join(root, "etc"))
	run(t, "apt-ostree", "compose", "commit", tree, root, cache, "--repo="+dir+"/finished")
	require.Equal(t, want, line(run(t, "ostree", "rev-parse", "--repo="+dir+"/finished", ref)))
	run(t, "ostree", "fsck", "--quiet", "--repo="+dir+"/finished")
}
