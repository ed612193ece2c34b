package busapi_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// activate has the bus start the daemon, as systemd or the bus does on a real system.
func (b *bus) activate() {
	b.t.Helper()
	text := fmt.Sprintf("[D-BUS Service]\nName=%s\nUser=root\nExec=/usr/bin/env %s=apt-ostreed DBUS_SYSTEM_BUS_ADDRESS=%s %s --sysroot=%s --config=%s --run-dir=%s/run --cache-dir=%[7]s/cache\n",
		name, role, b.address, self, b.sysroot, b.config, b.dir)
	require.NoError(b.t, os.WriteFile(b.dir+"/services/"+name+".service", []byte(text), 0o644))
	require.NoError(b.t, b.connect().BusObject().Call("org.freedesktop.DBus.ReloadConfig", 0).Err)
}

// TestActivation: the first command starts the daemon, which ends on its own and is started again by the next.
func TestActivation(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.configure("IdleExitTimeout=1")
	b.activate()
	out := b.cli(nobody, "status", "--json")
	require.Zero(t, out.code, out.stderr)
	require.NotContains(t, out.stderr, "does not answer")
	b.waitFor(func() bool { return b.owner(name) == "" })
	out = b.cli(0, "upgrade")
	require.Zero(t, out.code, out.stderr)
	require.Equal(t, []string{"2", "1"}, b.versions())
	b.waitFor(func() bool { return b.owner(name) == "" })
}

// TestStatusTimes prints how long "status" takes: a client that does nothing, through a daemon that runs, and with its
// start. Under load only their ratio means something, so nothing is asserted about them but that they were measured.
func TestStatusTimes(t *testing.T) {
	b := newHost(t)
	b.configure("IdleExitTimeout=0")
	b.activate()
	const runs = 15
	var bare, warm, cold []time.Duration
	measure := func(list *[]time.Duration, args ...string) {
		start := time.Now()
		out := b.cli(0, args...)
		*list = append(*list, time.Since(start))
		require.Zero(t, out.code, out.stderr)
	}
	for range runs {
		measure(&bare, "--version")
		measure(&cold, "status")
		measure(&warm, "status")
		var pid uint32
		require.NoError(t, b.connect().BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, name).Store(&pid))
		daemon, err := os.FindProcess(int(pid))
		require.NoError(t, err)
		require.NoError(t, daemon.Signal(os.Interrupt))
		b.waitFor(func() bool { return b.owner(name) == "" })
	}
	for _, list := range [][]time.Duration{bare, warm, cold} {
		slices.Sort(list)
		require.Len(t, list, runs)
	}
	t.Logf("status: a client alone %v, warm %v (median %v), with activation %v (median %v); best of %d",
		bare[0], warm[0], warm[runs/2], cold[0], cold[runs/2], runs)
}
