package busapi_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

const (
	name    = "org.aptostree.dev"
	osPath  = dbus.ObjectPath("/org/aptostree/dev/OS/debian")
	sysPath = dbus.ObjectPath("/org/aptostree/dev/Sysroot")
)

type values = map[string]dbus.Variant

// gate makes daemons that are started wait before they fetch anything, until it is opened. What is planned until
// then is a transaction that runs.
func (b *bus) gate() (open func()) {
	b.t.Helper()
	path := filepath.Join(b.dir, "gate")
	require.NoError(b.t, os.WriteFile(path, nil, 0o644))
	b.env = append(b.env, "BUSAPI_TEST_GATE="+path)
	return func() { require.NoError(b.t, os.Remove(path)) }
}

// begin makes a transaction to install a package, and returns its address.
func (b *bus) begin(conn *dbus.Conn, packages ...string) string {
	b.t.Helper()
	var address string
	change := values{"install": dbus.MakeVariant(packages)}
	require.NoError(b.t, conn.Object(name, osPath).Call(name+".OS.Change", 0, change, values{"dry-run": dbus.MakeVariant(true)}).Store(&address))
	return address
}

// works makes sure that the next transaction does.
func (b *bus) works() {
	b.t.Helper()
	out := b.cli(0, "upgrade")
	require.Zero(b.t, out.code, out.stderr)
	require.Equal(b.t, []string{"2", "1"}, b.versions())
}

