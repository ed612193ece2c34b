package sandboxtest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// TestRunner checks that the Runners open makes keep the promises of
// [sandbox.Runner] and [sandbox.Spec]. Programs of the host run in a [Tree].
func TestRunner(t *testing.T, open func(t *testing.T) sandbox.Runner) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, j *jail)
	}{
		{"ExitStatus", testExitStatus},
		{"Signal", testSignal},
		{"NoSuchProgram", testNoSuchProgram},
		{"Environment", testEnvironment},
		{"StandardInput", testStandardInput},
		{"Output", testOutput},
		{"BrokenOutput", testBrokenOutput},
		{"HugeOutput", testHugeOutput},
		{"Descriptors", testDescriptors},
		{"Hostname", testHostname},
		{"WorkingDirectory", testWorkingDirectory},
		{"Capabilities", testCapabilities},
		{"Network", testNetwork},
		{"NoMounting", testNoMounting},
		{"Directories", testDirectories},
		{"Devices", testDevices},
		{"OwnProcesses", testOwnProcesses},
		{"NothingOutsideTheTree", testNothingOutsideTheTree},
		{"ReadOnlyRoot", testReadOnlyRoot},
		{"Mounts", testMounts},
		{"MountTargetLinks", testMountTargetLinks},
		{"DaemonsEnd", testDaemonsEnd},
		{"Timeout", testTimeout},
		{"TimeoutOfTheDeaf", testTimeoutOfTheDeaf},
		{"Cancel", testCancel},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := &jail{Runner: open(t)}
			j.root, j.mounts = Tree(t)
			c.test(t, j)
		})
	}
}

// A jail is a Runner with a tree to run in.
type jail struct {
	sandbox.Runner
	root   string
	mounts []sandbox.Mount
}

// shell is the Spec of a script with the usual environment.
func (j *jail) shell(script string) sandbox.Spec {
	return sandbox.Spec{
		Root:   j.root,
		Argv:   []string{"sh", "-c", script},
		Env:    sandbox.DefaultEnv(time.Unix(0, 0)),
		Mounts: slices.Clone(j.mounts),
	}
}

// output runs spec, which must succeed, and returns what it wrote.
func (j *jail) output(t *testing.T, spec sandbox.Spec) string {
	t.Helper()
	var out bytes.Buffer
	spec.Stdout, spec.Stderr = &out, &out
	require.NoError(t, j.Run(t.Context(), spec), out.String())
	return out.String()
}

func testExitStatus(t *testing.T, j *jail) {
	require.NoError(t, j.Run(t.Context(), j.shell("exit 0")))
	var exit *sandbox.ExitError
	require.ErrorAs(t, j.Run(t.Context(), j.shell("exit 3")), &exit)
	require.Equal(t, 3, exit.Code)
	require.Zero(t, exit.Signal)
	require.False(t, exit.TimedOut)
	require.Equal(t, "sh", exit.Argv[0])
}

func testSignal(t *testing.T, j *jail) {
	var exit *sandbox.ExitError
	require.ErrorAs(t, j.Run(t.Context(), j.shell("kill -SEGV $$")), &exit)
	require.Equal(t, syscall.SIGSEGV, exit.Signal)
	require.Equal(t, 128+int(syscall.SIGSEGV), exit.Code)
}

func testNoSuchProgram(t *testing.T, j *jail) {
	spec := j.shell("")
	spec.Argv = []string{"no-such-program"}
	var setup *sandbox.SetupError
	require.ErrorAs(t, j.Run(t.Context(), spec), &setup)
	require.ErrorContains(t, setup, "no-such-program")
	require.ErrorContains(t, setup, "No such file or directory")
}

func testEnvironment(t *testing.T, j *jail) {
	spec := j.shell("")
	spec.Argv = []string{"env"}
	spec.Env = append(spec.Env, "EMPTY=", "EQUALS=a=b")
	want := append(slices.Clone(spec.Env), "PWD=/")
	got := strings.Split(strings.TrimSpace(j.output(t, spec)), "\n")
	require.ElementsMatch(t, want, got)
	require.Equal(t, "0022\n", j.output(t, j.shell("umask")))
}

