package sandboxtest

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// capabilityBits are the numbers of the default capabilities in
// /proc/PID/status, from linux/capability.h.
const capabilityBits = 1<<unix.CAP_CHOWN | 1<<unix.CAP_DAC_OVERRIDE | 1<<unix.CAP_FOWNER | 1<<unix.CAP_FSETID |
	1<<unix.CAP_KILL | 1<<unix.CAP_SETGID | 1<<unix.CAP_SETUID | 1<<unix.CAP_SETPCAP | 1<<unix.CAP_SYS_CHROOT | 1<<unix.CAP_SETFCAP

func testCapabilities(t *testing.T, j *jail) {
	const effective = `sed -n 's/^CapEff:\t//p' /proc/self/status`
	require.Equal(t, uint64(capabilityBits), hex(t, j.output(t, j.shell(effective))))

	spec := j.shell(effective)
	spec.Capabilities = []string{"CAP_KILL"}
	require.Equal(t, uint64(1<<unix.CAP_KILL), hex(t, j.output(t, spec)))

	spec.Capabilities = []string{}
	require.Zero(t, hex(t, j.output(t, spec)))

	require.Equal(t, "1\n", j.output(t, j.shell(`sed -n 's/^NoNewPrivs:\t//p' /proc/self/status`)))
}

func hex(t *testing.T, s string) uint64 {
	t.Helper()
	n, err := strconv.ParseUint(strings.TrimSpace(s), 16, 64)
	require.NoError(t, err)
	return n
}

// testNetwork listens on the host's loopback: a sandbox without a network has
// another one.
func testNetwork(t *testing.T, j *jail) {
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, listener.Close()) })
	connect := fmt.Sprintf("exec 3<>/dev/tcp/127.0.0.1/%d", listener.Addr().(*net.TCPAddr).Port)

	spec := j.shell(connect)
	spec.Argv[0] = "bash"
	var exit *sandbox.ExitError
	require.ErrorAs(t, j.Run(t.Context(), spec), &exit)
	require.Equal(t, "lo\n", j.output(t, j.shell("sed -n 's/^ *\\(.*\\):.*/\\1/p' /proc/net/dev")), "no interface but its own loopback")

	spec.Network = true
	require.NoError(t, j.Run(t.Context(), spec))
}

func testNoMounting(t *testing.T, j *jail) {
	for _, command := range []string{
		"mount -t tmpfs none /var",
		"mount --bind /etc /var",
		"umount /usr",
		"mount -o remount,rw /usr",
		"mknod /dev/sda b 8 0",
		"hostname elsewhere",
		"unshare --mount true",
		"nsenter --target 1 --mount true",
	} {
		var exit *sandbox.ExitError
		require.ErrorAs(t, j.Run(t.Context(), j.shell(command)), &exit, command)
	}
}

func testDirectories(t *testing.T, j *jail) {
	for _, dir := range []string{"run/systemd/system", "tmp/old"} {
		require.NoError(t, os.MkdirAll(filepath.Join(j.root, dir), 0o755))
	}
	require.Equal(t, "lock\n", j.output(t, j.shell("ls -A /run /tmp /sys /dev/shm | grep -v -e '^$' -e :")), "fresh and empty")
	require.Equal(t, "755 /run\n1777 /run/lock\n1777 /tmp\n1777 /dev/shm\n",
		j.output(t, j.shell("stat -c '%a %n' /run /run/lock /tmp /dev/shm")))
	j.output(t, j.shell("touch /run/x /run/lock/x /tmp/x /dev/shm/x"))
	require.NoFileExists(t, filepath.Join(j.root, "run/x"))
	require.NoFileExists(t, filepath.Join(j.root, "tmp/x"))
	require.Error(t, j.Run(t.Context(), j.shell("touch /sys/x")))
}