// TestForged calls with what the methods do not take.
func TestForged(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	daemon := b.daemon()
	conn := b.connect()
	many := make([]string, 200_000)
	for i := range many {
		many[i] = "x"
	}
	deep := dbus.MakeVariant("")
	for range 10 {
		deep = dbus.MakeVariant([]dbus.Variant{deep})
	}
	const invalid, failed = "org.freedesktop.DBus.Error.InvalidArgs", name + ".Error."
	for _, c := range []struct {
		why, method string
		path        dbus.ObjectPath
		args        []any
		want        string // the error's name
		text        string
	}{
		{"a forged option", ".OS.Upgrade", osPath, []any{values{"allow-everything": dbus.MakeVariant(true)}}, invalid, "allow-everything: unknown option; there are allow-downgrade, cache-only"},
		{"a right that is asked for by another name", ".OS.Change", osPath, []any{values{"Install": dbus.MakeVariant([]string{"x"})}, values{}}, invalid, "unknown option"},
		{"a key that only the daemon sets", ".OS.Change", osPath, []any{values{"CallerUnit": dbus.MakeVariant("x")}, values{}}, invalid, "unknown option"},
		{"a wrong type", ".OS.Upgrade", osPath, []any{values{"reboot": dbus.MakeVariant("yes")}}, invalid, "reboot: of type s, not b"},
		{"a number for a string", ".OS.UpdateDeployment", osPath, []any{values{"set-revision": dbus.MakeVariant(int32(1))}, values{}}, invalid, "set-revision: of type i, not s"},
		{"an empty list of something else", ".OS.UpdateDeployment", osPath, []any{values{"install-packages": dbus.MakeVariant([]int32{})}, values{}}, invalid, "of type ai, not as"},
		{"a nested value", ".OS.UpdateDeployment", osPath, []any{values{"install-packages": deep}, values{}}, invalid, "install-packages: "},
		{"a dictionary for a structure", ".OS.UpdateDeployment", osPath, []any{values{}, values{"custom-origin": dbus.MakeVariant(values{"x": dbus.MakeVariant(1)})}}, invalid, "custom-origin: x: unknown"},
		{"wrong arguments", ".OS.Upgrade", osPath, []any{"x"}, invalid, `Upgrade takes "a{sv}", not "s"`},
		{"no arguments", ".OS.Upgrade", osPath, nil, invalid, `takes "a{sv}", not ""`},
		{"a huge list", ".OS.UpdateDeployment", osPath, []any{values{"install-packages": dbus.MakeVariant(many)}, values{}}, invalid, "200000 items; at most"},
		{"a huge list in another place", ".OS.PkgChange", osPath, []any{values{}, many, []string{}}, invalid, "packages: too many"},
		{"paths for descriptors", ".OS.Change", osPath, []any{values{"install-local": dbus.MakeVariant([]string{"/etc/shadow"})}, values{}}, invalid, "install-local: of type as, not ah"},
		{"descriptors that did not come", ".OS.Change", osPath, []any{values{"install-local": dbus.MakeVariant([]dbus.UnixFDIndex{7})}, values{}}, invalid, "there is no descriptor 7 among the 0"},
		{"descriptors for no files", ".OS.Change", osPath, []any{values{"install": dbus.MakeVariant([]dbus.UnixFDIndex{0})}, values{}}, invalid, "install: takes no file descriptors"},
		{"a contradiction", ".OS.UpdateDeployment", osPath, []any{values{}, values{"skip-purge": dbus.MakeVariant(true)}}, invalid, "skip-purge: only with set-refspec"},
		{"a live change that ends with a restart", ".OS.Change", osPath, []any{values{}, values{"apply-live": dbus.MakeVariant(true), "reboot": dbus.MakeVariant(true)}}, invalid, "apply-live: not with reboot"},
		{"two live commits", ".OSExperimental.LiveFs", osPath, []any{values{"reset": dbus.MakeVariant(true), "target": dbus.MakeVariant("x")}}, invalid, "reset: not with target"},
		{"no object", ".OS.Upgrade", "/org/aptostree/dev/OS/none", []any{values{}}, "org.freedesktop.DBus.Error.UnknownObject", "no such object"},
		{"no interface", ".Nothing.Upgrade", osPath, nil, "org.freedesktop.DBus.Error.UnknownInterface", "no interface"},
		{"an interface of the private socket", ".Transaction.Start", osPath, nil, "org.freedesktop.DBus.Error.UnknownInterface", "no interface"},
		{"no method", ".OS.Destroy", osPath, nil, "org.freedesktop.DBus.Error.UnknownMethod", "no method"},
		{"an identity of two lines", ".Sysroot.RegisterClient", sysPath, []any{values{"id": dbus.MakeVariant("a\nb")}}, invalid, "not a short line"},
		{"no stateroot", ".Sysroot.GetOS", sysPath, []any{"../../etc"}, invalid, "not found"},
		{"no terms", ".OS.Search", osPath, []any{[]string{}}, invalid, "terms"},
		{"no deployment", ".OS.GetDeploymentsRpmDiff", osPath, []any{"../x", ""}, invalid, "no such deployment"},
		{"no mode", ".OS.AutomaticUpdateTrigger", osPath, []any{values{"mode": dbus.MakeVariant("apply")}}, invalid, "neither auto"},
	} {
		call := conn.Object(name, c.path).Call(name+c.method, 0, c.args...)
		var err dbus.Error
		require.ErrorAs(t, call.Err, &err, c.why)
		require.Equal(t, c.want, err.Name, "%s: %v", c.why, err)
		require.Contains(t, err.Error(), c.text, c.why)
	}
	require.NotContains(t, daemon.log.String(), "msg=transaction")
	b.works()
}

// TestNotAPackage passes descriptors of other things.
func TestNotAPackage(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	client, err := busapi.Dial(t.Context(), b.address)
	require.NoError(t, err)
	defer client.Close()
	text := filepath.Join(t.TempDir(), "text.deb")
	require.NoError(t, os.WriteFile(text, []byte("no package"), 0o644))
	broken := filepath.Join(t.TempDir(), "broken.deb")
	require.NoError(t, os.WriteFile(broken, []byte("!<arch>\nand nothing that follows"), 0o644))
	for path, want := range map[string]string{
		text: "install-local: file 0: not a Debian package", broken: "install-local: file 0: ", "/dev/null": "no regular file", "/": "no regular file",
	} {
		f, err := os.Open(path)
		require.NoError(t, err)
		err = client.Change(t.Context(), "", txn.Change{}, busapi.ChangeOptions{}, map[string][]*os.File{busapi.InstallLocal: {f}}, busapi.Listener{})
		f.Close()
		var failure *busapi.RemoteError
		require.ErrorAs(t, err, &failure, path)
		require.ErrorContains(t, err, want, path)
	}
	fds, err := os.ReadDir("/proc/" + b.pid() + "/fd")
	require.NoError(t, err)
	for range 20 { // descriptors with calls that take none
		f, err := os.Open("/dev/null")
		require.NoError(t, err)
		conn := b.connect()
		require.Error(t, conn.Object(name, osPath).Call(name+".OS.Upgrade", 0, values{"x": dbus.MakeVariant(dbus.UnixFD(f.Fd()))}).Err)
		require.Error(t, conn.Object(name, "/nowhere").Call("a.b", 0, dbus.UnixFD(f.Fd())).Err)
		require.Error(t, conn.Object(name, osPath).Call("org.freedesktop.DBus.Peer.Nothing", 0, dbus.UnixFD(f.Fd())).Err)
		f.Close()
	}
	b.waitFor(func() bool {
		after, err := os.ReadDir("/proc/" + b.pid() + "/fd")
		return err == nil && len(after) <= len(fds)+2
	})
	b.works()
}

