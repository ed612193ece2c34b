// Command agent runs programs in a test guest for the harness, which reaches it over a virtio serial
// port. It needs neither network nor udev, so it answers as well when those are broken.
package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/apt-ostree/apt-ostree/test/vm/wire"
)

// portName is how the harness calls the port.
const portName = "apt-ostree.agent"

func main() {
	port, err := openPort()
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1) // systemd starts it again
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		fmt.Fprintln(os.Stderr, "agent:", err)
		os.Exit(1)
	}
	serve(port, strings.TrimSpace(string(boot)))
}

// openPort waits for the port. Its device is opened as a plain blocking file: such ports do not work
// with epoll.
func openPort() (*os.File, error) {
	for {
		names, err := filepath.Glob("/sys/class/virtio-ports/*/name")
		if err != nil {
			return nil, err
		}
		for _, file := range names {
			name, err := os.ReadFile(file)
			if err != nil || strings.TrimSpace(string(name)) != portName {
				continue
			}
			device := "/dev/" + filepath.Base(filepath.Dir(file))
			fd, err := syscall.Open(device, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
			if err == nil {
				return os.NewFile(uintptr(fd), device), nil
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// serve answers requests for ever. Reading gives an end of file while no harness is connected.
func serve(port *os.File, boot string) {
	for {
		r := bufio.NewReader(port)
		for {
			q, err := wire.Read[wire.Request](r)
			if err != nil {
				break
			}
			reply := run(q)
			reply.ID, reply.BootID = q.ID, boot
			if err := wire.Write(port, reply); err != nil {
				break
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// run runs one program as root in a session of its own.
func run(q wire.Request) wire.Reply {
	if len(q.Argv) == 0 {
		return wire.Reply{}
	}
	c := exec.Command(q.Argv[0], q.Argv[1:]...) //nolint:noctx // only the end of the guest ends it early
	c.Dir = "/"
	c.Env = append([]string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "USER=root", "LANG=C.UTF-8", "TERM=dumb",
	}, q.Env...)
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	c.Stdin = bytes.NewReader(q.Stdin)
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	c.WaitDelay = time.Second // a daemon that it left behind may hold the pipes
	err := c.Run()
	reply := wire.Reply{Stdout: stdout.Bytes(), Stderr: stderr.Bytes()}
	if c.ProcessState == nil {
		reply.Err = err.Error()
		return reply
	}
	reply.Code = c.ProcessState.ExitCode()
	if status, ok := c.ProcessState.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		reply.Code = 128 + int(status.Signal())
	}
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited && !errors.Is(err, exec.ErrWaitDelay) {
		reply.Err = err.Error()
	}
	return reply
}
