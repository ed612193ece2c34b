package vm_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// starts looks at the daemon that the bus starts for a question. It has a writable /sysroot, which the
// system has not.
func (d *daemonSystem) starts() {
	t := d.t
	require.Equal(t, "inactive\n", d.try("systemctl", "is-active", "apt-ostreed").Stdout)
	r := d.try("apt-ostree", "status")
	require.Zero(t, r.Code, r.Stderr)
	require.Empty(t, r.Stderr)
	require.Equal(t, "active\n", d.run("systemctl", "is-active", "apt-ostreed"))
	require.Equal(t, vm.InstalledRef, d.checkBooted(0).Origin)
	require.Equal(t, `o "/org/aptostree/dev/OS/debian"`, d.property("Booted"))
	require.Contains(t, d.run("busctl", "introspect", "org.aptostree.dev", "/org/aptostree/dev/OS/debian"), ".Change ")

	options := func(prefix ...string) string {
		return d.run(append(prefix, "findmnt", "-n", "-o", "OPTIONS", "--mountpoint", "/sysroot")...)
	}
	pid := strings.TrimSpace(d.run("systemctl", "show", "-P", "MainPID", "apt-ostreed"))
	require.Equal(t, "apt-ostreed\n", d.run("cat", "/proc/"+pid+"/comm"))
	require.Regexp(t, "^rw,", options("nsenter", "--target="+pid, "--mount"))
	require.Regexp(t, "^ro,", options())
}

// allowAlice is a rule of polkit.
const allowAlice = `polkit.addRule(function(action, subject) {
  if (action.id == "org.aptostree.dev.install-uninstall-packages" && subject.user == "alice")
    return polkit.Result.YES;
});
`

// refuses has a user without rights ask for changes: polkit decides.
func (d *daemonSystem) refuses() {
	t := d.t
	d.run("useradd", "--no-create-home", "alice")
	alice := func(args ...string) (code int, text string) {
		r := d.try(append([]string{"runuser", "-u", "alice", "--", "apt-ostree"}, args...)...)
		return r.Code, r.Stdout + r.Stderr
	}
	code, text := alice("status")
	require.Zero(t, code, text)
	require.Contains(t, text, vm.InstalledRef)
	for action, args := range map[string][]string{
		"install-uninstall-packages": {"install", "another"},
		"bootconfig":                 {"kargs", "--append=alice"},
		"rebase":                     {"rebase", ":" + vm.InstalledRef},
		"override":                   {"override", "remove", "netbase"},
		"upgrade":                    {"upgrade"},
		"rollback":                   {"rollback"},
		"cleanup":                    {"cleanup", "--pending"},
		"reload-daemon":              {"reload"},
		"apply-live":                 {"apply-live"},
	} {
		code, text := alice(args...)
		require.Equal(t, 1, code, text)
		require.Contains(t, text, "not allowed for user (org.aptostree.dev."+action+")")
	}
	d.checkBooted(0)
	require.Len(t, d.status().Deployments, 1)

	d.sh("cat >/etc/polkit-1/rules.d/50-alice.rules <<'END'\n" + allowAlice + "END\nsystemctl restart polkit")
	code, text = alice("install", "another")
	require.Zero(t, code, text)
	require.True(t, d.status().Deployments[0].Staged)
	require.Equal(t, strings.TrimSpace(d.run("id", "-u", "alice")), strconv.Itoa(d.last().Actor.UID))
	code, text = alice("cleanup", "--pending")
	require.Equal(t, 1, code, text)
	d.change("cleanup", "--pending")
	require.Len(t, d.status().Deployments, 1)
	d.run("rm", "/etc/polkit-1/rules.d/50-alice.rules")
}

// foreign is a package whose script runs a program of another architecture of the processor, which says
// "ran". Some machines have a kernel without that architecture; there the script has to find that out.
func foreign(t *testing.T) apttest.Deb {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "main.go"), []byte("package main\n\nfunc main() { print(\"ran\") }\n"), 0o644))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", "program", "main.go")
	build.Dir, build.Env = dir, append(os.Environ(), "GOARCH=386", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	require.NoError(t, err, "%s", out)
	program, err := os.ReadFile(filepath.Join(dir, "program"))
	require.NoError(t, err)
	script := "foreign 2>/usr/share/foreign"
	err = exec.CommandContext(t.Context(), filepath.Join(dir, "program")).Run()
	if errors.Is(err, syscall.ENOEXEC) {
		t.Log("the kernel of this machine runs no programs of i386")
		script = "foreign 2>/dev/null && exit 1\nprintf ran >/usr/share/foreign"
	} else {
		require.NoError(t, err)
	}
	return apttest.Deb{
		Package: "foreign", Files: []apttest.File{{Path: "usr/bin/foreign", Mode: 0o755, Content: string(program)}},
		Scripts: map[string]string{"postinst": script},
	}
}

// installs layers a package, which the next boot has.
func (d *daemonSystem) installs() {
	t := d.t
	base := d.checkBooted(0)
	out := d.change("install", "probe", "foreign")
	require.Contains(t, out, "Changes queued for next boot")
	require.Contains(t, d.run("ostree", "admin", "status"), "(staged)")
	require.NotZero(t, d.try("test", "-e", "/usr/bin/probe").Code, "the running system changed")
	d.checkBooted(1)
	journal := d.run("journalctl", "-b", "-q", "-o", "cat", "-u", "apt-ostreed")
	require.Contains(t, journal, `msg="transaction successful"`)
	require.NotContains(t, journal, "shutdown is not held up")

	d.reboot()
	layered := d.checkBooted(0)
	require.Equal(t, base.Checksum, layered.BaseChecksum)
	require.Equal(t, []string{"foreign", "probe"}, layered.Packages)
	require.Equal(t, "ran", d.run("cat", "/usr/share/foreign"))
	require.Equal(t, "probe 1.0\n", d.run("probe"))
	require.Equal(t, "configured\n", d.run("cat", "/usr/share/probe/postinst"))
	require.Contains(t, d.run("dpkg", "-l", "probe"), "\nii  probe ")
	require.Empty(t, d.run("dpkg", "--audit"))
}