func testStandardInput(t *testing.T, j *jail) {
	spec := j.shell("cat; readlink /proc/self/fd/0")
	spec.Timeout = time.Minute
	require.Equal(t, "/dev/null\n", j.output(t, spec))
	spec = j.shell("cat")
	spec.Stdin = strings.NewReader("asked for")
	require.Equal(t, "asked for", j.output(t, spec))

	silent, write := io.Pipe()
	t.Cleanup(func() { require.NoError(t, write.Close()) })
	spec = j.shell("exit 0")
	spec.Stdin = silent
	require.NoError(t, j.Run(t.Context(), spec), "a reader that never answers does not block")

	spec = j.shell("cat")
	spec.Stdin = iotest.ErrReader(syscall.EIO)
	require.ErrorIs(t, j.Run(t.Context(), spec), syscall.EIO)
}

// brokenWriter is a full disk.
type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, syscall.ENOSPC }

func testBrokenOutput(t *testing.T, j *jail) {
	spec := j.shell("trap '' PIPE; echo lost; exit 0")
	spec.Stdout = brokenWriter{}
	require.ErrorIs(t, j.Run(t.Context(), spec), syscall.ENOSPC)
}

func testOutput(t *testing.T, j *jail) {
	var out, err bytes.Buffer
	spec := j.shell("echo out; echo err >&2")
	spec.Stdout, spec.Stderr = &out, &err
	require.NoError(t, j.Run(t.Context(), spec))
	require.Equal(t, "out\n", out.String())
	require.Equal(t, "err\n", err.String())
	require.Equal(t, "1\n2\n3\n", j.output(t, j.shell("echo 1; echo 2 >&2; echo 3")), "one stream keeps the order")
}

func testHugeOutput(t *testing.T, j *jail) {
	const size = 32 << 20
	script := fmt.Sprintf("head -c %d /dev/zero; head -c %d /dev/zero >&2", size, size)
	require.NoError(t, j.Run(t.Context(), j.shell(script)), "nobody listens")
	var out, err counter
	spec := j.shell(script)
	spec.Stdout, spec.Stderr = &out, &err
	require.NoError(t, j.Run(t.Context(), spec))
	require.EqualValues(t, size, out)
	require.EqualValues(t, size, err)
}

type counter int

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// testDescriptors leaves a file open for children, as a caller's caller might.
func testDescriptors(t *testing.T, j *jail) {
	leaked, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0)
	require.NoError(t, err)
	defer syscall.Close(leaked) //nolint:errcheck // of /dev/null
	const list = `for fd in /proc/self/fd/*; do [ "$fd" = /proc/self/fd/255 ] || echo ${fd##*/}; done`
	spec := j.shell(list)
	spec.Argv[0] = "bash" // dash opens a descriptor of its own
	require.Equal(t, "0\n1\n2\n3\n", j.output(t, spec), "3 is the directory that is being listed")

	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	spec = j.shell("echo given >&3")
	spec.ExtraFiles = []*os.File{write}
	spec.Mounts = append(spec.Mounts, sandbox.Mount{Kind: sandbox.Data, Target: "/tmp/data", Data: []byte("x")})
	j.output(t, spec)
	require.NoError(t, write.Close())
	given := make([]byte, 6)
	_, err = read.Read(given)
	require.NoError(t, err)
	require.Equal(t, "given\n", string(given))
}

func testHostname(t *testing.T, j *jail) {
	require.Equal(t, "localhost\n", j.output(t, j.shell("cat /proc/sys/kernel/hostname")))
	spec := j.shell("cat /proc/sys/kernel/hostname")
	spec.Hostname = "builder"
	require.Equal(t, "builder\n", j.output(t, spec))
}

