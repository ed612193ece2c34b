package e2e_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// process is a program under test that is still running, in a process group of its own like one
// started by a shell.
type process struct {
	t              *testing.T
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{t: t, ended: make(chan struct{})}
	p.cmd = exec.CommandContext(t.Context(), filepath.Join(tools, "apt-ostree"), args...)
	p.cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch), "LC_ALL=C.UTF-8")
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // how it ended is in ProcessState
	}()
	return p
}

// until waits for something to be true while the program runs.
func (p *process) until(what string, is func() bool) {
	p.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !is(); {
		select {
		case <-p.ended:
			require.FailNow(p.t, "it ended before "+what, "%s%s", &p.stdout, &p.stderr)
		case <-time.After(time.Millisecond):
			require.True(p.t, time.Now().Before(deadline), "still not: %s", what)
		}
	}
}

// interrupt sends what Ctrl-C in a terminal sends, to the program and all it started.
func (p *process) interrupt() {
	p.t.Helper()
	require.NoError(p.t, syscall.Kill(-p.cmd.Process.Pid, syscall.SIGINT))
}

// kill ends the program alone, as the kernel does when memory is short.
func (p *process) kill() {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Kill())
	<-p.ended
}

// wait returns how the program ended; the code is -1 after a signal.
func (p *process) wait() outcome {
	p.t.Helper()
	<-p.ended
	return outcome{p.stdout.String(), p.stderr.String(), p.cmd.ProcessState.ExitCode()}
}

// mounts lists what is mounted below a directory.
func mounts(t *testing.T, dir string) []string {
	t.Helper()
	text, err := os.ReadFile("/proc/self/mountinfo")
	require.NoError(t, err)
	var found []string
	for l := range strings.Lines(string(text)) {
		if point := strings.Fields(l)[4]; strings.HasPrefix(point, dir+"/") {
			found = append(found, point)
		}
	}
	return found
}

// glob says whether a pattern matches anything.
func glob(pattern ...string) bool {
	found, err := filepath.Glob(filepath.Join(pattern...))
	return err == nil && len(found) > 0
}
