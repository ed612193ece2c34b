package vm_test

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// reloads changes the configuration of the daemon, which ends when it has nothing to do.
func (d *daemonSystem) reloads() {
	t := d.t
	require.Equal(t, `s "none"`, d.property("AutomaticUpdatePolicy"))
	d.configure("AutomaticUpdatePolicy=check")
	d.run("apt-ostree", "reload")
	require.Equal(t, `s "check"`, d.property("AutomaticUpdatePolicy"))
	d.configure("AutomaticUpdatePolicy=check", "IdleExitTimeout=1")
	d.run("systemctl", "reload", "apt-ostreed")
	d.sh("until [ \"$(systemctl is-active apt-ostreed)\" = inactive ]; do sleep 0.1; done")
	require.Equal(t, "success\n", d.run("systemctl", "show", "-P", "Result", "apt-ostreed"))
	require.Equal(t, `s "check"`, d.property("AutomaticUpdatePolicy"), "it is started again when it is asked")
	d.configure("")
	d.run("apt-ostree", "reload")
}

// configure writes the configuration of the daemon.
func (d *daemonSystem) configure(lines ...string) {
	d.t.Helper()
	d.sh("printf '[Daemon]\\n" + strings.Join(lines, "\\n") + "\\n' >/etc/apt-ostreed.conf")
}

// answers asks what nothing is changed for.
func (d *daemonSystem) answers() {
	t := d.t
	booted := d.checkBooted(0)
	require.Contains(t, d.run("apt-ostree", "search", "another"), "another")
	require.Contains(t, d.run("runuser", "-u", "alice", "--", "apt-ostree", "search", "another"), "another")
	require.Contains(t, d.run("apt-ostree", "info", "probe"), "1.0")
	require.Equal(t, "foreign_1.0_all [layered]\nprobe_1.0_all [layered]\n", d.run("apt-ostree", "list", "--layered"))
	require.Contains(t, d.run("apt-ostree", "db", "list", booted.Checksum, "probe"), "\n probe_1.0_all\n")
	require.Equal(t, "+foreign_1.0_all\n+probe_1.0_all\n", d.run("apt-ostree", "db", "diff", "--format=diff", booted.BaseChecksum, booted.Checksum))
	count := strings.TrimSpace(d.sh("dpkg-query -W -f '${db:Status-Status}\\n' | grep -cx installed"))
	require.Contains(t, d.run("apt-ostree", "db", "version", booted.Checksum), "dpkgdbv is: "+count+":")
	require.Contains(t, d.run("apt-ostree", "history", "--all"), "CreateCommand: apt-ostree install probe foreign\nUser: root, client(")
	require.NotContains(t, d.run("apt-ostree", "history"), "BootTimestamp: ")
	d.sh(`printf 'MESSAGE_ID=7170336a73ba4601bad31af888aa0df7\nMESSAGE=booted\nDEPLOYMENT_PATH=%s\nDEPLOYMENT_INODE=%s\n' ` +
		d.last().DeploymentPath + ` $(stat -c %i /) | logger --journald; journalctl --sync`) // as the initramfs does
	require.Regexp(t, `(?m)^BootTimestamp: \S+ \(.+\)$`, d.run("apt-ostree", "history"))

	ask := func(method, argument string) string {
		return d.run("busctl", "call", "org.aptostree.dev", "/org/aptostree/dev/OS/debian", "org.aptostree.dev.OS", method, "as", "1", argument)
	}
	require.Contains(t, ask("Search", "another"), `"another"`)
	require.Contains(t, ask("GetPackages", "probe"), `"1.0"`)
}

// updatesByTimer has a timer start an update. Its next boot has it.
func (d *daemonSystem) updatesByTimer() {
	t := d.t
	d.configure("AutomaticUpdatePolicy=stage")
	d.run("apt-ostree", "reload")
	d.release(nextRef, nextRef, "4")
	automatic := func() string { return d.sh("apt-ostree status | grep ^AutomaticUpdates") }
	timer := func(after string) {
		d.sh(`dir=/etc/systemd/system/apt-ostreed-automatic.timer.d
mkdir -p $dir
printf '[Timer]\nOnBootSec=\nOnUnitInactiveSec=\nOnActiveSec=` + after + `\nRandomizedDelaySec=0\n' >$dir/now.conf
systemctl daemon-reload
systemctl restart apt-ostreed-automatic.timer`)
	}
	d.run("systemctl", "stop", "apt-ostreed-automatic.timer")
	require.Equal(t, "AutomaticUpdates: stage; apt-ostreed-automatic.timer: inactive\n", automatic())
	timer("1h")
	require.Equal(t, "AutomaticUpdates: stage; apt-ostreed-automatic.timer: no runs since boot\n", automatic())
	timer("1")
	d.sh(`until [ -n "$(systemctl show -P ExecMainExitTimestamp apt-ostreed-automatic.service)" ]; do sleep 0.1; done
while [ "$(systemctl is-active apt-ostreed-automatic.service)" = activating ]; do sleep 0.1; done`)
	require.Contains(t, automatic(), "AutomaticUpdates: stage; apt-ostreed-automatic.timer: last run ")
	require.Equal(t, "success\n", d.run("systemctl", "show", "-P", "Result", "apt-ostreed-automatic.service"))
	require.Contains(t, d.run("ostree", "admin", "status"), "(staged)")
	require.Equal(t, "apt-ostreed-automatic.service", d.last().Actor.Unit)
	d.reboots()
	require.Equal(t, "4\n", d.run("cat", "/usr/share/release"))
}

