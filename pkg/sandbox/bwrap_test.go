package sandbox_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox/sandboxtest"
)

// helperVariable makes the test program one of the helpers instead.
const helperVariable = "SANDBOX_TEST_HELPER"

func TestMain(m *testing.M) {
	switch os.Getenv(helperVariable) {
	case "":
		os.Exit(m.Run())
	case "run":
		exit(runHelper())
	case "wait":
		exit(waitHelper())
	case "overlay":
		exit(overlayHelper())
	}
	exit(fmt.Errorf("no such helper"))
}

func exit(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func newBwrap(t *testing.T) sandbox.Runner {
	t.Helper()
	b, err := sandbox.New(t.Context(), sandbox.Options{Grace: 300 * time.Millisecond})
	require.NoError(t, err)
	return b
}

func TestBwrap(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("bwrap"))
	if os.Getenv(nobodyVariable) == "" {
		testenv.Need(t, testenv.Root)
	}
	sandboxtest.TestRunner(t, newBwrap)
}

// nobodyVariable says that a test is run again without privileges.
const nobodyVariable = "SANDBOX_TEST_NOBODY"

// TestBwrapWithoutRoot runs TestBwrap as a user who is nobody.
func TestBwrapWithoutRoot(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("bwrap"))
	const nobody = 65534
	dir := t.TempDir()
	require.NoError(t, os.Chmod(filepath.Dir(dir), 0o755))
	self, err := os.Executable()
	require.NoError(t, err)
	program, err := os.ReadFile(self)
	require.NoError(t, err)
	testenv.WriteProgram(t, filepath.Join(dir, "test"), program, 0o755)
	require.NoError(t, os.Chown(dir, nobody, nobody))

	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), "-test.run", "^TestBwrap$", "-test.v")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "TMPDIR="+dir, nobodyVariable+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Contains(t, string(out), "--- PASS: TestBwrap/Capabilities")
}

func TestNewWithoutBubblewrap(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "bwrap")
	_, err := sandbox.New(t.Context(), sandbox.Options{Path: missing})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, missing)
	require.ErrorContains(t, err, "install the package bubblewrap")
}

func TestNewWhereNoSandboxCanBeMade(t *testing.T) {
	t.Parallel()
	broken := filepath.Join(t.TempDir(), "bwrap")
	script := "#!/bin/sh\necho 'bwrap: Unknown option --unshare-cgroup' >&2\nexit 1\n"
	testenv.WriteProgram(t, broken, []byte(script), 0o755)
	_, err := sandbox.New(t.Context(), sandbox.Options{Path: broken})
	require.ErrorContains(t, err, "Unknown option --unshare-cgroup")
	require.ErrorContains(t, err, "version 0.8 or newer is needed")
}

// runHelper runs a program in the tree named by its arguments, with a umask
// of 077 and the files it was given.
func runHelper() error {
	syscall.Umask(0o077)
	signal.Notify(make(chan os.Signal, 1), os.Interrupt) // and goes on
	ctx := context.Background()
	b, err := sandbox.New(ctx, sandbox.Options{})
	if err != nil {
		return err
	}
	root, script := os.Args[1], os.Args[2]
	return b.Run(ctx, sandbox.Spec{
		Root:       root,
		Argv:       []string{"sh", "-c", script},
		Env:        sandbox.DefaultEnv(time.Unix(0, 0)),
		Mounts:     []sandbox.Mount{{Kind: sandbox.ROBind, Source: "/usr", Target: "/usr"}},
		Stdout:     os.Stdout,
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{os.NewFile(3, "pipe")},
	})
}

func helper(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), helperVariable+"="+name)
	return cmd
}

func TestUmaskOfTheCallerDoesNotMatter(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("bwrap"))
	root, _ := sandboxtest.Tree(t)
	cmd := helper(t, "run", root, "umask; touch /etc/file")
	cmd.ExtraFiles = []*os.File{devNull(t)}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.Equal(t, "0022\n", string(out))
	for name, mode := range map[string]os.FileMode{"etc/file": 0o644, "run": 0o755 | os.ModeDir, "tmp": 0o777 | os.ModeDir | os.ModeSticky} {
		info, err := os.Stat(filepath.Join(root, name))
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode(), name)
	}
}

func devNull(t *testing.T) *os.File {
	t.Helper()
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	t.Cleanup(func() { file.Close() })
	return file
}

// TestSandboxDiesWithItsCaller kills the caller in a way it cannot notice. All
// processes of the sandbox hold the pipe, so its end is theirs.
func TestSandboxDiesWithItsCaller(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("bwrap"))
	root, _ := sandboxtest.Tree(t)
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	cmd := helper(t, "run", root, "echo ready >&3; setsid sleep 300 & sleep 300")
	cmd.ExtraFiles = []*os.File{write}
	require.NoError(t, cmd.Start())
	require.NoError(t, write.Close())

	buffer := make([]byte, 6)
	_, err = read.Read(buffer)
	require.NoError(t, err)
	require.Equal(t, "ready\n", string(buffer))
	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.NoError(t, read.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err = read.Read(buffer)
	require.ErrorContains(t, err, "EOF")
}