func testWorkingDirectory(t *testing.T, j *jail) {
	require.Equal(t, "/\n", j.output(t, j.shell("pwd")))
	spec := j.shell("pwd")
	spec.Dir = "/var/tmp"
	require.Equal(t, "/var/tmp\n", j.output(t, spec))
}

func testNothingOutsideTheTree(t *testing.T, j *jail) {
	outside := filepath.Join(t.TempDir(), "outside")
	require.NoError(t, os.WriteFile(outside, []byte("untouched"), 0o666))
	require.NoError(t, os.Symlink(outside, filepath.Join(j.root, "link")))
	script := fmt.Sprintf("echo inside > %s; echo inside > /link; echo inside > /../../%s; echo inside > /etc/file; echo escape > /usr/escape; exit 0", outside, outside)
	require.NoError(t, j.Run(t.Context(), j.shell(script)))
	content, err := os.ReadFile(outside)
	require.NoError(t, err)
	require.Equal(t, "untouched", string(content))
	content, err = os.ReadFile(filepath.Join(j.root, "etc/file"))
	require.NoError(t, err)
	require.Equal(t, "inside\n", string(content))
	require.NoFileExists(t, "/usr/escape")
}

func testReadOnlyRoot(t *testing.T, j *jail) {
	j.output(t, j.shell("echo before > /etc/file")) // also makes the mount points
	spec := j.shell("echo after > /etc/file")
	spec.ReadOnlyRoot = true
	require.Error(t, j.Run(t.Context(), spec))
	spec = j.shell("cat /etc/file; echo fine > /run/file; echo fine > /tmp/file")
	spec.ReadOnlyRoot = true
	require.Equal(t, "before\n", j.output(t, spec))
}

func testDaemonsEnd(t *testing.T, j *jail) {
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	// The first daemon keeps the output open, the second nothing but the pipe
	// that tells us when it ends.
	spec := j.shell("setsid sleep 300 3>&- & setsid sh -c 'trap \"\" TERM HUP; sleep 300 </dev/null >/dev/null 2>&1' & sleep 0.1; echo done")
	spec.ExtraFiles = []*os.File{write}
	begin := time.Now()
	require.Equal(t, "done\n", j.output(t, spec))
	require.Less(t, time.Since(begin), time.Minute)
	require.NoError(t, write.Close())
	require.NoError(t, read.SetReadDeadline(time.Now().Add(10*time.Millisecond)))
	_, err = read.Read(make([]byte, 1))
	require.ErrorContains(t, err, "EOF", "every process was gone when Run returned")
}

func testTimeout(t *testing.T, j *jail) {
	var out bytes.Buffer
	spec := j.shell(`trap 'echo asked to end; exit 0' TERM; sleep 300 & wait`)
	spec.Timeout = 200 * time.Millisecond
	spec.Stdout = &out
	var exit *sandbox.ExitError
	require.ErrorAs(t, j.Run(t.Context(), spec), &exit)
	require.True(t, exit.TimedOut)
	require.ErrorContains(t, exit, "200ms")
	require.Equal(t, "asked to end\n", out.String())
}

func testTimeoutOfTheDeaf(t *testing.T, j *jail) {
	spec := j.shell(`trap '' TERM INT HUP; setsid sleep 300 & while :; do sleep 300; done`)
	spec.Timeout = 200 * time.Millisecond
	begin := time.Now()
	var exit *sandbox.ExitError
	require.ErrorAs(t, j.Run(t.Context(), spec), &exit)
	require.True(t, exit.TimedOut)
	require.Less(t, time.Since(begin), time.Minute)
}

func testCancel(t *testing.T, j *jail) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	read, write, err := os.Pipe()
	require.NoError(t, err)
	defer read.Close()
	spec := j.shell("echo ready >&3; sleep 300")
	spec.ExtraFiles = []*os.File{write}
	go func() {
		_, _ = read.Read(make([]byte, 1)) // whatever it says, it is running
		cancel()
	}()
	err = j.Run(ctx, spec)
	require.NoError(t, write.Close())
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorIs(t, j.Run(ctx, spec), context.Canceled, "nothing is started any more")
}