// TestClientsThatVanish leave before they start, or never start.
func TestClientsThatVanish(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.configure("StartTimeout=0")
	daemon := b.daemon()
	conn := b.connect()
	b.begin(conn, "tool")
	require.NoError(t, conn.Close())
	b.waitFor(func() bool { return strings.Contains(daemon.log.String(), "client disconnected before calling Start") })

	b.configure("StartTimeout=1")
	require.Zero(t, b.cli(0, "reload").code)
	other := b.connect()
	address := b.begin(other, "tool")
	b.waitFor(func() bool { return strings.Contains(daemon.log.String(), "client did not call Start in time") })
	p, signals := stranger{t, other, name}.peer(address)
	var started bool
	require.NoError(t, p.conn.Object("", "/").Call(name+".Transaction.Start", 0).Store(&started), "who comes late is told the end again")
	require.False(t, started)
	require.Equal(t, []any{false, "client did not call Start in time"}, p.finished(signals))
	b.works()
}

// TestTwoTransactions: the same request of one user joins, another is refused, and the command line says what runs.
func TestTwoTransactions(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	open := b.gate()
	b.daemon()
	conn := b.connect()
	address := b.begin(conn, "tool")
	p, signals := stranger{t, conn, name}.peer(address)
	require.NoError(t, p.conn.Object("", "/").Call(name+".Transaction.Start", 0).Err)
	require.Equal(t, address, b.begin(b.connect(), "tool"), "joined")
	out := b.cli(0, "upgrade")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "Transaction in progress: install: tool")
	require.Contains(t, out.stderr, "apt-ostree cancel")
	out = b.cli(nobody, "status")
	require.Contains(t, out.stdout, "State: busy\nTransaction: Change\n")
	open()
	require.Equal(t, []any{true, ""}, p.finished(signals))
	b.works()
}

// TestLateListener comes after the plan was told, and hears it before anything else, even before it calls Start.
func TestLateListener(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	conn := b.connect()
	address := b.begin(conn, "tool")
	first, signals := stranger{t, conn, name}.peer(address)
	require.NoError(t, first.conn.Object("", "/").Call(name+".Transaction.Start", 0).Err)
	require.Equal(t, []any{true, ""}, first.finished(signals))
	_, signals = stranger{t, conn, name}.peer(address)
	select {
	case told := <-signals:
		require.Equal(t, name+".Transaction.Event", told.Name)
		require.Equal(t, "plan", told.Body[0])
	case <-time.After(time.Minute):
		t.Fatal("no plan")
	}
}

// TestTenAtOnce has ten clients that all want to upgrade: one does, the others join it, are refused, or find it done.
func TestTenAtOnce(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	var wait sync.WaitGroup
	outcomes := make([]outcome, 10)
	for i := range outcomes {
		wait.Go(func() {
			if i%2 == 0 {
				outcomes[i] = b.cli(0, "upgrade")
			} else {
				outcomes[i] = b.cli(0, "status")
			}
		})
	}
	wait.Wait()
	for i, out := range outcomes {
		if i%2 == 1 || out.code == 0 {
			require.Zero(t, out.code, out.stderr)
			continue
		}
		require.Contains(t, out.stderr, "Transaction in progress")
	}
	require.Equal(t, []string{"2", "1"}, b.versions())
}

