package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
)

const (
	rowStatusWarm = "`status` through the daemon, which runs / `ostree admin status`"
	rowStatusCold = "`status` that has the bus start the daemon / `ostree admin status`"

	daemonName = "org.aptostree.dev"
)

// runProgram makes this program apt-ostree or apt-ostreed, for a bus that is not the machine's.
func runProgram(ctx context.Context, name string, args []string) int {
	if name == "apt-ostreed" {
		return busapi.Daemon(ctx, args, busapi.DaemonEnv{Err: os.Stderr, Getenv: os.Getenv, Writable: func(string) error { return nil }})
	}
	return cli.Main(ctx, args, cli.Env{Out: os.Stdout, Err: os.Stderr, Getenv: os.Getenv, Bus: busapi.SystemBus(os.Getenv)})
}

// benchStatus asks a sysroot with two deployments.
func benchStatus(ctx context.Context, opts options, work string) (err error) {
	if !opts.only.MatchString(rowStatusWarm) && !opts.only.MatchString(rowStatusCold) {
		return nil
	}
	b, err := newPrivateBus(ctx, filepath.Join(work, "status"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var warm, cold, peers []sample
	for range opts.runs * 10 {
		for _, one := range []struct {
			into *[]sample
			args []string
		}{
			{&peers, []string{"env", theirs, "admin", "status", "--sysroot=" + b.sysroot}},
			{&cold, b.client("status")},
			{&warm, b.client("status")},
		} {
			s, err := measure(ctx, "", one.args...)
			if err != nil {
				return err
			}
			*one.into = append(*one.into, s)
		}
		if err := b.stopDaemon(ctx); err != nil {
			return err
		}
	}
	printRow(rowStatusWarm, warm, peers)
	printRow(rowStatusCold, cold, peers)
	return nil
}

// privateBus is a message bus that starts the daemon for a sysroot.
type privateBus struct {
	dir, sysroot, address, self string
	broker                      *exec.Cmd
	conn                        *dbus.Conn
}

const privateBusConfig = `<busconfig>
  <type>system</type>
  <listen>unix:path=%[1]s/bus</listen>
  <auth>EXTERNAL</auth>
  <servicedir>%[1]s/services</servicedir>
  <policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/></policy>
</busconfig>`

const privateService = `[D-BUS Service]
Name=%s
User=root
Exec=/usr/bin/env DBUS_SYSTEM_BUS_ADDRESS=%s %s apt-ostreed --sysroot=%s --config=%s/daemon.conf --run-dir=%[5]s/run --cache-dir=%[5]s/cache
`

func newPrivateBus(ctx context.Context, dir string) (*privateBus, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	sockets, err := os.MkdirTemp("", "bus-") // whose path has to be short
	if err != nil {
		return nil, err
	}
	b := &privateBus{dir: sockets, sysroot: filepath.Join(dir, "sysroot"), address: "unix:path=" + sockets + "/bus", self: self}
	if err := b.deployTwice(ctx, filepath.Join(dir, "tree")); err != nil {
		return nil, err
	}
	err = os.Mkdir(sockets+"/services", 0o755)
	for name, text := range map[string]string{
		"bus.conf": fmt.Sprintf(privateBusConfig, sockets), "daemon.conf": "[Daemon]\nIdleExitTimeout=0\n",
		"services/" + daemonName + ".service": fmt.Sprintf(privateService, daemonName, b.address, self, b.sysroot, sockets),
	} {
		err = errors.Join(err, os.WriteFile(filepath.Join(sockets, name), []byte(text), 0o644))
	}
	if err != nil {
		return nil, err
	}
	b.broker = exec.CommandContext(ctx, "dbus-daemon", "--config-file="+sockets+"/bus.conf", "--nofork", "--nopidfile")
	if err := b.broker.Start(); err != nil {
		return nil, err
	}
	for b.conn == nil {
		if b.conn, err = dbus.Connect(b.address); err != nil {
			if err := wait(ctx); err != nil {
				return nil, errors.Join(err, b.close())
			}
		}
	}
	return b, nil
}

// deployTwice makes the sysroot.
func (b *privateBus) deployTwice(ctx context.Context, tree string) error {
	var errs []error
	for name, text := range map[string]string{
		"usr/lib/modules/6.1.0/vmlinuz": "kernel", "usr/lib/modules/6.1.0/initramfs.img": "initramfs", "usr/etc/default": "x",
		"usr/lib/os-release": "ID=debian\nPRETTY_NAME=Test\n", "usr/lib/sysimage/dpkg/status": "",
	} {
		path := filepath.Join(tree, name)
		errs = append(errs, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	}
	if err := errors.Join(append(errs, os.MkdirAll(b.sysroot, 0o755))...); err != nil {
		return err
	}
	sysroot := "--sysroot=" + b.sysroot
	for _, args := range [][]string{
		{"admin", "init-fs", b.sysroot}, {"admin", "os-init", sysroot, "debian"},
		{"commit", "--repo=" + b.sysroot + "/ostree/repo", "--branch=test", "--tree=dir=" + tree},
		{"admin", "deploy", sysroot, "--os=debian", "test"}, {"admin", "deploy", sysroot, "--os=debian", "--retain", "test"},
	} {
		if err := runPeer(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (b *privateBus) client(args ...string) []string {
	return append([]string{"env", "DBUS_SYSTEM_BUS_ADDRESS=" + b.address, b.self, "apt-ostree"}, args...)
}

// stopDaemon ends it and waits until the bus knows.
func (b *privateBus) stopDaemon(ctx context.Context) error {
	var pid uint32
	if err := b.conn.BusObject().Call("org.freedesktop.DBus.GetConnectionUnixProcessID", 0, daemonName).Store(&pid); err != nil {
		return err
	}
	if err := syscall.Kill(int(pid), syscall.SIGTERM); err != nil {
		return err
	}
	for {
		var owned bool
		if err := b.conn.BusObject().Call("org.freedesktop.DBus.NameHasOwner", 0, daemonName).Store(&owned); err != nil || !owned {
			return err
		}
		if err := wait(ctx); err != nil {
			return err
		}
	}
}

func (b *privateBus) close() error {
	if b.conn != nil {
		b.conn.Close()
	}
	err := b.broker.Process.Kill()
	_ = b.broker.Wait() // it was killed
	return errors.Join(err, os.RemoveAll(b.dir))
}

// wait lets something else happen.
func wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(5 * time.Millisecond):
		return nil
	}
}
