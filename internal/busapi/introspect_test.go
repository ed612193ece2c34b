package busapi_test

import (
	"encoding/xml"
	"fmt"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/godbus/dbus/v5/introspect"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// stranger is a client that knows the name of the daemon and nothing else: everything it does it has read from
// introspection data.
type stranger struct {
	t    *testing.T
	conn *dbus.Conn
	dest string
}

func (s stranger) introspect(at dbus.ObjectPath) introspect.Node {
	s.t.Helper()
	var text string
	require.NoError(s.t, s.conn.Object(s.dest, at).Call("org.freedesktop.DBus.Introspectable.Introspect", 0).Store(&text))
	var node introspect.Node
	require.NoError(s.t, xml.Unmarshal([]byte(text), &node))
	return node
}

// objects walks the tree of objects.
func (s stranger) objects(at dbus.ObjectPath, visit func(dbus.ObjectPath, introspect.Interface)) {
	s.t.Helper()
	node := s.introspect(at)
	for _, i := range node.Interfaces {
		visit(at, i)
	}
	for _, child := range node.Children {
		s.objects(dbus.ObjectPath(path.Join(string(at), child.Name)), visit)
	}
}

// zero is a value of a type.
func (s stranger) zero(signature string) any {
	s.t.Helper()
	parsed, err := dbus.ParseSignature(signature)
	require.NoError(s.t, err)
	switch parsed.String() {
	case "s":
		return ""
	case "b":
		return false
	case "as":
		return []string{}
	case "a{sv}":
		return map[string]dbus.Variant{}
	case "a{ss}":
		return map[string]string{}
	case "v":
		return dbus.MakeVariant("")
	}
	s.t.Fatalf("no value of type %s", signature)
	return nil
}

func signatures(args []introspect.Arg, direction string) (list []string) {
	for _, a := range args {
		if a.Direction == direction || direction == "in" && a.Direction == "" {
			list = append(list, a.Type)
		}
	}
	return list
}

// TestEveryMethod calls all methods of all objects with values of the types that they say they take: the answer is of
// the types they say they give, or an error with a name.
func TestEveryMethod(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	s := stranger{t, b.connect(), "org.aptostree.dev"}
	var called []string
	s.objects("/", func(at dbus.ObjectPath, i introspect.Interface) {
		for _, m := range i.Methods {
			if i.Name == "org.freedesktop.DBus.Properties" {
				continue
			}
			var args []any
			for _, signature := range signatures(m.Args, "in") {
				args = append(args, s.zero(signature))
			}
			call := s.conn.Object(s.dest, at).Call(i.Name+"."+m.Name, 0, args...)
			called = append(called, i.Name+"."+m.Name)
			if call.Err != nil {
				var failed dbus.Error
				require.ErrorAs(t, call.Err, &failed, m.Name)
				require.Regexp(t, `^org\.(aptostree\.dev|freedesktop\.DBus)\.Error\.[A-Z][A-Za-z]+$`, failed.Name, m.Name)
				continue
			}
			// What is received of a structure is a list of anything.
			declared := strings.ReplaceAll(strings.Join(signatures(m.Args, "out"), ""), "(sua{sv})", "av")
			require.Equal(t, declared, dbus.SignatureOf(call.Body...).String(), m.Name)
			if address, ok := last(call.Body).(string); ok && strings.HasPrefix(address, "unix:") {
				s.cancel(address)
			}
		}
		for _, p := range i.Properties {
			value, err := s.conn.Object(s.dest, at).GetProperty(i.Name + "." + p.Name)
			require.NoError(t, err)
			require.Equal(t, p.Type, value.Signature().String(), p.Name) // a variant says what it holds
		}
	})
	for _, name := range []string{
		"org.aptostree.dev.Sysroot.Reload", "org.aptostree.dev.OS.Upgrade", "org.aptostree.dev.OS.UpdateDeployment",
		"org.aptostree.dev.OSExperimental.Moo", "org.freedesktop.DBus.ObjectManager.GetManagedObjects",
	} {
		require.Contains(t, called, name)
	}
}

func last(body []any) any {
	if len(body) == 0 {
		return nil
	}
	return body[len(body)-1]
}

// peer connects to a private socket.
func (s stranger) peer(address string) (stranger, chan *dbus.Signal) {
	s.t.Helper()
	conn, err := dbus.Dial(address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	require.NoError(s.t, err)
	signals := make(chan *dbus.Signal, 16)
	conn.Signal(signals)
	require.NoError(s.t, conn.Auth(nil))
	s.t.Cleanup(func() { _ = conn.Close() }) // some tests do so before
	return stranger{s.t, conn, ""}, signals
}

// cancel ends a transaction and waits until the next can begin.
func (s stranger) cancel(address string) {
	s.t.Helper()
	p, signals := s.peer(address)
	require.NoError(s.t, p.conn.Object("", "/").Call("org.aptostree.dev.Transaction.Cancel", 0).Err)
	require.Equal(s.t, []any{false, "context canceled"}, p.finished(signals))
	p.conn.Close()
}

// finished waits for the end of a transaction.
func (s stranger) finished(signals <-chan *dbus.Signal) []any {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case signal, ok := <-signals:
			require.True(s.t, ok, "the connection ended before the transaction")
			if strings.HasSuffix(signal.Name, ".Finished") {
				return signal.Body
			}
		case <-deadline:
			s.t.Fatal("no Finished")
		}
	}
}

