package busapi_test

import (
	"encoding/json"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// watch collects the changes of properties of an object.
func (b *bus) watch(conn *dbus.Conn, path dbus.ObjectPath) func(property string) bool {
	b.t.Helper()
	require.NoError(b.t, conn.AddMatchSignal(dbus.WithMatchObjectPath(path), dbus.WithMatchInterface("org.freedesktop.DBus.Properties")))
	signals := make(chan *dbus.Signal, 256)
	conn.Signal(signals)
	var mu sync.Mutex
	seen := map[string]bool{}
	go func() {
		for s := range signals {
			changed, ok := s.Body[1].(values)
			if !ok || s.Path != path {
				continue
			}
			mu.Lock()
			for property := range changed {
				seen[property] = true
			}
			mu.Unlock()
		}
	}()
	return func(property string) bool {
		mu.Lock()
		defer mu.Unlock()
		return seen[property]
	}
}

// TestPropertiesChanged tells of what the daemon does and of what other programs do.
func TestPropertiesChanged(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	conn := b.connect()
	changed := b.watch(conn, osPath)
	b.deploy(txn.Change{Upgrade: true}) // by this process
	b.waitFor(func() bool { return changed("DefaultDeployment") && changed("RollbackDeployment") })
	value, err := conn.Object(name, osPath).GetProperty(name + ".OS.DefaultDeployment")
	require.NoError(t, err)
	require.Equal(t, "2", value.Value().(values)["version"].Value())

	other := b.connect()
	changed = b.watch(other, sysPath)
	require.Zero(t, b.cli(0, "rollback").code)
	b.waitFor(func() bool {
		return changed("ActiveTransaction") && changed("ActiveTransactionPath") && changed("Deployments")
	})
	value, err = conn.Object(name, sysPath).GetProperty(name + ".Sysroot.Deployments")
	require.NoError(t, err)
	list := value.Value().([]values)
	require.Len(t, list, 2)
	require.Equal(t, "1", list[0]["version"].Value())
	require.IsType(t, uint64(0), list[0]["timestamp"].Value())
	require.IsType(t, []string{}, list[0]["packages"].Value())
}

// TestIdleExit: the daemon ends when it has nothing to do, and stays as long as a client is registered.
func TestIdleExit(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.configure("IdleExitTimeout=1")
	daemon := b.daemon()
	conn := b.connect()
	sysroot := conn.Object(name, sysPath)
	require.NoError(t, sysroot.Call(name+".Sysroot.RegisterClient", 0, values{"id": dbus.MakeVariant("test")}).Err)
	time.Sleep(1500 * time.Millisecond)
	require.NoError(t, sysroot.Call(name+".Sysroot.Reload", 0).Err)
	require.NoError(t, sysroot.Call(name+".Sysroot.UnregisterClient", 0, values{}).Err)
	require.Error(t, sysroot.Call(name+".Sysroot.UnregisterClient", 0, values{}).Err)
	<-daemon.done
	require.Zero(t, daemon.ProcessState.ExitCode())
	require.Contains(t, daemon.log.String(), "exiting due to idle")
	require.Contains(t, daemon.log.String(), "client(id:test dbus:")
}

func TestReloadConfig(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	policy := func() any {
		value, err := b.connect().Object(name, sysPath).GetProperty(name + ".Sysroot.AutomaticUpdatePolicy")
		require.NoError(t, err)
		return value.Value()
	}
	require.Equal(t, "none", policy())
	b.configure("AutomaticUpdatePolicy=check", "LockLayering=true")
	require.Zero(t, b.cli(0, "reload").code)
	require.Equal(t, "check", policy())
	b.configure("AutomaticUpdatePolicy=sometimes")
	out := b.cli(0, "reload")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "AutomaticUpdatePolicy=sometimes: neither none, check, stage nor apply")
	require.Equal(t, "check", policy(), "what was read before stays")
	out = b.cli(0, "install", "tool")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "Cannot operate; LockLayering=true in configuration.")
	b.works()
}

// TestCompatibility drives the daemon under rpm-ostree's names.
func TestCompatibility(t *testing.T) {
	t.Parallel()
	const old = "org.projectatomic.rpmostree1"
	b := newHost(t)
	b.daemon()
	require.Empty(t, b.owner(old), "only on request")
	b = newHost(t)
	b.configure("RpmOstreeCompatibility=true")
	b.daemon()
	b.waitFor(func() bool { return b.owner(old) != "" })
	conn := b.connect()
	var path dbus.ObjectPath
	require.NoError(t, conn.Object(old, "/org/projectatomic/rpmostree1/Sysroot").Call(old+".Sysroot.GetOS", 0, "").Store(&path))
	require.Equal(t, dbus.ObjectPath("/org/projectatomic/rpmostree1/debian"), path)
	var objects map[dbus.ObjectPath]map[string]values
	require.NoError(t, conn.Object(old, "/org/projectatomic/rpmostree1").Call("org.freedesktop.DBus.ObjectManager.GetManagedObjects", 0).Store(&objects))
	require.Contains(t, objects[path], old+".OS")
	require.Len(t, objects, 2)
	var address string
	require.NoError(t, conn.Object(old, path).Call(old+".OS.UpdateDeployment", 0, values{}, values{}).Store(&address))
	p, signals := stranger{t, conn, old}.peer(address)
	require.NoError(t, p.conn.Object("", "/").Call(old+".Transaction.Start", 0).Err)
	for s := range signals {
		require.True(t, strings.HasPrefix(s.Name, old+".Transaction."), s.Name)
		if s.Name == old+".Transaction.Finished" {
			require.Equal(t, []any{true, ""}, s.Body)
			break
		}
	}
	require.Equal(t, []string{"2", "1"}, b.versions())
	err := conn.Object(old, path).Call(old+".OS.Upgrade", 0, values{"x": dbus.MakeVariant(1)}).Err
	var failed dbus.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "org.freedesktop.DBus.Error.InvalidArgs", failed.Name)
}