// registersDriver has a service take over updates, and say what it does.
func (d *daemonSystem) registersDriver() {
	t := d.t
	d.run("systemd-run", "--quiet", "--unit=fleet.service", "--service-type=notify", "--property=NotifyAccess=all", "sh", "-euc",
		"apt-ostree deploy --register-driver=fleet ''; systemd-notify --ready --status='waiting for its turn'; exec sleep 987653")
	require.Contains(t, d.run("apt-ostree", "status", "-v"), "\nAutomaticUpdatesDriver: fleet (fleet.service)\n  DriverState: active; waiting for its turn\n")
	r := d.try("apt-ostree", "upgrade")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "Updates and deployments are driven by fleet (fleet.service)")
	d.run("systemctl", "stop", "fleet.service")
	require.Contains(t, d.run("apt-ostree", "status"), "\nAutomaticUpdatesDriver: fleet\n  DriverState: inactive\n")
	d.run("rm", "/run/apt-ostree/update-driver.json")
}

// resets drops what was layered, and takes up and drops requests.
func (d *daemonSystem) resets() {
	t := d.t
	d.change("reset")
	require.Empty(t, d.reboots().BaseChecksum)
	require.Empty(t, d.installed("probe"))
	require.Equal(t, "4\n", d.run("cat", "/usr/share/release"))

	d.putFile("/var/tmp/local.deb", apttest.Deb{Package: "local", Files: []apttest.File{{Path: "usr/share/local", Content: "local\n"}}}.Build(t))
	d.change("install", "probe", "another", "/var/tmp/local.deb")
	d.change("remove", "another")
	booted := d.reboots()
	require.Equal(t, []string{"probe"}, booted.Packages)
	require.Equal(t, "local\n", d.run("cat", "/usr/share/local"))
	require.Empty(t, d.installed("another"))
}

// keepsHouse looks at what is kept on the disk.
func (d *daemonSystem) keepsHouse() {
	t := d.t
	d.run("apt-ostree", "checkout", "0", "/var/tmp/tree")
	d.run("diff", "-rq", "--no-dereference", "/usr", "/var/tmp/tree/usr", "--exclude=etc")
	d.run("rm", "-r", "/var/tmp/tree")

	d.archive.ForgetRequests()
	d.change("refresh-md", "--force")
	require.NotEmpty(t, d.archive.Requests())

	require.Len(t, d.status().Deployments, 2)
	d.change("cleanup", "--rollback")
	d.checkBooted(0)
	require.Len(t, d.status().Deployments, 1)
	d.change("prune")
	d.run("ostree", "fsck", "-q", "--repo=/sysroot/ostree/repo")
}

// composes makes a small base of the packages that the machine with the tests has downloaded for theirs.
func (d *daemonSystem) composes() {
	t := d.t
	sources, err := source.Load("/")
	require.NoError(t, err)
	d.putFile("/var/tmp/debian.sources", source.Format(sources))
	d.putFile("/var/tmp/small.yaml", []byte("releasever: bookworm\nref: small\ncontainer: true\nrecommends: false\npackages: [apt, usr-is-merged]\n"))
	cache := filepath.Join(d.sysroot, "ostree/deploy/debian/var/tmp/cache")
	require.NoError(t, os.Mkdir(cache, 0o755))
	for _, dir := range []string{"lists", "releases", "sha256"} {
		require.NoError(t, os.CopyFS(filepath.Join(cache, dir), os.DirFS(filepath.Join(os.TempDir(), "apt-ostree-vm-cache/packages", dir))))
	}
	d.sh("mv /etc/apt/sources.list.d /var/tmp/ours; mkdir /etc/apt/sources.list.d; cp /var/tmp/debian.sources /etc/apt/sources.list.d")
	r := d.try("apt-ostree", "compose", "tree", "/var/tmp/small.yaml", "--repo=/var/tmp/repo", "--cachedir=/var/tmp/cache", "--cache-only")
	d.sh("rm -r /etc/apt/sources.list.d; mv /var/tmp/ours /etc/apt/sources.list.d")
	require.Zero(t, r.Code, r.Stderr)
	d.run("ostree", "fsck", "-q", "--repo=/var/tmp/repo")
	require.Contains(t, d.run("ostree", "ls", "--repo=/var/tmp/repo", "small", "/usr/bin/apt-get"), "/usr/bin/apt-get\n")
	require.Contains(t, d.run("apt-ostree", "db", "list", "--repo=/var/tmp/repo", "small", "apt"), "\n apt_"+d.installed("apt")+"_amd64\n")
	d.run("rm", "-r", "/var/tmp/repo", "/var/tmp/cache")
}

// unlocks makes /usr of the running system writable, for those outside of the daemon too.
func (d *daemonSystem) unlocks() {
	t := d.t
	require.NotZero(t, d.try("touch", "/usr/share/mine").Code)
	d.change("usroverlay")
	d.run("touch", "/usr/share/mine")
	require.Equal(t, "development", d.checkBooted(0).Unlocked)
	require.Contains(t, d.run("ostree", "admin", "status"), "Unlocked: development")
	d.reboots()
	require.NotZero(t, d.try("test", "-e", "/usr/share/mine").Code)
}
