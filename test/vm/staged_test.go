package vm_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// TestStaged stages deployments on a running system. At shutdown one is finalized, with what /etc has
// become by then, and a locked one is not.
func TestStaged(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"))
	s := container(t, apttest.New(t, apttest.Options{}))
	booted := s.checkBooted(0)
	require.Zero(t, booted.Serial)

	s.run("ostree-example", "admin", "deploy", "--stage", vm.Ref)
	s.checkBooted(1)
	require.True(t, s.status().Deployments[0].Staged)
	require.Contains(t, s.run("ostree", "admin", "status"), "(staged)")
	s.sh("echo late >/etc/late.conf")
	s.reboot()
	require.Equal(t, 1, s.checkBooted(0).Serial)
	require.Len(t, s.status().Deployments, 2)
	require.Equal(t, "late\n", s.run("cat", "/etc/late.conf"))

	s.run("ostree-example", "admin", "deploy", "--stage", "--lock-finalization", vm.Ref)
	staged := s.status().Deployments[0]
	require.True(t, staged.Staged)
	s.checkBooted(1)
	s.reboot()
	require.Equal(t, 1, s.checkBooted(0).Serial)
	require.False(t, s.status().Deployments[0].Staged)
}

// finalizedByPeer makes Debian's ostree what finalizes staged deployments. It runs ours where it would run
// grub-mkconfig.
const finalizedByPeer = `dir=/etc/systemd/system/ostree-finalize-staged.service.d
mv $dir/ours.conf /etc/ours.conf
printf '[Service]\nEnvironment=OSTREE_GRUB2_EXEC=/usr/local/bin/apt-ostree-grub-menu\n' >$dir/grub.conf
systemctl daemon-reload
systemctl show -P ExecStop ostree-finalize-staged.service`

// TestStagedWithPeer is the same in a machine, between libostree and us: each finalizes at shutdown what
// the other has staged, and GRUB boots it.
func TestStagedWithPeer(t *testing.T) {
	t.Parallel()
	need(t)
	s := start(t, disk(t, apttest.New(t, apttest.Options{})), vm.Options{Firmware: vm.BIOS})
	require.NotZero(t, s.try("test", "-e", "/sys/firmware/efi").Code)
	s.checkInstalled(vm.Ref)
	late := func(text string) { s.sh("echo " + text + " >/etc/late.conf") }

	s.run("ostree", "admin", "deploy", "--stage", vm.Ref)
	require.True(t, s.status().Deployments[0].Staged)
	s.checkBooted(1)
	late("theirs")
	s.reboot()
	require.Equal(t, 1, s.checkBooted(0).Serial, "staged by libostree, finalized by us")
	// That /usr cannot be unmounted at the end, from where systemd runs, is no harm.
	require.NotZero(t, s.try("sh", "-c", "journalctl -b --no-pager | grep -i recover").Code, "the shutdown left a file system to recover")
	require.Equal(t, "theirs\n", s.run("cat", "/etc/late.conf"))

	require.Contains(t, s.sh(finalizedByPeer), "/usr/bin/ostree")
	s.run("ostree-example", "admin", "deploy", "--stage", vm.Ref)
	require.Contains(t, s.run("ostree", "admin", "status"), "(staged)")
	late("ours")
	s.reboot()
	require.Equal(t, 2, s.checkBooted(0).Serial, "staged by us, finalized by libostree")
	require.Equal(t, "ours\n", s.run("cat", "/etc/late.conf"))
	require.Equal(t, 2, strings.Count(s.run("cat", "/boot/grub/grub.cfg"), "menuentry 'Debian"))

	s.run("ostree-example", "admin", "deploy", "--stage", "--lock-finalization", vm.Ref)
	require.True(t, s.status().Deployments[0].Staged)
	s.reboot()
	require.Equal(t, 2, s.checkBooted(0).Serial, "locked by us, respected by libostree")
	require.False(t, s.status().Deployments[0].Staged)
}
