package busapi_test

import (
	"fmt"
	"os"
	"testing"

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
