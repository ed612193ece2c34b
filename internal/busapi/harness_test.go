package busapi_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// role tells the test binary which program it is to be.
const role = "BUSAPI_TEST_ROLE"

func TestMain(m *testing.M) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch os.Getenv(role) {
	case "apt-ostreed":
		os.Exit(busapi.Daemon(ctx, os.Args[1:], busapi.DaemonEnv{
			Err: os.Stderr, Getenv: os.Getenv, Writable: func(string) error { return nil },
			Options: txn.Options{Architecture: "amd64", HTTP: slowClient(os.Getenv("BUSAPI_TEST_GATE"))},
		}))
	case "peer":
		conn, err := dbus.Connect(os.Args[1])
		if err == nil {
			conn.Close()
			os.Exit(0)
		}
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	case "apt-ostree":
		os.Exit(cli.Main(ctx, os.Args[1:], cli.Env{
			Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Bus: busapi.SystemBus(os.Getenv),
			Options: txn.Options{Architecture: "amd64"},
		}))
	}
	os.Exit(runTests(m))
}

// runTests runs them with a copy of the test binary that other users can run too.
func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "busapi-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a temporary directory
	if self, err = copySelf(dir); err != nil {
		panic(err)
	}
	return m.Run()
}

// self is that copy.
var self string

func copySelf(dir string) (string, error) {
	from, err := os.Executable()
	if err != nil {
		return "", err
	}
	data, err := os.ReadFile(from)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "programs")
	return to, errors.Join(os.Chmod(dir, 0o755), os.WriteFile(to, data, 0o755))
}

// bus is a private message bus.
type bus struct {
	t       *testing.T
	dir     string // that everybody can enter
	address string
	sysroot string
	config  string
	env     []string // more for daemons
	broker  *process
	last    *process // the daemon that was started last
}

const busConfig = `<busconfig>
  <type>system</type>
  <listen>unix:path=%s/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>%[1]s/services</servicedir>
  <policy context="default">
    <allow user="*"/>
    <allow receive_type="method_call"/><allow receive_type="signal"/><allow receive_requested_reply="true" receive_type="method_return"/><allow receive_requested_reply="true" receive_type="error"/>
    <allow send_destination="org.freedesktop.DBus"/><allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/><allow send_requested_reply="true" send_type="error"/>
    <deny send_type="method_call"/>
    <allow send_destination="org.freedesktop.DBus" send_type="method_call"/>
    <allow send_destination="org.freedesktop.PolicyKit1"/>
    <allow send_destination="org.freedesktop.login1"/>
  </policy>
  <policy user="root"><allow own="org.freedesktop.login1"/></policy>
  <policy user="polkitd"><allow own="org.freedesktop.PolicyKit1"/></policy>
  <policy user="root"><allow own="org.freedesktop.PolicyKit1"/></policy>
  <include>%s</include>
</busconfig>`

// newBus starts a message bus with the policy that is shipped.
func newBus(t *testing.T) *bus {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Tool("dbus-daemon"))
	b := &bus{t: t, dir: publicDir(t)}
	b.address = "unix:path=" + b.dir + "/bus"
	b.config = filepath.Join(b.dir, "apt-ostreed.conf")
	policy, err := filepath.Abs("../../data/dbus/org.aptostree.dev.conf")
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(b.dir+"/services", 0o755))
	config := filepath.Join(b.dir, "bus.conf")
	require.NoError(t, os.WriteFile(config, fmt.Appendf(nil, busConfig, b.dir, policy), 0o644))
	b.startBroker()
	return b
}

// startBroker starts the message bus itself.
func (b *bus) startBroker() {
	b.t.Helper()
	require.NoError(b.t, os.RemoveAll(b.dir+"/bus"))
	b.broker = b.start("dbus-daemon", "--config-file="+b.dir+"/bus.conf", "--nofork", "--nopidfile")
	b.waitFor(func() bool {
		conn, err := dbus.Connect(b.address)
		return err == nil && conn.Close() == nil
	})
}

// started says whether the transaction that there is was started.
func (b *bus) started() bool {
	return strings.Contains(b.last.log.String(), "msg=started") && strings.Count(b.last.log.String(), "msg=started") > strings.Count(b.last.log.String(), "transaction failed")
}