// TestFromIntrospectionAlone upgrades the system: it finds the method, its arguments, the interface of the
// transaction and its signals by reading.
func TestFromIntrospectionAlone(t *testing.T) {
	t.Parallel()
	b := newHost(t)
	b.daemon()
	s := stranger{t, b.connect(), "org.aptostree.dev"}
	var address string
	s.objects("/", func(at dbus.ObjectPath, i introspect.Interface) {
		n := slices.IndexFunc(i.Methods, func(m introspect.Method) bool { return m.Name == "Upgrade" })
		if n < 0 {
			return
		}
		in := signatures(i.Methods[n].Args, "in")
		require.NoError(t, s.conn.Object(s.dest, at).Call(i.Name+"."+i.Methods[n].Name, 0, s.zero(in[0])).Store(&address))
	})
	p, signals := s.peer(address)
	node := p.introspect("/")
	n := slices.IndexFunc(node.Interfaces, func(i introspect.Interface) bool { return strings.HasSuffix(i.Name, ".Transaction") })
	require.GreaterOrEqual(t, n, 0)
	iface := node.Interfaces[n]
	declared := map[string]string{}
	for _, signal := range iface.Signals {
		for _, a := range signal.Args {
			declared[iface.Name+"."+signal.Name] += a.Type
		}
	}
	for _, property := range iface.Properties {
		value, err := p.conn.Object("", "/").GetProperty(iface.Name + "." + property.Name)
		require.NoError(t, err)
		require.Equal(t, property.Type, value.Signature().String())
	}
	var started bool
	require.NoError(t, p.conn.Object("", "/").Call(iface.Name+".Start", 0).Store(&started))
	require.True(t, started)
	for {
		signal := <-signals
		require.NotNil(t, signal)
		require.Equal(t, declared[signal.Name], dbus.SignatureOf(signal.Body...).String(), signal.Name)
		if strings.HasSuffix(signal.Name, ".Finished") {
			require.Equal(t, []any{true, ""}, signal.Body)
			break
		}
	}
	require.Equal(t, []string{"2", "1"}, b.versions())
}

// TestBusctl drives the daemon with systemd's tool, also on the private socket.
func TestBusctl(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("busctl"))
	b := newHost(t)
	b.daemon()
	busctl := func(address string, args ...string) string {
		out, err := exec.CommandContext(t.Context(), "busctl", append([]string{"--address=" + address}, args...)...).CombinedOutput()
		require.NoError(t, err, "%v: %s", args, out)
		return strings.TrimSpace(string(out))
	}
	const name, os = "org.aptostree.dev", "/org/aptostree/dev/OS/debian"
	require.Contains(t, busctl(b.address, "tree", "--list", name), os)
	table := busctl(b.address, "introspect", name, os)
	require.Regexp(t, `\.UpdateDeployment +method +a\{sv\}a\{sv\} +s`, table)
	require.Regexp(t, `\.DefaultDeployment +property +a\{sv\}`, table)
	require.Equal(t, `s "none"`, busctl(b.address, "get-property", name, "/org/aptostree/dev/Sysroot", name+".Sysroot", "AutomaticUpdatePolicy"))
	require.Equal(t, `o "`+os+`"`, busctl(b.address, "call", name, "/org/aptostree/dev/Sysroot", name+".Sysroot", "GetOS", "s", "debian"))

	// busctl leaves the bus before Start, and the transaction with it: so another connection makes it.
	var address string
	conn := b.connect()
	require.NoError(t, conn.Object(name, os).Call(name+".OS.Upgrade", 0, map[string]dbus.Variant{}).Store(&address))
	require.Contains(t, busctl(address, "introspect", name, "/"), ".Cancel")
	require.Equal(t, "b true", busctl(address, "call", name, "/", name+".Transaction", "Start"))
	b.waitFor(func() bool { return fmt.Sprint(b.versions()) == "[2 1]" })
}
