package vm_test

import (
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// reboots boots what the daemon has prepared and looks at it.
func (d *daemonSystem) reboots() txn.DeploymentStatus {
	d.t.Helper()
	d.reboot()
	return d.checkBooted(0)
}

// upgrades takes a new base and a newer layered package.
func (d *daemonSystem) upgrades() {
	t := d.t
	require.Equal(t, 77, d.try("apt-ostree", "upgrade", "--unchanged-exit-77").Code)
	d.archive.Add(probe("1.1"))
	d.archive.Publish()
	d.release(vm.InstalledRef, vm.InstalledRef, "2")
	check := d.run("apt-ostree", "upgrade", "--check")
	require.Contains(t, check, "Version: 2 (")
	require.Len(t, d.status().Deployments, 2)

	d.change("upgrade")
	require.Contains(t, d.run("ostree", "admin", "status"), "(staged)")
	require.Equal(t, "!probe_1.0_all\n=probe_1.1_all\n", d.run("apt-ostree", "db", "diff", "--format=diff"))
	booted := d.reboots()
	require.Equal(t, "2", booted.BaseVersion)
	require.Equal(t, "2\n", d.run("cat", "/usr/share/release"))
	require.Equal(t, "probe 1.1\n", d.run("probe"))
	require.Equal(t, "1.1", d.installed("probe"))
}

// rollsBack goes back to the deployment before.
func (d *daemonSystem) rollsBack() {
	t := d.t
	require.Contains(t, d.change("rollback"), "to be first deployment")
	d.checkBooted(1)
	require.Equal(t, "1", d.reboots().BaseVersion)
	require.NotZero(t, d.try("test", "-e", "/usr/share/release").Code)
	require.Equal(t, "probe 1.0\n", d.run("probe"))
}

// deploys goes to a version, and changes the kernel arguments of what is staged.
func (d *daemonSystem) deploys() {
	t := d.t
	d.change("deploy", "version=2")
	require.Equal(t, "2", d.status().Deployments[0].BaseVersion)
	d.change("kargs", "--append=test.karg=1", "--delete=quiet")
	require.Equal(t, "2", d.status().Deployments[0].BaseVersion)
	d.checkBooted(1)
	require.NotContains(t, d.entry(), "test.karg", "what is staged is written at shutdown")

	d.reboots()
	require.Equal(t, "2\n", d.run("cat", "/usr/share/release"))
	for _, args := range []string{d.run("cat", "/proc/cmdline"), d.entry(), d.run("apt-ostree", "kargs")} {
		require.Contains(t, strings.Fields(args), "test.karg=1")
		require.NotContains(t, strings.Fields(args), "quiet")
	}
}

// undoes takes back a change that is staged, and one that runs.
func (d *daemonSystem) undoes() {
	t := d.t
	before := d.status().Deployments
	d.change("kargs", "--append=test.undo=1")
	require.Contains(t, d.run("apt-ostree", "kargs"), "test.undo=1")
	d.change("undo")
	require.Equal(t, before, d.status().Deployments)

	d.change("kargs", "--append=test.undo=1")
	d.reboots()
	require.Contains(t, d.run("cat", "/proc/cmdline"), " test.undo=1 ")
	d.change("undo")
	d.reboots()
	require.NotContains(t, d.run("cat", "/proc/cmdline"), "test.undo")
	require.Contains(t, d.run("cat", "/proc/cmdline"), " test.karg=1 ")
}

// entry is the line with the kernel arguments in the boot loader's entry for the next boot.
func (d *daemonSystem) entry() string {
	d.t.Helper()
	return d.sh("grep -h ^options $(ls -v /boot/loader/entries/*.conf | tail -n 1)")
}

// makesInitramfs has dracut put a program of a layer into the initramfs, and takes the base's again.
func (d *daemonSystem) makesInitramfs() {
	t := d.t
	before := d.initramfs()
	require.NotContains(t, before, "usr/bin/probe")
	d.change("initramfs", "--enable", "--arg=-I", "--arg=/usr/bin/probe")
	require.True(t, d.reboots().RegenerateInitramfs)
	require.Contains(t, d.initramfs(), "usr/bin/probe")
	require.Contains(t, d.run("apt-ostree", "initramfs"), "/usr/bin/probe")

	d.change("initramfs", "--disable")
	require.False(t, d.reboots().RegenerateInitramfs)
	require.Equal(t, before, d.initramfs())
}

// tracksEtc has an initrd with a file of /etc beside that of the base.
func (d *daemonSystem) tracksEtc() {
	t := d.t
	initrds := func() string { return d.sh("grep -h ^initrd $(ls -v /boot/loader/entries/*.conf | tail -n 1)") }
	before := initrds()
	d.sh("echo early >/etc/early.conf")
	d.change("initramfs-etc", "--track=/etc/early.conf")
	require.Equal(t, []string{"/etc/early.conf"}, d.reboots().InitramfsEtc)
	require.Equal(t, "Tracked files:\n  /etc/early.conf\n", d.run("apt-ostree", "initramfs-etc"))
	words := strings.Fields(initrds())
	require.Equal(t, "early\n", d.run("cpio", "--quiet", "-i", "--to-stdout", "--file=/boot"+words[len(words)-1], "etc/early.conf"))
	d.change("initramfs-etc", "--untrack-all")
	require.Empty(t, d.reboots().InitramfsEtc)
	require.Equal(t, before, initrds())
}

// overrides leaves out a package of the base and takes another version of one, from a file.
func (d *daemonSystem) overrides() {
	t := d.t
	original := d.installed("tzdata")
	require.NotEmpty(t, d.installed("netbase"))
	d.archive.Add(apttest.Deb{Package: "tzdata", Version: "9998", Architecture: "all"})
	d.archive.Publish()
	d.change("override", "replace", "tzdata=9998")
	require.Contains(t, d.run("apt-ostree", "db", "list", d.status().Deployments[0].Checksum, "tzdata"), "\n tzdata_9998_all\n")
	d.change("override", "reset", "tzdata")
	require.NotContains(t, d.run("apt-ostree", "db", "list", d.status().Deployments[0].Checksum, "tzdata"), "9998")
	d.putFile("/var/tmp/tzdata.deb", apttest.Deb{
		Package: "tzdata", Version: "9999", Architecture: "all", Files: []apttest.File{{Path: "usr/share/zoneinfo/Here", Content: "here\n"}},
	}.Build(t))
	d.change("override", "remove", "netbase")
	d.change("override", "replace", "/var/tmp/tzdata.deb")
	booted := d.reboots()
	require.Equal(t, []string{"netbase"}, booted.RequestedBaseRemovals)
	require.Empty(t, d.installed("netbase"))
	require.Equal(t, "9999", d.installed("tzdata"))
	require.Equal(t, "here\n", d.run("cat", "/usr/share/zoneinfo/Here"))
	require.Empty(t, d.run("dpkg", "--audit"))

	d.change("override", "reset", "--all")
	d.reboots()
	require.NotEmpty(t, d.installed("netbase"))
	require.Equal(t, original, d.installed("tzdata"))
}

// rebases follows another branch.
func (d *daemonSystem) rebases() {
	t := d.t
	d.release(vm.InstalledRef, nextRef, "3")
	d.change("rebase", ":"+nextRef)
	booted := d.reboots()
	require.Equal(t, nextRef, booted.Origin)
	require.Equal(t, "3\n", d.run("cat", "/usr/share/release"))
	require.NotEmpty(t, d.installed("probe"))
}

// nextRef is the branch that is rebased to.
const nextRef = "debian/next"
