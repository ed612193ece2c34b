package vm_test

import (
	"cmp"
	"strings"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
)

// lively is a package with all that a running system has to be told of.
var lively = apttest.Deb{Package: "lively", Files: []apttest.File{
	{Path: "usr/bin/lively", Mode: 0o755, Content: "#!/bin/sh\nid -un >/var/lib/lively/user\n"},
	{Path: "usr/lib/systemd/system/lively.service", Content: "[Service]\nType=oneshot\nRemainAfterExit=yes\nUser=lively\nExecStart=/usr/bin/lively\n"},
	{Path: "usr/lib/sysusers.d/lively.conf", Content: "u lively - - /var/lib/lively\n"},
	{Path: "usr/lib/tmpfiles.d/lively.conf", Content: "d /var/lib/lively 0755 lively lively\n"},
	{Path: "etc/lively.conf", Content: "default\n"},
}}

// appliesLive has what is staged in the running system, without a reboot, and takes it back.
func (d *daemonSystem) appliesLive() {
	t := d.t
	d.change("install", "another")
	base := d.checkBooted(1)
	require.Contains(t, d.change("apply-live"), "Successfully updated running filesystem tree.")
	require.True(t, strings.HasPrefix(d.last().Title, "apply-live: "))
	require.Equal(t, "another\n", d.run("cat", "/usr/share/another"))
	require.NotEmpty(t, d.installed("another"))
	require.NotZero(t, d.try("touch", "/usr/share/mine").Code, "it is still read-only")
	require.Equal(t, d.status().Deployments[0].Checksum, d.checkBooted(1).LiveReplaced)
	require.Contains(t, d.run("apt-ostree", "apply-live"), "No change.")
	d.change("apply-live", "--reset")
	require.NotZero(t, d.try("test", "-e", "/usr/share/another").Code)
	require.Empty(t, d.installed("another"))
	require.Empty(t, d.checkBooted(1).LiveReplaced)

	// On a terminal it asks; a no changes nothing.
	before := d.status().Deployments
	asked := d.sh("echo n | script -q -e -c 'apt-ostree install --apply-live lively' /dev/null")
	require.Contains(t, asked, "lively_1.0_all")
	require.Contains(t, asked, "Continue? [y/N] ")
	require.Contains(t, asked, "Nothing was changed.")
	require.Equal(t, before, d.status().Deployments)

	// What is already staged becomes live along.
	require.Contains(t, d.change("install", "-y", "--apply-live", "lively"), "Added:")
	require.Equal(t, "another\n", d.run("cat", "/usr/share/another"))
	d.run("systemctl", "start", "lively.service")
	require.Equal(t, "lively\n", d.run("cat", "/var/lib/lively/user"))
	require.Equal(t, "default\n", d.run("cat", "/etc/lively.conf"))
	r := d.try("apt-ostree", "install", "-A", "lively", "--idempotent")
	require.Zero(t, r.Code, r.Stderr)
	require.Contains(t, r.Stderr, "--assumeyes")

	booted := d.reboots()
	require.Equal(t, cmp.Or(base.BaseChecksum, base.Checksum), booted.BaseChecksum)
	require.Equal(t, "another\n", d.run("cat", "/usr/share/another"))
	d.run("systemctl", "start", "lively.service")

	// Packages go only if that is said.
	d.change("uninstall", "lively")
	r = d.try("apt-ostree", "apply-live")
	require.Equal(t, 1, r.Code)
	require.Contains(t, r.Stderr, "packages would be removed: 1, allow replacement to override")
	require.Contains(t, r.Stderr, "\n      apt-ostree apply-live --allow-replacement\n")
	d.change("apply-live", "--allow-replacement")
	require.NotZero(t, d.try("test", "-e", "/usr/bin/lively").Code)
	d.change("apply-live", "--reset")
	d.run("test", "-e", "/usr/bin/lively")
	d.reboots()
	require.NotZero(t, d.try("test", "-e", "/usr/bin/lively").Code)
}
