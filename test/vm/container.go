package vm

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// Container is a deployment of a sysroot in a directory, started by systemd-nspawn: systemd and all
// above it run as on a machine, while firmware, boot loader, kernel and initramfs do not take part.
// What the initramfs does with mounts is done here instead: /usr and /sysroot read-only, /var of
// the stateroot, /boot. The container has the network of the host. Its methods must be called one after
// another.
type Container struct {
	sysroot string
	dir     string // for what does not belong to the system

	mu     sync.Mutex
	nspawn *exec.Cmd
	gone   chan struct{}
	leader int // process id of the container's systemd
}

// StartContainer starts the default deployment of a sysroot and returns when the system is up.
func StartContainer(ctx context.Context, sysroot string) (_ *Container, err error) {
	dir, err := os.MkdirTemp("", "apt-ostree-container-")
	if err != nil {
		return nil, err
	}
	c := &Container{sysroot: sysroot, dir: dir}
	if err := c.boot(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// enter makes the mounts of the initramfs and starts systemd-nspawn. Everything happens in a mount
// namespace that goes away with it. Its arguments are: sysroot, deployment, stateroot's /var, directory,
// name.
const enter = `set -eu
mount --bind "$2" "$2"
mount --bind "$2/usr" "$2/usr"
mount -o remount,bind,ro "$2/usr"
exec systemd-nspawn --quiet --keep-unit --register=no --machine="$5" --directory="$2" --capability=all --system-call-filter=mount_setattr \
	--bind-ro="$1:/sysroot" --bind="$3:/var" --bind="$1/boot:/boot" --bind-ro="$4/booted:/run/ostree-booted" --bind=/dev/fuse \
	--link-journal=no --resolv-conf=off --timezone=off --console=pipe --notify-ready=no \
	--boot systemd.unit=multi-user.target systemd.mask=systemd-networkd.service systemd.mask=apt-ostree-agent.service \
	systemd.mask=ssh.service
`

func (c *Container) boot(ctx context.Context) error {
	d, err := c.next(ctx)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.dir, "booted"), nil, 0o644); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.dir, "console.log"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	varDir := filepath.Join(filepath.Dir(filepath.Dir(d.Path)), "var")
	cmd := exec.Command("unshare", "--mount", "--propagation=private", "sh", "-c", enter, //nolint:noctx // Close ends it
		"enter", c.sysroot, d.Path, varDir, c.dir, filepath.Base(c.dir))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	if err := cmd.Start(); err != nil {
		return err
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_ = cmd.Wait() // its log says why it ended
	}()
	c.mu.Lock()
	c.nspawn, c.gone, c.leader = cmd, gone, 0
	c.mu.Unlock()
	return c.waitUp(ctx, d)
}

// next is the deployment that a boot loader would start.
func (c *Container) next(ctx context.Context) (deploy.Deployment, error) {
	s, err := deploy.Open(c.sysroot, deploy.Options{RunDir: c.dir})
	if err != nil {
		return deploy.Deployment{}, err
	}
	defer s.Close()
	all, err := s.Deployments(ctx)
	if err == nil && len(all) == 0 {
		err = fmt.Errorf("%s has no deployment", c.sysroot)
	}
	if err != nil {
		return deploy.Deployment{}, err
	}
	return all[0], nil
}

// waitUp waits for systemd, and shows the kernel arguments of the deployment where programs look for
// those of the running kernel.
func (c *Container) waitUp(ctx context.Context, d deploy.Deployment) error {
	for c.leader = c.findLeader(); c.leader == 0; c.leader = c.findLeader() {
		select {
		case <-c.gone:
			return c.explain(errors.New("systemd-nspawn ended while the system was expected to start"))
		case <-ctx.Done():
			return c.explain(fmt.Errorf("wait for the system to start: %w", ctx.Err()))
		case <-time.After(50 * time.Millisecond):
		}
	}
	for { // until systemd answers
		r, err := c.Run(ctx, "systemctl", "is-system-running", "--wait")
		if err != nil {
			return err
		}
		if state := strings.TrimSpace(r.Stdout); state != "" && state != "offline" {
			break
		}
		select {
		case <-c.gone:
			return c.explain(errors.New("the system ended while it started"))
		case <-time.After(50 * time.Millisecond):
		}
	}
	loader, err := os.Readlink(filepath.Join(c.sysroot, "boot/loader"))
	if err != nil {
		return err
	}
	line := fmt.Sprintf("%s ostree=/ostree/boot.%s/%s/%s/%d\n", d.Kargs, strings.TrimPrefix(loader, "loader."), d.Stateroot, d.BootChecksum, d.BootSerial)
	r, err := c.Input(ctx, []byte(line), "sh", "-c", "cat >/run/cmdline && mount --bind /run/cmdline /proc/cmdline")
	if err == nil && r.Code != 0 {
		err = c.explain(errors.New(r.Stderr))
	}
	return err
}

// findLeader returns the process id of the container's systemd, 0 before there is one.
func (c *Container) findLeader() int {
	pid := c.nspawn.Process.Pid
	children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
	if err != nil {
		return 0
	}
	for field := range strings.FieldsSeq(string(children)) {
		name, err := os.ReadFile("/proc/" + field + "/comm")
		if child, _ := strconv.Atoi(field); err == nil && string(bytes.TrimSpace(name)) == "systemd" {
			return child
		}
	}
	return 0
}

// Run runs a program as root in the container and waits for its end.
func (c *Container) Run(ctx context.Context, argv ...string) (Result, error) {
	return c.Input(ctx, nil, argv...)
}

// Input is Run with something on standard input.
func (c *Container) Input(ctx context.Context, stdin []byte, argv ...string) (Result, error) {
	args := append([]string{
		"--target=" + strconv.Itoa(c.leader), "--mount", "--uts", "--ipc", "--pid", "--cgroup", "--", "env", "-i",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LANG=C.UTF-8", "TERM=dumb",
	}, argv...)
	cmd := exec.CommandContext(ctx, "nsenter", args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && (!exited || ctx.Err() != nil) {
		return Result{}, c.explain(fmt.Errorf("run %q: %w", argv, errors.Join(ctx.Err(), err)))
	}
	return Result{Code: cmd.ProcessState.ExitCode(), Stdout: stdout.String(), Stderr: stderr.String()}, nil
}

// Reboot shuts the system down in order and starts what is then the default deployment.
func (c *Container) Reboot(ctx context.Context) error {
	if _, err := c.Run(ctx, "systemctl", "reboot", "--no-block"); err != nil {
		return err
	}
	return c.Rebooted(ctx)
}

// Rebooted waits for a shutdown that somebody else has begun, and starts what is then the default
// deployment.
func (c *Container) Rebooted(ctx context.Context) error {
	select {
	case <-c.gone:
		return c.boot(ctx)
	case <-ctx.Done():
		return c.explain(fmt.Errorf("wait for the system to shut down: %w", ctx.Err()))
	}
}

// Close ends the container without a shutdown. The sysroot stays as it is.
func (c *Container) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nspawn != nil {
		if err := c.nspawn.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			return err
		}
		if c.leader != 0 {
			_ = syscall.Kill(c.leader, syscall.SIGKILL) // it may have ended with its parent
		}
		<-c.gone
	}
	return os.RemoveAll(c.dir)
}

// Console returns what systemd-nspawn and the system wrote.
func (c *Container) Console() string {
	text, err := os.ReadFile(filepath.Join(c.dir, "console.log"))
	if err != nil {
		return err.Error()
	}
	return strings.ToValidUTF8(string(text), "?")
}

func (c *Container) explain(err error) error { return withConsole(err, "", c.Console()) }
