package sandbox_test

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
)

// waitHelper lives until its input ends.
func waitHelper() error {
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// TestKillBelow ends what was started as a sandbox below the directory, and nothing else.
func TestKillBelow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	begin := func(args ...string) *exec.Cmd {
		cmd := helper(t, "wait", args...)
		_, err := cmd.StdinPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		return cmd
	}
	others := []*exec.Cmd{begin("--bind", filepath.Join(dir, "root")), begin("--die-with-parent", dir+"2/root"), begin("--die-with-parent", "x")}
	ours := begin("--die-with-parent", "--bind", filepath.Join(dir, "root"), "/")
	require.NoError(t, sandbox.KillBelow(dir))
	require.Error(t, ours.Wait())
	status, ok := ours.ProcessState.Sys().(syscall.WaitStatus)
	require.True(t, ok)
	require.Equal(t, syscall.SIGKILL, status.Signal())
	for _, cmd := range others {
		require.NoError(t, cmd.Process.Signal(syscall.Signal(0)), "%q is left alone", cmd.Args)
		require.NoError(t, cmd.Process.Kill())
		require.Error(t, cmd.Wait())
	}
}

// TestTerminalSignals sends what Ctrl-C sends, to the process group of the caller: it is the caller
// who decides what becomes of the sandbox.
func TestTerminalSignals(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("bwrap"))
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	root, _ := sandboxtest.Tree(t)
	cmd := helper(t, "run", root, "echo ready >&3; sleep 0.3; echo done >&3")
	cmd.ExtraFiles = []*os.File{write}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	require.NoError(t, write.Close())
	buffer := make([]byte, 6)
	_, err = io.ReadFull(read, buffer)
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
	rest, err := io.ReadAll(read)
	require.NoError(t, err)
	require.Equal(t, "done\n", string(rest))
	require.NoError(t, cmd.Wait())
}
