package vm_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// unhealthy is a package with a health check that fails, and notes each time.
var unhealthy = apttest.Deb{Package: "unhealthy", Files: []apttest.File{{
	Path: "usr/lib/apt-ostree/health.d/50-service", Mode: 0o755,
	Content: "#!/bin/sh\necho tried >>/var/lib/health-tries\necho no answer\nexit 1\n",
}}}

// crashing is a package that makes the kernel restart the machine early during boot.
var crashing = apttest.Deb{Package: "crashing", Files: []apttest.File{
	{Path: "usr/lib/systemd/system/crash.service", Content: `[Unit]
DefaultDependencies=no
RequiresMountsFor=/var
[Service]
ExecStart=/bin/sh -c 'echo tried >>/var/lib/crash-tries; sync; echo b >/proc/sysrq-trigger'
`},
	{Path: "usr/lib/systemd/system/sysinit.target.wants/crash.service", Link: "../crash.service"},
}}

// TestBrokenDeploymentIsRolledBack boots deployments that do not work. Each is tried as often as the
// configuration says, and then the machine is back, by itself, where it was; status tells why.
func TestBrokenDeploymentIsRolledBack(t *testing.T) {
	t.Parallel()
	need(t)
	archive := apttest.New(t, apttest.Options{})
	archive.Add(unhealthy, crashing, probe("1.0"))
	counted := diskWith(t, archive, func(o *image.InstallOptions) { o.Tries = 2 })
	m, s := startMachine(t, counted, vm.Options{Firmware: vm.BIOS})
	base := s.checkBooted(0)
	s.run("systemctl", "enable", "apt-ostree-boot-complete.service")

	for _, c := range []struct{ name, tries, reason string }{
		{"unhealthy", "/var/lib/health-tries", "50-service: exit status 1: no answer"},
		{"crashing", "/var/lib/crash-tries", "it did not finish booting, however often it was tried"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &system{s.guest, t}
			s.run("apt-ostree", "install", c.name)
			require.Empty(t, s.status().Deployments[0].BootFailure)
			s.run("systemctl", "reboot", "--no-block")
			s.waitAssessed(m, "test ! -e /usr/lib/apt-ostree/health.d/50-service -a ! -e /usr/lib/systemd/system/crash.service -a -e "+c.tries)
			require.Equal(t, "tried\ntried\n", s.run("cat", c.tries))
			require.Equal(t, base.Checksum, s.checkBooted(0).Checksum)
			given := s.status().Deployments[1]
			require.Equal(t, []string{c.name}, given.Packages)
			require.Equal(t, c.reason, given.BootFailure)
			text := s.run("apt-ostree", "status")
			require.Contains(t, text, "BootFailure: "+c.reason)
			t.Log(text)
		})
	}

	t.Run("one that works stays", func(t *testing.T) {
		s := &system{s.guest, t}
		s.run("apt-ostree", "install", "probe")
		s.run("systemctl", "reboot", "--no-block")
		s.waitAssessed(m, "test -e /usr/bin/probe")
		require.Equal(t, []string{"probe"}, s.checkBooted(0).Packages)
		require.Regexp(t, `(?m)^ostree_tries=$`, s.run("cat", "/boot/loader/grubenv"))
	})
}

// waitAssessed waits for a boot in which a condition is true and that has been assessed.
func (s *system) waitAssessed(m *vm.Machine, condition string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 2*limit)
	defer cancel()
	require.NoError(s.t, m.WaitFor(ctx, "sh", "-c", condition+` && case $(systemctl is-system-running) in running|degraded) ;; *) false ;; esac &&
		case $(systemctl is-active apt-ostree-boot-complete.service) in inactive|failed) ;; *) false ;; esac`))
}

// TestUnitsOfBootComplete assesses by units, as systemd's own boot assessment does. There is nothing to
// go back to.
func TestUnitsOfBootComplete(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"))
	s := container(t, apttest.New(t, apttest.Options{}))
	unit := func(program string) {
		s.sh(`cat >/etc/systemd/system/answer.service <<END
[Unit]
Before=boot-complete.target
[Service]
Type=oneshot
ExecStart=` + program + `
[Install]
RequiredBy=boot-complete.target
END
systemctl enable --quiet answer.service; systemctl daemon-reload; systemctl reset-failed`)
	}
	unit("/bin/false")
	r := s.try("apt-ostree", "assess-boot")
	require.Equal(t, 1, r.Code)
	const reason = "boot-complete.target: exit status 1: A dependency job for boot-complete.target failed."
	require.Contains(t, r.Stderr, reason)
	failure := s.status().Deployments[0].BootFailure
	require.Contains(t, failure, reason)
	require.Contains(t, failure, "failed units: answer.service")

	unit("/bin/true")
	require.Equal(t, "The deployment works\n", s.run("apt-ostree", "assess-boot"))
	require.Empty(t, s.status().Deployments[0].BootFailure)
}
