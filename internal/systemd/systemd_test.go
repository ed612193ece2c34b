package systemd_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

func TestUnitOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"0::/system.slice/updater.service\n":                                           "updater.service",
		"0::/system.slice/updater.service/payload\n":                                   "updater.service",
		"0::/user.slice/user-0.slice/session-3.scope\n":                                "session-3.scope",
		"4:memory:/x.service\n1:name=systemd:/system.slice/cron.service\n0::/\n":       "cron.service",
		"1:name=systemd:/system.slice/old.service\n0::/system.slice/unified.service\n": "unified.service",
		"0::/\n": "",
		"":       "",
	} {
		require.Equal(t, want, systemd.UnitOf(text), text)
	}
}

// TestReboot runs a systemctl that only says what it is told to.
func TestReboot(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PATH", dir+":/usr/bin:/bin")
	systemctl := func(script string) {
		testenv.WriteProgram(t, filepath.Join(dir, "systemctl"), []byte("#!/bin/sh\n"+script), 0o755)
	}
	systemctl(`echo "$@" > ` + dir + "/asked\n")
	require.NoError(t, systemd.Reboot(t.Context()))
	asked, err := os.ReadFile(dir + "/asked")
	require.NoError(t, err)
	require.Equal(t, "reboot --check-inhibitors=yes\n", string(asked))
	systemctl("echo 'Operation inhibited by \"backup\" (PID 7), reason is \"busy\".'; exit 1\n")
	err = systemd.Reboot(t.Context())
	require.ErrorAs(t, err, new(*systemd.BlockedError))
	require.ErrorContains(t, err, `Reboot blocked: Operation inhibited by "backup"`)
	systemctl("echo no bus; exit 1\n")
	require.ErrorContains(t, systemd.Reboot(t.Context()), "exit status 1: no bus")
}
