package vm

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/apt-ostree/apt-ostree/test/vm/wire"
)

// Firmware is what starts the boot loader.
type Firmware int

const (
	// BIOS is SeaBIOS.
	BIOS Firmware = iota
	// EFI is OVMF.
	EFI
)

// Options describe a machine.
type Options struct {
	Firmware Firmware
	// Memory in MiB, 1024 by default.
	Memory int
}

// Machine is a guest of QEMU. Its methods must be called one after another, but for Kill, Console and
// Close, which may come at any time.
type Machine struct {
	opts Options
	dir  string
	disk string

	mu   sync.Mutex // guards what follows
	qemu *exec.Cmd
	gone chan struct{} // closed when QEMU has ended
	conn net.Conn

	reader *bufio.Reader
	id     uint64
	bootID string
}

// Result is how a program in a guest ended.
type Result struct {
	Code           int
	Stdout, Stderr string
}

// Start boots an overlay of a raw disk and returns when the system is up: when systemd has started
// everything or has given up on some of it.
func Start(ctx context.Context, disk string, opts Options) (_ *Machine, err error) {
	if opts.Memory == 0 {
		opts.Memory = 1024
	}
	disk, err = filepath.Abs(disk)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "apt-ostree-vm-")
	if err != nil {
		return nil, err
	}
	m := &Machine{opts: opts, dir: dir, disk: filepath.Join(dir, "disk.qcow2")}
	defer func() {
		if err != nil {
			err = errors.Join(err, m.Close())
		}
	}()
	out, err := exec.CommandContext(ctx, "qemu-img", "create", "-q", "-f", "qcow2", "-b", disk, "-F", "raw", m.disk).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("overlay of %s: %w: %s", disk, err, out)
	}
	return m, m.Boot(ctx)
}

// Boot switches on a machine that is off, after Kill or a shutdown from inside.
func (m *Machine) Boot(ctx context.Context) error {
	if err := m.launch(); err != nil {
		return err
	}
	return m.waitUp(ctx)
}

// Run runs a program as root and waits for its end. The error says that this could not be done; how
// the program ended is in the result.
func (m *Machine) Run(ctx context.Context, argv ...string) (Result, error) {
	return m.Input(ctx, nil, argv...)
}

// Input is Run with something on standard input.
func (m *Machine) Input(ctx context.Context, stdin []byte, argv ...string) (Result, error) {
	reply, err := m.ask(ctx, wire.Request{Argv: argv, Stdin: stdin})
	if err == nil && reply.Err != "" {
		err = errors.New(reply.Err)
	}
	if err != nil {
		return Result{}, m.explain(fmt.Errorf("run %q: %w", argv, err))
	}
	return Result{Code: reply.Code, Stdout: string(reply.Stdout), Stderr: string(reply.Stderr)}, nil
}

// Reboot reboots the way an administrator does and waits until the system is up again.
func (m *Machine) Reboot(ctx context.Context) error {
	if _, err := m.Run(ctx, "systemctl", "reboot", "--no-block"); err != nil {
		return err
	}
	return m.waitUp(ctx)
}

// Kill cuts the power. Boot starts the machine again with what was on its disk.
func (m *Machine) Kill() error {
	m.mu.Lock()
	qemu, gone, conn := m.qemu, m.gone, m.conn
	m.mu.Unlock()
	if qemu == nil {
		return nil
	}
	err := qemu.Process.Kill()
	if errors.Is(err, os.ErrProcessDone) {
		err = nil
	}
	<-gone
	return errors.Join(err, closeConn(conn))
}

