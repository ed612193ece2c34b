package cli_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestGRUBMenu makes the menu as libostree asks for it, from the entries that it has written.
func TestGRUBMenu(t *testing.T) {
	t.Parallel()
	loader := filepath.Join(t.TempDir(), "boot/loader.1")
	require.NoError(t, os.MkdirAll(loader+"/entries", 0o755))
	for name, text := range map[string]string{
		"ostree-1-os.conf":   "title Old\nversion 1\noptions quiet\nlinux /ostree/os-a/vmlinuz\n",
		"ostree-2-os+3.conf": "title New\nversion 2\noptions quiet\nlinux /ostree/os-b/vmlinuz\ninitrd /ostree/os-b/initramfs.img\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(loader, "entries", name), []byte(text), 0o644))
	}
	got := run(t, "grub-menu", "-o", loader+"/grub.cfg")
	require.Zero(t, got.code, got.stderr)
	menu, err := os.ReadFile(loader + "/grub.cfg")
	require.NoError(t, err)
	require.Regexp(t, `(?s)menuentry 'New' .*--id 'ostree-0' .*linux /boot/ostree/os-b/vmlinuz quiet\n  initrd /boot/ostree/os-b/initramfs.img\n.*menuentry 'Old' .*--id 'ostree-1' `, string(menu))
	env, err := os.ReadFile(loader + "/grubenv")
	require.NoError(t, err)
	require.Contains(t, string(env), "ostree_tries=3\n")

	for _, file := range []string{"", filepath.Dir(loader) + "/efi/EFI/debian/grub.cfg.new"} {
		got := run(t, "grub-menu", "-o", file)
		require.Equal(t, 1, got.code)
		require.Contains(t, got.stderr, "loader.")
	}
}

func TestAssessBootNeedsASystem(t *testing.T) {
	t.Parallel()
	file := write(t, "check", "")
	got := run(t, "assess-boot", "--health-checks="+file)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.stderr, "not a directory")
}