// login is a logind that writes down what it is asked.
type login struct {
	mu        sync.Mutex
	asked     []string
	inhibitor string // who blocks a shutdown, "" if nobody
	pid       uint32 // a process, 0 if none, whose inhibitor was closed a moment ago
	held      *os.File
}

func (l *login) Inhibit(what, who, why, mode string) (dbus.UnixFD, *dbus.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "inhibit "+what+" "+who+" "+mode+": "+why)
	r, w, err := os.Pipe()
	if err != nil {
		return 0, dbus.MakeFailedError(err)
	}
	l.held = r
	return dbus.UnixFD(w.Fd()), nil
}

type inhibitor struct {
	What, Who, Why, Mode string
	UID, PID             uint32
}

func (l *login) ListInhibitors() ([]inhibitor, *dbus.Error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inhibitor == "" {
		list := []inhibitor{{What: "sleep", Who: "music", Mode: "block"}, {What: "shutdown", Who: "editor", Mode: "delay"}}
		if l.pid != 0 {
			list = append(list, inhibitor{What: "shutdown:sleep", Who: "apt-ostree", Mode: "block", PID: l.pid})
		}
		return list, nil
	}
	return []inhibitor{{What: "idle:shutdown", Who: l.inhibitor, Why: "busy", Mode: "block"}}, nil
}

func (l *login) Reboot(bool) *dbus.Error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.asked = append(l.asked, "reboot")
	return nil
}

func (l *login) all() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Join(l.asked, "\n")
}

func (b *bus) logind(l *login) {
	b.t.Helper()
	conn := b.connect()
	require.NoError(b.t, conn.Export(l, "/org/freedesktop/login1", "org.freedesktop.login1.Manager"))
	reply, err := conn.RequestName("org.freedesktop.login1", 0)
	require.NoError(b.t, err)
	require.Equal(b.t, dbus.RequestNameReplyPrimaryOwner, reply)
}

// TestReboot: shutdown is inhibited while a transaction runs, and a restart that was asked for comes after it unless
// somebody else forbids it.
func TestReboot(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	l := &login{inhibitor: "backup"}
	b.logind(l)
	daemon := b.daemon()
	upgrade := func() {
		var address string
		conn := b.connect()
		require.NoError(t, conn.Object(name, osPath).Call(name+".OS.UpdateDeployment", 0, values{}, values{"reboot": dbus.MakeVariant(true)}).Store(&address))
		p, signals := stranger{t, conn, name}.peer(address)
		require.NoError(t, p.conn.Object("", "/").Call(name+".Transaction.Start", 0).Err)
		require.Equal(t, []any{true, ""}, p.finished(signals))
	}
	upgrade()
	b.waitFor(func() bool { return strings.Contains(daemon.log.String(), "reboot blocked by backup (busy)") })
	require.Contains(t, l.all(), "inhibit shutdown:sleep apt-ostree block: upgrade")
	require.NotContains(t, l.all(), "reboot")
	l.mu.Lock()
	l.inhibitor, l.pid = "", uint32(daemon.Process.Pid)
	l.mu.Unlock()
	b.deploy(txn.Change{Rollback: true})
	require.NoError(t, b.connect().Object(name, sysPath).Call(name+".Sysroot.Reload", 0).Err)
	upgrade()
	b.waitFor(func() bool { return strings.HasSuffix(l.all(), "reboot") })
	err := b.connect().Object(name, osPath).Call(name+".OS.Rollback", 0, values{}).Err
	require.ErrorContains(t, err, "about to restart")
}

// TestAutomaticUpdates does what each policy says.
func TestAutomaticUpdates(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	l := new(login)
	b.logind(l)
	b.daemon()
	trigger := func(want string) {
		out := b.cli(0, "upgrade", "--trigger-automatic-update-policy")
		require.Zero(t, out.code, out.stderr)
		require.Contains(t, out.stdout, want)
	}
	trigger("Automatic updates are not enabled; exiting...")
	require.Equal(t, []string{"1"}, b.versions())

	b.configure("AutomaticUpdatePolicy=check")
	require.Zero(t, b.cli(0, "reload").code)
	trigger("")
	require.Equal(t, []string{"1"}, b.versions())
	value, err := b.connect().Object(name, osPath).GetProperty(name + ".OS.CachedUpdate")
	require.NoError(t, err)
	require.Equal(t, "2", value.Value().(values)["version"].Value())
	require.Contains(t, value.Value().(values), "rpm-diff")
	var status map[string]any
	require.NoError(t, json.Unmarshal([]byte(b.cli(nobody, "status", "--json").stdout), &status))
	require.Equal(t, true, status["cached-update"].(map[string]any)["ref-has-new-commit"])

	b.configure("AutomaticUpdatePolicy=stage")
	require.Zero(t, b.cli(0, "reload").code)
	trigger("")
	require.Equal(t, []string{"2", "1"}, b.versions())
	require.NotContains(t, l.all(), "reboot")
	value, err = b.connect().Object(name, osPath).GetProperty(name + ".OS.CachedUpdate")
	require.NoError(t, err)
	require.Contains(t, value.Value().(values), "deployment", "it is deployed now")

	b.deploy(txn.Change{Rollback: true})
	b.configure("AutomaticUpdatePolicy=apply")
	require.Zero(t, b.cli(0, "reload").code)
	trigger("")
	require.Equal(t, []string{"2", "1"}, b.versions())
	b.waitFor(func() bool { return strings.HasSuffix(l.all(), "reboot") })
}
