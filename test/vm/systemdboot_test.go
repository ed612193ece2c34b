package vm_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// TestSystemdBoot boots by entries on the EFI system partition, where kernels are copied to, and which
// the boot loader renames to count.
func TestSystemdBoot(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.File("/usr/lib/systemd/boot/efi/systemd-bootx64.efi"))
	archive := apttest.New(t, apttest.Options{})
	archive.Add(probe("1.0"))
	m, s := startMachine(t, diskWith(t, archive, func(o *image.InstallOptions) {
		o.Loader, o.Tries = image.SystemdBoot, 2
	}), vm.Options{Firmware: vm.EFI})
	base := s.checkBooted(0)
	require.Contains(t, s.sh("tr -d '\\0' </sys/firmware/efi/efivars/LoaderInfo-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f"), "systemd-boot")
	require.Contains(t, s.run("findmnt", "-n", "/boot/efi"), "vfat")

	s.run("apt-ostree", "install", "probe")
	s.reboot()
	// Nothing has assessed it yet.
	require.Equal(t, []string{"probe"}, s.checkBooted(0).Packages)
	require.Contains(t, s.run("ls", "/boot/efi/loader/entries"), "+1-1.conf\n")
	s.run("systemctl", "start", "apt-ostree-boot-complete.service")
	s.waitAssessed(m, "probe")
	require.NotContains(t, s.run("ls", "/boot/efi/loader/entries"), "+")

	s.run("apt-ostree", "rollback")
	s.reboot()
	require.Equal(t, base.Checksum, s.checkBooted(0).Checksum)
}