func closeConn(conn net.Conn) error {
	if conn == nil {
		return nil
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// Close cuts the power and removes the disk.
func (m *Machine) Close() error { return errors.Join(m.Kill(), os.RemoveAll(m.dir)) }

// Disk is the file of the overlay, for tools that look at a machine which is off.
func (m *Machine) Disk() string { return m.disk }

// Console returns what the machine wrote to its serial line so far, over all boots.
func (m *Machine) Console() string {
	text, err := os.ReadFile(filepath.Join(m.dir, "console.log"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err.Error()
	}
	return strings.ToValidUTF8(string(text), "?")
}

// launch starts QEMU.
func (m *Machine) launch() error {
	args, err := m.args()
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(m.dir, "qemu.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command("qemu-system-x86_64", args...) //nolint:noctx // Kill ends it
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL} // not by a key, but when the test dies
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start QEMU: %w", err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait() // its log says why it ended
	}()
	m.mu.Lock()
	defer m.mu.Unlock()
	m.qemu, m.gone, m.conn = cmd, gone, nil
	return nil
}

// waitUp waits for the agent of a boot that is not the last one, and then for systemd.
func (m *Machine) waitUp(ctx context.Context) error {
	err := m.poll(ctx, 500*time.Millisecond, func(r wire.Reply) bool { return r.BootID != m.bootID })
	if err != nil {
		return err
	}
	// Its exit status is not 0 when a unit failed, which is for the test to judge.
	_, err = m.Run(ctx, "systemctl", "is-system-running", "--wait")
	return err
}

// WaitFor waits until a program succeeds, over any number of reboots that are not asked for here. It is
// run every few seconds, so it had better be a small one.
func (m *Machine) WaitFor(ctx context.Context, argv ...string) error {
	return m.poll(ctx, 3*time.Second, func(r wire.Reply) bool { return r.Err == "" && r.Code == 0 }, argv...)
}

// poll asks again and again until the reply is right. Without argv nothing is run in the guest. Whoever
// reboots gives no reply, so each is waited for a limited time only.
func (m *Machine) poll(ctx context.Context, pause time.Duration, right func(wire.Reply) bool, argv ...string) error {
	for {
		reply, err := m.askShortly(ctx, wire.Request{Argv: argv})
		if err == nil && right(reply) {
			m.bootID = reply.BootID
			return nil
		}
		select {
		case <-m.gone:
			return m.explain(fmt.Errorf("QEMU ended while it was waited for %q", argv))
		case <-ctx.Done():
			return m.explain(fmt.Errorf("wait for %q: %w: %s", argv, ctx.Err(), reply.Stdout))
		case <-time.After(pause):
		}
	}
}

// patience is how long a small program may take in a guest that runs, on a host that is busy.
const patience = 20 * time.Second

func (m *Machine) askShortly(ctx context.Context, q wire.Request) (wire.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return m.ask(ctx, q)
}

// ask sends a request and waits for its reply.
func (m *Machine) ask(ctx context.Context, q wire.Request) (wire.Reply, error) {
	if err := ctx.Err(); err != nil {
		return wire.Reply{}, err
	}
	conn, err := m.connect()
	if err != nil {
		return wire.Reply{}, err
	}
	m.id++
	q.ID = m.id
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return wire.Reply{}, err
	}
	interrupted := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(interrupted)
		_ = conn.SetDeadline(time.Unix(1, 0)) // closed is as well
	})
	defer func() {
		if !stop() {
			<-interrupted // or it interrupts the next request
		}
	}()
	if err := wire.Write(conn, q); err != nil {
		return wire.Reply{}, errors.Join(ctx.Err(), err)
	}
	for {
		reply, err := wire.Read[wire.Reply](m.reader)
		if err != nil {
			return reply, errors.Join(ctx.Err(), err)
		}
		if reply.ID == q.ID {
			return reply, nil
		}
	}
}

// connect connects to the serial port, once for every start of QEMU.
func (m *Machine) connect() (net.Conn, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.conn != nil {
		return m.conn, nil
	}
	conn, err := net.Dial("unix", filepath.Join(m.dir, "agent.sock")) //nolint:noctx // it is there or not
	if err != nil {
		return nil, err
	}
	m.conn, m.reader = conn, bufio.NewReader(conn)
	return conn, nil
}

// explain adds what the machine said last to an error.
func (m *Machine) explain(err error) error {
	log, _ := os.ReadFile(filepath.Join(m.dir, "qemu.log")) // it is only for people
	return withConsole(err, string(log), m.Console())
}

// consoleLines is how much of the console an error has.
const consoleLines = 40

func withConsole(err error, log, console string) error {
	lines := strings.Split(strings.TrimSpace(console), "\n")
	lines = lines[max(0, len(lines)-consoleLines):]
	return fmt.Errorf("%w\n%sthe console's last lines:\n%s", err, log, strings.Join(lines, "\n"))
}
