package vm_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// probe is a package to layer, of some version.
func probe(version string) apttest.Deb {
	return apttest.Deb{
		Package: "probe", Version: version, Architecture: "all",
		Files: []apttest.File{
			{Path: "usr/bin/probe", Mode: 0o755, Content: "#!/bin/sh\necho probe " + version + "\n"},
			{Path: "etc/probe.conf", Content: "default\n"},
		},
		Scripts: map[string]string{"postinst": "mkdir -p /usr/share/probe; echo configured >/usr/share/probe/postinst"},
	}
}

// TestLayering is the life of a machine with EFI, which its daemon changes.
func TestLayering(t *testing.T) {
	t.Parallel()
	need(t)
	archive := apttest.New(t, apttest.Options{})
	archive.Add(probe("1.0"))
	s := start(t, installedDisk(t, archive), vm.Options{Firmware: vm.EFI})
	s.run("test", "-d", "/sys/firmware/efi")
	s.checkInstalled(vm.InstalledRef)
	s.run("ostree-example", "admin", "kargs", "edit-in-place", "--append-if-missing=test.karg=1")
	s.checkLayering()
	require.Contains(t, strings.Fields(s.run("cat", "/proc/cmdline")), "test.karg=1")
	// The daemon made it, and the journal knows the boots.
	history := s.run("apt-ostree", "history", "--all")
	require.Regexp(t, `CreateCommand: apt-ostree install probe\nUser: root, client\(dbus::`, history)
	require.Contains(t, history, "BootTimestamp: ")
}

// TestLayeringInContainer is the same at native speed, and more of it.
func TestLayeringInContainer(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"))
	archive := apttest.New(t, apttest.Options{})
	archive.Add(probe("1.0"))
	s := container(t, archive)
	s.checkLayering()

	archive.Add(probe("1.1"))
	archive.Publish()
	s.run("apt-ostree", "install", "probe")
	s.reboot()
	require.Equal(t, "probe 1.1\n", s.run("probe"))
	s.run("apt-ostree", "uninstall", "probe")
	s.reboot()
	require.Empty(t, s.checkBooted(0).BaseChecksum)
	s.checkLocalState()

	// What the initramfs is made from makes a new one, of the same kind.
	before := s.initramfs()
	archive.Add(apttest.Deb{Package: "module-options", Files: []apttest.File{{Path: "usr/lib/modprobe.d/probe.conf", Content: "options dummy numdummies=2\n"}}})
	archive.Publish()
	s.run("apt-ostree", "install", "module-options")
	s.run(finalize...)
	after := s.initramfs()
	const added = "usr/lib/modprobe.d/probe.conf"
	require.False(t, slices.Contains(before, added))
	require.True(t, slices.Contains(after, added))
	require.InDelta(t, len(before), len(after), 5, "files in the initramfs")
}

// initramfs lists the files in the initramfs that boots next.
func (s *system) initramfs() []string {
	s.t.Helper()
	line := s.sh("grep -h ^initrd $(ls -v /boot/loader/entries/*.conf | tail -n 1)")
	return strings.Fields(s.sh("lsinitrd /boot" + strings.TrimSpace(strings.TrimPrefix(line, "initrd")) + " | awk '/^[-dlcb]/ { print $9 }'"))
}

// container starts a container.
func container(t *testing.T, archive *apttest.Archive) *system {
	t.Helper()
	sysroot := t.TempDir()
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(sysroot)) }) // later deployments are immutable
	require.NoError(t, image.InstallSysroot(t.Context(), repository(t), vm.Ref, sysroot, installOptions(t, archive.Publish())))
	return up(t, func(ctx context.Context) (guest, error) { return vm.StartContainer(ctx, sysroot) })
}

// checkLayering layers a package on the running system, boots it and rolls it back; what the
// administrator does meanwhile stays.
func (s *system) checkLayering() {
	s.t.Helper()
	base := s.checkBooted(0)
	s.sh("echo mine >/etc/mine.conf; echo changed >>/etc/motd; echo data >/var/lib/data")
	s.run("apt-ostree", "install", "probe")
	require.NotZero(s.t, s.try("test", "-e", "/usr/bin/probe").Code, "the running system changed")
	s.checkBooted(1)

	s.reboot()
	layered := s.checkBooted(0)
	require.Equal(s.t, base.Checksum, layered.BaseChecksum)
	require.Equal(s.t, []string{"probe"}, layered.Packages)
	require.Equal(s.t, "probe 1.0\n", s.run("probe"))
	require.Equal(s.t, "configured\n", s.run("cat", "/usr/share/probe/postinst"))
	require.Equal(s.t, "default\n", s.run("cat", "/etc/probe.conf"))
	require.Contains(s.t, s.run("dpkg", "-l", "probe"), "\nii  probe ")
	s.checkLocalState()

	s.sh("echo more >>/etc/mine.conf; echo more >>/var/lib/data")
	s.run("apt-ostree", "rollback")
	s.reboot()
	require.Equal(s.t, base.Checksum, s.checkBooted(0).Checksum)
	require.NotZero(s.t, s.try("sh", "-c", "probe").Code)
	require.NotZero(s.t, s.try("dpkg", "-l", "probe").Code)
	require.Equal(s.t, "data\nmore\n", s.run("cat", "/var/lib/data"))
	s.checkLocalState()
}

// checkLocalState looks for what was there before the change.
func (s *system) checkLocalState() {
	s.t.Helper()
	require.Regexp(s.t, "^mine\n", s.run("cat", "/etc/mine.conf"))
	require.Regexp(s.t, "changed\n$", s.run("cat", "/etc/motd"))
	require.Regexp(s.t, "^data\n", s.run("cat", "/var/lib/data"))
	require.Empty(s.t, s.run("dpkg", "--audit"))
}
