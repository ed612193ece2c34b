package bootloader_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// systemdBootEFI is the program of Debian's package systemd-boot-efi.
const systemdBootEFI = "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"

// TestSystemdBootCountsForReal starts systemd-boot, which tries to start what is no kernel. Each time it
// counts in the name of the default's entry, and when the tries have run out it takes the other one.
func TestSystemdBootCountsForReal(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Tool("qemu-system-x86_64"), testenv.Tool("mkfs.vfat"), testenv.Tool("mcopy"))
	boot := t.TempDir()
	for _, name := range []string{
		"debian-b/vmlinuz-6.1", "debian-b/initramfs-6.1.img", "initramfs-overlays/o.img", "debian-a/vmlinuz-5.10", "debian-a/devicetree-5.10",
	} {
		put(t, boot+"/ostree/"+name, name)
	}
	esp := boot + "/efi"
	c := config(t, boot, 1)
	c.Names[0].Counted, c.Names[0].TriesLeft = true, 2
	s := bootloader.SystemdBoot{Path: esp}
	require.NoError(t, s.Write(t.Context(), c))
	require.NoError(t, s.Finish(t.Context(), c))
	program, err := os.ReadFile(systemdBootEFI)
	require.NoError(t, err)
	put(t, esp+"/EFI/BOOT/BOOTX64.EFI", string(program))
	put(t, esp+"/loader/loader.conf", "timeout 0\n")

	disk := filepath.Join(t.TempDir(), "esp.raw")
	run := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
		return string(out)
	}
	run("mkfs.vfat", "-C", disk, "65536")
	for _, dir := range []string{"EFI", "loader", "ostree"} {
		run("mcopy", "-s", "-i", disk, filepath.Join(esp, dir), "::")
	}
	firmware := []string{"-drive", "if=pflash,format=raw,readonly=on,file=" + ovmf}
	for _, want := range []struct{ entry, kernel string }{
		{"ostree-1.2+1-1.conf", `\ostree\debian-b\vmlinuz-6.1`},
		{"ostree-1.2+0-2.conf", `\ostree\debian-b\vmlinuz-6.1`},
		{"ostree-1.2+0-2.conf", `\ostree\debian-a\vmlinuz-5.10`},
	} {
		console := startLoader(t, disk, want.kernel, firmware)
		require.Contains(t, console, want.kernel)
		require.Contains(t, run("mdir", "-b", "-i", disk, "::/loader/entries"), "/"+want.entry, console)
	}
}
