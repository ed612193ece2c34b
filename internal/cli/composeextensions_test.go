package cli_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestComposeExtensions downloads extensions for a root tree, and a second time finds nothing to do.
func TestComposeExtensions(t *testing.T) {
	t.Parallel()
	tree, dir := treefile(t, archive(t, nil), "base"), t.TempDir()
	extensions := write(t, "e.yaml", "extensions:\n  editor: {}\n  far: {architectures: [arm64]}\n")
	require.NoError(t, os.MkdirAll(dir+"/root/usr/lib/sysimage/dpkg", 0o755))
	require.NoError(t, os.WriteFile(dir+"/root/usr/lib/sysimage/dpkg/status",
		[]byte("Package: base\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: 1.0\nDescription: test\n"), 0o644))
	touched := filepath.Join(dir, "touched")
	args := []string{"extensions", tree, extensions, "--rootfs=" + dir + "/root"}
	require.Equal(t, "  editor_1.0_all (stable)\n  libedit_2.1_all (stable)\n", mustCompose(t, dir, append(args, "--dry-run")...))
	require.Contains(t, mustCompose(t, dir, append(args, "--dry-run", "--json")...), `"checksum"`)

	args = append(args, "--output-dir="+dir+"/out", "--touch-if-changed="+touched)
	require.Equal(t, "2 packages of 1 extensions in "+dir+"/out\n", mustCompose(t, dir, args...))
	require.FileExists(t, dir+"/out/editor_1.0_all.deb")
	old := time.Unix(1000000000, 0)
	require.NoError(t, os.Chtimes(touched, old, old))
	require.Equal(t, "No apparent changes since previous extensions\n", mustCompose(t, dir, args...))
	info, err := os.Stat(touched)
	require.NoError(t, err)
	require.Equal(t, old, info.ModTime())

	for want, flags := range map[string][]string{
		"repo rootfs":        {"--output-dir=x"},
		"output-dir":         {"--rootfs=x"},
		"none of the others": {"--rootfs=x", "--repo=y", "--output-dir=x"},
	} {
		out := run(t, append([]string{"compose", "extensions", tree, extensions}, flags...)...)
		require.Equal(t, 1, out.code)
		require.Contains(t, out.stderr, want)
	}
}
