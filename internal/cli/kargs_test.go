package cli_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func TestKargsCommand(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.Equal(t, "root=x quiet\n", m.must("kargs"))
	require.Contains(t, m.must("kargs", "--append=x=1", "--append=y=2", "--replace=root=z"), "Changes queued for next boot.")
	require.Equal(t, "root=z quiet x=1 y=2\n", m.must("kargs"))
	require.Equal(t, "root=x quiet\n", m.must("kargs", "--deploy-index=1"))
	require.Equal(t, outcome{"No changes.\n", "", 77}, m.run("kargs", "--append-if-missing=x=1", "--unchanged-exit-77"))
	require.Equal(t, "No changes.\n", m.must("kargs", "--delete-if-present=none"))
	m.must("kargs", "--deploy-index=1", "--append=again")
	require.Equal(t, "root=x quiet again\n", m.must("kargs"))
	m.must("upgrade")
	require.Equal(t, "root=x quiet again\n", m.must("kargs"))
	m.must("kargs", "--append-if-missing=again=2", "--append=again=3", "--delete=quiet", "--delete-if-present=again")
	require.Contains(t, m.fails("kargs", "--delete=again"), `kernel argument "again" has 2 values (3, 2)`)
	m.must("kargs", "--import-proc-cmdline", "--append=imported")
	require.Contains(t, m.must("kargs"), " imported\n")

	for text, args := range map[string][]string{
		"delete replace":                {"--delete=a", "--replace=b"},
		"append editor":                 {"--editor", "--append=a"},
		"deploy-index import-proc":      {"--deploy-index=1", "--import-proc-cmdline"},
		"--reboot needs a change":       {"--reboot"},
		"there is no deployment 7":      {"--deploy-index=7"},
		`kernel argument "none"`:        {"--delete=none"},
		"--reboot is for the running":   {"--append=x", "-r"},
		"this program has no editor to": {"--editor"},
	} {
		require.Contains(t, m.fails(append([]string{"kargs"}, args...)...), text)
	}
}

// TestKargsEditor has what an editor can leave behind.
func TestKargsEditor(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	edit := func(change func(text string) string, args ...string) outcome {
		var stdout, stderr bytes.Buffer
		code := cli.Main(t.Context(), append([]string{"kargs", "--editor", "--sysroot=" + m.path}, args...), cli.Env{
			Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
			Options: txn.Options{Sysroot: m.opts, Architecture: "amd64"},
			Edit: func(_ context.Context, path string) error {
				text, err := os.ReadFile(path)
				require.NoError(t, err)
				return os.WriteFile(path, []byte(change(string(text))), 0o600)
			},
		})
		return outcome{stdout.String(), stderr.String(), code}
	}
	same := func(text string) string { return text }
	require.Contains(t, edit(same).stderr, "were not changed")
	require.Equal(t, outcome{"No changes.\n", "", 77}, edit(same, "--unchanged-exit-77"))
	require.Contains(t, edit(func(string) string { return "# nothing\n" }).stderr, "are empty")
	require.Contains(t, edit(func(text string) string { return "ostree=/x " + text }).stderr, "must not be given")
	require.Zero(t, edit(func(text string) string { return strings.Replace(text, "quiet", "one\ntwo=\"a b\"", 1) }).code)
	require.Equal(t, "root=x one two=\"a b\"\n", m.must("kargs"))
	conflict := edit(func(text string) string {
		m.must("kargs", "--append=meanwhile")
		return "mine"
	})
	require.Equal(t, 1, conflict.code)
	require.Contains(t, conflict.stderr, "the system changed since")
}

func TestInitramfsCommands(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	require.Equal(t, "Initramfs regeneration: disabled\n", m.must("initramfs"))
	require.Contains(t, m.fails("initramfs", "--arg=x"), "need --enable")
	require.Contains(t, m.fails("initramfs", "--disable"), "already disabled")
	require.NotContains(t, m.must("initramfs", "--enable", "--arg=--add=lvm", "--dry-run"), "No change")

	require.Equal(t, "No files tracked.\n", m.must("initramfs-etc"))
	m.must("initramfs-etc", "--track=/etc/default")
	require.Equal(t, "Tracked files:\n  /etc/default\n", m.must("initramfs-etc"))
	require.Equal(t, 77, m.run("initramfs-etc", "--force-sync", "--unchanged-exit-77").code)
	require.Contains(t, m.must("status"), "InitramfsEtc: /etc/default\n")
	require.Contains(t, m.fails("initramfs-etc", "--track=/usr/x"), "Path outside /etc forbidden: /usr/x")
	require.Contains(t, m.fails("initramfs-etc", "-r"), "--reboot needs a change")
	m.must("initramfs-etc", "--untrack=/etc/default")
	require.Equal(t, "No files tracked.\n", m.must("initramfs-etc"))
}