// TestCancel by the client's Ctrl-C and by "apt-ostree cancel"; nothing is left of what ran.
func TestCancel(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.gate()
	b.daemon()
	for _, how := range []string{"interrupt", "cancel"} {
		c := b.run(b.program("apt-ostree", "install", "tool"))
		b.waitFor(func() bool { return strings.Contains(b.cli(0, "status").stdout, "State: busy") })
		b.waitFor(func() bool { return b.started() })
		if how == "interrupt" {
			require.NoError(t, c.Process.Signal(os.Interrupt))
		} else {
			out := b.cli(0, "cancel")
			require.Zero(t, out.code, out.stderr)
			require.Equal(t, "Cancelling transaction: apt-ostree install tool\n", out.stdout)
		}
		<-c.done
		require.Equal(t, 130, c.ProcessState.ExitCode(), "%s: %s", how, c.log)
		require.Contains(t, c.log.String(), "canceled")
		require.Contains(t, b.cli(0, "status").stdout, "State: idle")
	}
	require.Equal(t, "No active transaction.\n", b.cli(0, "cancel").stdout)
	b.works()
}

// TestStrangerAtTheSocket: another user than the caller is not let in.
func TestStrangerAtTheSocket(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.configure("StartTimeout=0")
	b.daemon()
	address := b.begin(b.connect(), "tool")
	c := as(nobody, b.program("peer", address))
	out, err := c.CombinedOutput()
	require.Error(t, err, "%s", out)
	p, signals := stranger{t, b.connect(), name}.peer(address)
	require.NoError(t, p.conn.Object("", "/").Call(name+".Transaction.Cancel", 0).Err)
	require.Equal(t, []any{false, "context canceled"}, p.finished(signals))
}

// TestSecondDaemon is refused, and the first one goes on.
func TestSecondDaemon(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	second := b.launch()
	<-second.done
	require.Equal(t, 1, second.ProcessState.ExitCode())
	require.Contains(t, second.log.String(), name+": owned by another process; a daemon is running already")
	b.works()
}

// TestKilledDaemon dies in the middle of a transaction: the client is told, and the next daemon takes up the system.
func TestKilledDaemon(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	open := b.gate()
	daemon := b.daemon()
	client := b.run(b.program("apt-ostree", "install", "tool"))
	b.waitFor(b.started)
	require.NoError(t, daemon.Process.Kill())
	<-client.done
	b.waitFor(func() bool { return b.owner(name) == "" })
	require.Equal(t, 1, client.ProcessState.ExitCode())
	require.Contains(t, client.log.String(), "Bus owner changed, aborting. This likely means the daemon crashed")
	sockets := func() []string {
		list, err := filepath.Glob(b.dir + "/run/transaction-*")
		require.NoError(t, err)
		return list
	}
	require.Len(t, sockets(), 1)
	open()
	b.daemon()
	require.Empty(t, sockets(), "what the killed daemon left is gone")
	require.Equal(t, []string{"1"}, b.versions())
	b.works()
}

// TestBusGoesAway: the daemon ends what it does and then itself, with an error; on the next bus all is well.
func TestBusGoesAway(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	daemon := b.daemon()
	require.NoError(t, b.broker.Process.Kill())
	<-daemon.done
	require.Equal(t, 1, daemon.ProcessState.ExitCode())
	require.Contains(t, daemon.log.String(), "the bus closed the connection")
	out := b.cli(0, "status", "--sysroot="+b.sysroot)
	require.Zero(t, out.code, out.stderr)
	out = b.cli(0, "upgrade")
	require.Contains(t, out.stderr, "note: the daemon does not answer")
	b.startBroker()
	b.daemon()
	b.works()
}

// TestLockOfAnotherProcess: the sysroot's lock counts for the daemon too.
func TestLockOfAnotherProcess(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	unlock, err := b.open().Lock(t.Context())
	require.NoError(t, err)
	client, err := busapi.Dial(t.Context(), b.address)
	require.NoError(t, err)
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = client.Change(ctx, "", txn.Change{Upgrade: true}, busapi.ChangeOptions{}, nil, busapi.Listener{})
	var failure *busapi.RemoteError
	require.True(t, errors.As(err, &failure))
	require.Equal(t, txn.KindBusy, failure.Kind, err)
	require.NoError(t, unlock())
	b.works()
}