func testDevices(t *testing.T, j *jail) {
	require.Equal(t, "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ",
		j.output(t, j.shell("ls /dev | sort | tr '\\n' ' '")))
	require.Equal(t, "16\n", j.output(t, j.shell("echo lost > /dev/null; head -c 16 /dev/urandom | wc -c")))
}

func testOwnProcesses(t *testing.T, j *jail) {
	// Init, the shell, and nothing else.
	require.Equal(t, "1\n2\n", j.output(t, j.shell("for p in /proc/[0-9]*; do echo ${p##*/}; done")))
	require.Error(t, j.Run(t.Context(), j.shell(fmt.Sprintf("kill -0 %d", os.Getpid()))))
}

func testMounts(t *testing.T, j *jail) {
	source := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(source, "file"), []byte("from outside"), 0o644))
	for _, dir := range []string{"rw", "ro", "var/scratch"} {
		require.NoError(t, os.Mkdir(filepath.Join(j.root, dir), 0o755))
	}
	require.NoError(t, os.WriteFile(filepath.Join(j.root, "etc/answer"), []byte("of the tree"), 0o600))

	spec := j.shell(`set -e
cat /rw/file /ro/file; echo
echo changed > /rw/new
if echo changed > /ro/new; then exit 1; fi
touch /var/scratch/file; stat -c %a /var/scratch
/etc/answer; stat -c '%a %u' /etc/answer
if echo changed > /etc/answer; then exit 1; fi`)
	spec.Mounts = append(spec.Mounts,
		sandbox.Mount{Kind: sandbox.Bind, Source: source, Target: "/rw"},
		sandbox.Mount{Kind: sandbox.ROBind, Source: source, Target: "/ro"},
		sandbox.Mount{Kind: sandbox.Tmpfs, Target: "/var/scratch", Mode: 0o700},
		sandbox.Mount{Kind: sandbox.Data, Target: "/etc/answer", Data: []byte("#!/bin/sh\necho of the caller\n"), Mode: 0o755},
	)
	var out strings.Builder
	spec.Stdout = &out
	require.NoError(t, j.Run(t.Context(), spec), out.String())
	require.Equal(t, "from outsidefrom outside\n700\nof the caller\n755 0\n", out.String())

	require.FileExists(t, filepath.Join(source, "new"))
	require.NoFileExists(t, filepath.Join(j.root, "var/scratch/file"))
	content, err := os.ReadFile(filepath.Join(j.root, "etc/answer"))
	require.NoError(t, err)
	require.Equal(t, "of the tree", string(content))

	spec.Mounts = []sandbox.Mount{{Kind: sandbox.Data, Target: "/etc/missing", Data: []byte("x")}}
	var setup *sandbox.SetupError
	require.ErrorAs(t, j.Run(t.Context(), spec), &setup)
	require.ErrorContains(t, setup, "/etc/missing")
	require.NoFileExists(t, filepath.Join(j.root, "etc/missing"))
}

// testMountTargetLinks has a hostile tree point a mount at the host.
func testMountTargetLinks(t *testing.T, j *jail) {
	require.NoError(t, os.WriteFile(filepath.Join(j.root, "etc/real"), nil, 0o644))
	require.NoError(t, os.Symlink("/etc/real", filepath.Join(j.root, "etc/absolute")))
	require.NoError(t, os.Symlink("../../../../../../etc/real", filepath.Join(j.root, "etc/relative")))
	for _, target := range []string{"/etc/absolute", "/etc/relative", "/bin/../etc/absolute"} {
		spec := j.shell("cat /etc/real")
		spec.Mounts = append(spec.Mounts, sandbox.Mount{Kind: sandbox.Data, Target: target, Data: []byte(target)})
		require.Equal(t, target, j.output(t, spec))
	}
	require.NoError(t, os.Remove(filepath.Join(j.root, "tmp")))
	require.NoError(t, os.Symlink("/etc", filepath.Join(j.root, "tmp")))
	require.ErrorContains(t, j.Run(t.Context(), j.shell("true")), "/tmp is not a directory")
}
