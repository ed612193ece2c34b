package bootloader_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// rootAt is where the root file system of a disk begins.
const rootAt = 258 << 20

// TestGRUBCountsForReal starts GRUB, and nothing after it: the kernels are not there, which GRUB says.
// Each time it takes one off the counter of the default, and when that has run out it starts the other
// entry. Then the counter stays as it is.
func TestGRUBCountsForReal(t *testing.T) {
	t.Parallel()
	for name, firmware := range map[string][]string{
		"BIOS": nil,
		"EFI":  {"-drive", "if=pflash,format=raw,readonly=on,file=" + ovmf},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkGRUBCounts(t, firmware)
		})
	}
}

// ovmf is the firmware of Debian's package ovmf.
const ovmf = "/usr/share/OVMF/OVMF_CODE_4M.fd"

func checkGRUBCounts(t *testing.T, firmware []string) {
	t.Helper()
	testenv.Integration(t, testenv.Root, testenv.Tool("ostree"), testenv.Tool("qemu-system-x86_64"), testenv.Tool("debugfs"), testenv.Tool("grub-mkimage"))
	sysroot := filepath.Join(t.TempDir(), "sysroot")
	first, second := countedSysroot(t, sysroot)
	disk := filepath.Join(t.TempDir(), "disk.raw")
	require.NoError(t, image.Write(t.Context(), sysroot, disk, image.Options{Size: 512 << 20}))
	for _, want := range []struct {
		left string
		boot string
	}{{"1", second}, {"0", second}, {"0", first}} {
		console := startLoader(t, disk, want.boot+"/vmlinuz-6.1' not found", firmware)
		require.Contains(t, console, "/boot/ostree/os-"+want.boot+"/vmlinuz-6.1' not found")
		env := debugfs(t, disk, "cat /boot/loader.0/grubenv")
		require.Contains(t, env, "ostree_tries="+want.left+"\n", console)
		require.Len(t, env, 1024)
	}
}

// countedSysroot makes a sysroot with two deployments, of which the second may be tried twice, and
// takes their kernels away. It returns the checksums in the names of those.
func countedSysroot(t *testing.T, path string) (first, second string) {
	t.Helper()
	s, err := deploy.Init(path, deploy.InitOptions{Options: deploy.Options{NoSync: true, Mutable: true, RunDir: t.TempDir()}})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.InitStateroot(t.Context(), "os"))
	put(t, path+"/boot/grub/grub.cfg", "")
	put(t, path+"/boot/grub/custom.cfg", "serial --unit=0 --speed=115200\nterminal_output serial\nset timeout=0\n")
	var sums []string
	for _, version := range []string{"1", "2"} {
		tree := t.TempDir()
		put(t, tree+"/usr/lib/modules/6.1/vmlinuz", "kernel "+version)
		put(t, tree+"/usr/lib/modules/6.1/initramfs.img", "initramfs")
		put(t, tree+"/usr/lib/os-release", "ID=os\n")
		out, err := exec.CommandContext(t.Context(), "ostree", "--repo="+s.Repo().Path(), "commit", "-b", version, "--tree=dir="+tree).Output()
		require.NoError(t, err)
		c, err := ostree.ParseChecksum(strings.TrimSpace(string(out)))
		require.NoError(t, err)
		d, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
		require.NoError(t, err)
		sums = append(sums, d.BootChecksum)
		require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", "2"))
	}
	kernels, err := filepath.Glob(path + "/boot/ostree/*/vmlinuz-*")
	require.NoError(t, err)
	require.Len(t, kernels, 2)
	for _, kernel := range kernels {
		require.NoError(t, os.Remove(kernel))
	}
	return sums[0], sums[1]
}

// startLoader starts a disk until the console says something, and returns what it says.
func startLoader(t *testing.T, disk, until string, firmware []string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	console := filepath.Join(t.TempDir(), "console")
	args := append([]string{
		"-machine", "q35", "-accel", "tcg", "-m", "256", "-nodefaults", "-display", "none",
		"-serial", "file:" + console, "-drive", "if=virtio,format=raw,cache=writethrough,file=" + disk,
	}, firmware...)
	qemu := exec.CommandContext(ctx, "qemu-system-x86_64", args...)
	require.NoError(t, qemu.Start())
	said := func() string {
		text, err := os.ReadFile(console)
		if err != nil {
			require.ErrorIs(t, err, os.ErrNotExist)
		}
		return strings.NewReplacer("\r", "", "\n", "").Replace(string(text)) // The lines are short.
	}
	for !strings.Contains(said(), until) && ctx.Err() == nil {
		time.Sleep(200 * time.Millisecond)
	}
	cancel()
	var ended *exec.ExitError
	require.True(t, errors.As(qemu.Wait(), &ended))
	return said()
}

func debugfs(t *testing.T, disk, command string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "debugfs", "-R", command, fmt.Sprintf("%s?offset=%d", disk, rootAt)).Output()
	require.NoError(t, err)
	return string(out)
}