// pid is that of the daemon.
func (b *bus) pid() string { return strconv.Itoa(b.last.Process.Pid) }

// publicDir is a directory that other users can enter too.
func publicDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "bus-") //nolint:usetesting // t.TempDir is private, and too long for sockets
	require.NoError(t, err)
	require.NoError(t, os.Chmod(dir, 0o755))
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	return dir
}

// start runs a program until the end of the test.
func (b *bus) start(name string, args ...string) *process {
	b.t.Helper()
	return b.run(exec.CommandContext(context.WithoutCancel(b.t.Context()), name, args...))
}

// process is a program in the background.
type process struct {
	*exec.Cmd
	log  *lockedBuffer
	done chan struct{}
}

func (b *bus) run(c *exec.Cmd) *process {
	b.t.Helper()
	p := &process{Cmd: c, log: new(lockedBuffer), done: make(chan struct{})}
	c.Stdout, c.Stderr = p.log, p.log
	if c.Env == nil {
		c.Env = os.Environ()
	}
	c.Env = append(c.Env, "DBUS_SYSTEM_BUS_ADDRESS="+b.address)
	require.NoError(b.t, c.Start())
	go func() {
		defer close(p.done)
		_ = c.Wait() // how it ended is in ProcessState
	}()
	b.t.Cleanup(func() {
		_ = c.Process.Signal(syscall.SIGTERM) // it may be gone
		select {
		case <-p.done:
		case <-time.After(20 * time.Second):
			_ = c.Process.Kill()
			<-p.done
			b.t.Errorf("%s did not end", c.Path)
		}
		if b.t.Failed() {
			b.t.Logf("%s %s said:\n%s", filepath.Base(c.Path), strings.Join(c.Args[1:], " "), p.log)
		}
	})
	return p
}

// lockedBuffer can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// waitFor waits until something is so.
func (b *bus) waitFor(is func() bool) {
	b.t.Helper()
	require.Eventually(b.t, is, 30*time.Second, 5*time.Millisecond)
}

// daemon starts the daemon and waits until it is there.
func (b *bus) daemon() *process {
	b.t.Helper()
	p := b.launch()
	b.waitFor(func() bool {
		select {
		case <-p.done:
			return true
		default:
			return b.owner("org.aptostree.dev") != ""
		}
	})
	require.NotEmpty(b.t, b.owner("org.aptostree.dev"), "%s", p.log)
	return p
}

// launch starts the daemon.
func (b *bus) launch() *process {
	b.t.Helper()
	c := b.program("apt-ostreed", "--sysroot="+b.sysroot, "--config="+b.config, "--run-dir="+b.dir+"/run", "--cache-dir="+b.dir+"/cache", "--debug")
	c.Env = append(c.Env, b.env...)
	b.last = b.run(c)
	return b.last
}

// program is the test binary in one of its roles.
func (b *bus) program(name string, args ...string) *exec.Cmd {
	b.t.Helper()
	c := exec.CommandContext(context.WithoutCancel(b.t.Context()), self, args...)
	c.Env = append(os.Environ(), role+"="+name, "DBUS_SYSTEM_BUS_ADDRESS="+b.address)
	return c
}

// as makes a program run as another user.
func as(uid uint32, c *exec.Cmd) *exec.Cmd {
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	return c
}

// nobody is a user without rights.
const nobody = 65534

// connect opens a connection to the bus.
func (b *bus) connect() *dbus.Conn {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	require.NoError(b.t, err)
	b.t.Cleanup(func() { _ = conn.Close() }) // some tests do so before
	return conn
}

// owner gives the unique name behind another, "" if there is none.
func (b *bus) owner(name string) string {
	b.t.Helper()
	conn, err := dbus.Connect(b.address)
	if err != nil {
		return ""
	}
	defer conn.Close()
	var owner string
	if err := conn.BusObject().Call("org.freedesktop.DBus.GetNameOwner", 0, name).Store(&owner); err != nil {
		return ""
	}
	return owner
}

func (b *bus) configure(lines ...string) {
	b.t.Helper()
	require.NoError(b.t, os.WriteFile(b.config, []byte("[Daemon]\n"+strings.Join(lines, "\n")+"\n"), 0o644))
}
