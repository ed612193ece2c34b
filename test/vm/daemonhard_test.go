package vm_test

import (
	"context"
	"strings"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// slow is a package whose script does not end by itself.
var slow = apttest.Deb{Package: "slow", Scripts: map[string]string{"postinst": "exec sleep 987654"}}

const (
	installSlow = `apt-ostree install slow >/run/slow 2>&1 & echo $! >/run/slow.pid
until pgrep -f 'sleep 98765[4]' >/dev/null; do sleep 0.1; done`
	slowEnded = `while pgrep -f 'sleep 98765[4]' >/dev/null; do sleep 0.1; done
while kill -0 $(cat /run/slow.pid) 2>/dev/null; do sleep 0.1; done
cat /run/slow`
)

// isDisturbed has a change refuse others, cancels it in both ways, and kills the daemon in the middle of one. Each time
// its sandbox goes, the system is as before, and the next change works.
func (d *daemonSystem) isDisturbed() {
	t := d.t
	before := d.footprint()
	d.sh(installSlow)
	r := d.try("apt-ostree", "install", "another")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "apt-ostree install slow")
	require.Contains(t, d.run("systemd-inhibit", "--list", "--no-legend"), "apt-ostree install slow")
	require.Contains(t, d.run("apt-ostree", "cancel"), "Cancelling transaction: apt-ostree install slow")
	require.Contains(t, d.sh(slowEnded), "error: ")
	require.Equal(t, history.Canceled, d.last().Outcome)
	require.Equal(t, before, d.footprint())
	d.sh(installSlow)
	d.sh("kill -INT $(cat /run/slow.pid)")
	text := d.sh(slowEnded)
	require.Contains(t, text, "Caught SIGINT, cancelling transaction")
	require.Contains(t, text, "error: canceled")
	require.Equal(t, history.Canceled, d.last().Outcome)
	require.Equal(t, before, d.footprint())
	d.change("kargs", "--append=test.next=1")
	d.change("cleanup", "--pending")

	d.sh(installSlow)
	d.run("systemctl", "kill", "--signal=KILL", "--kill-whom=main", "apt-ostreed")
	require.Contains(t, d.sh(slowEnded), "Bus owner changed")
	d.run("systemctl", "reset-failed", "apt-ostreed")
	require.Equal(t, before, d.footprint())
	d.change("uninstall", "probe")
	require.NotContains(t, d.status().Deployments[0].Packages, "probe")
	d.change("cleanup", "--pending")
	require.Equal(t, before, d.footprint())
}

// footprint is what there is of changes, apart from their record: deployments and their files, and nothing else. An idle
// daemon has no mounts for a sandbox, and there is no process of one.
func (d *daemonSystem) footprint() string {
	t := d.t
	require.Contains(t, d.run("apt-ostree", "status"), "State: idle\n")
	require.Equal(t, `s ""`, d.property("ActiveTransactionPath"))
	pid := strings.TrimSpace(d.run("systemctl", "show", "-P", "MainPID", "apt-ostreed"))
	for _, process := range []string{"self", pid} {
		require.NotContains(t, d.run("cat", "/proc/"+process+"/mountinfo"), "assemble-")
	}
	require.Empty(t, d.try("pgrep", "-a", "bwrap").Stdout)
	return d.sh("cd /sysroot/ostree/deploy/debian/deploy && ls -A; ls -A /run/ostree; ls /boot/loader/entries")
}

// pins keeps a deployment.
func (d *daemonSystem) pins() {
	d.change("pin", "0")
	require.Contains(d.t, d.run("ostree", "admin", "status"), "Pinned: yes")
	d.change("unpin", "0")
	require.NotContains(d.t, d.run("ostree", "admin", "status"), "Pinned")
}

// restarts has the daemon restart the system: after a change, for what is locked until then, and because its
// configuration says so of updates.
func (d *daemonSystem) restarts() {
	t := d.t
	d.run("apt-ostree", "kargs", "--append=test.reboot=1", "--reboot")
	d.rebooted()
	require.Contains(t, d.run("cat", "/proc/cmdline"), " test.reboot=1 ")

	d.change("kargs", "--delete=test.reboot=1", "--lock-finalization")
	require.True(t, d.status().Deployments[0].FinalizationLocked)
	d.run("apt-ostree", "finalize-deployment", "--allow-missing-checksum")
	d.rebooted()
	require.NotContains(t, d.run("cat", "/proc/cmdline"), "test.reboot")

	d.release(nextRef, nextRef, "5")
	d.configure("AutomaticUpdatePolicy=check")
	d.run("apt-ostree", "reload")
	d.run("systemctl", "start", "apt-ostreed-automatic.service")
	require.NotNil(t, d.status().CachedUpdate)
	require.False(t, d.status().Deployments[0].Staged)
	d.configure("AutomaticUpdatePolicy=apply")
	d.run("apt-ostree", "reload")
	d.run("systemctl", "start", "--no-block", "apt-ostreed-automatic.service")
	d.rebooted()
	require.Equal(t, "5\n", d.run("cat", "/usr/share/release"))
}

// rebooted waits for a restart that the daemon has asked for.
func (d *daemonSystem) rebooted() {
	d.t.Helper()
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	container, ok := d.guest.(*vm.Container)
	require.True(d.t, ok)
	require.NoError(d.t, container.Rebooted(ctx))
	d.checkBooted(0)
}

// answersAsRpmOstree has the bus start the daemon under its second name.
func (d *daemonSystem) answersAsRpmOstree() {
	d.configure("RpmOstreeCompatibility=true")
	d.sh(`mkdir -p /usr/local/share/dbus-1/system-services
cp /usr/share/apt-ostree/compat/*.service /usr/local/share/dbus-1/system-services
systemctl reload dbus
systemctl stop apt-ostreed`)
	require.Equal(d.t, "o \"/org/projectatomic/rpmostree1/debian\"\n",
		d.run("busctl", "call", "org.projectatomic.rpmostree1", "/org/projectatomic/rpmostree1/Sysroot", "org.projectatomic.rpmostree1.Sysroot", "GetOS", "s", ""))
}
