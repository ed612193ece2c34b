// Package libostree_test runs the shell tests of libostree itself, which Debian ships in the package
// ostree-tests, against examples/ostree. They are its specification: programs that know nothing of us.
package libostree_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

const (
	installed = "/usr/libexec/installed-tests/libostree"
	// scratch needs user attributes and O_TMPFILE, which not every tmpfs has.
	scratch = "/var/tmp"
	// longest is far beyond what any of them takes, on a busy machine, too: one took four minutes with forty
	// processes for two processors.
	longest = 20 * time.Minute
	// atOnce is how many run side by side.
	atOnce = 2
)

// permits are the variables without which a script skips what it tests.
var permits = map[string][]string{
	"test-basic-bare-split-xattrs.sh": {"OSTREE_TEST_SUDO=1"},
}

func TestLibostreeTests(t *testing.T) {
	testenv.Integration(t, testenv.Root, testenv.Tool("ostree"), testenv.Tool("gpg"), testenv.Tool("openssl"),
		testenv.Tool("python3"), testenv.Tool("strace"), testenv.Tool("parallel"), testenv.Tool("setfattr"))
	wanted := readList(t)
	require.ElementsMatch(t, scripts(t), names(wanted), "testdata/tests.txt and the package ostree-tests name other tests")
	bin := t.TempDir()
	require.NoError(t, testenv.Build(t.Context(), filepath.Join(bin, "ostree"), "../../examples/ostree"))

	from := copyScripts(t)
	slots := make(chan struct{}, atOnce) // -parallel says more, and other packages' tests run besides
	for _, w := range wanted {
		if w.waits {
			continue
		}
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			w.check(t, run(t, bin, from, w.name))
		})
	}
}

// A result is what one script printed, in the Test Anything Protocol.
type result struct {
	output string
	failed error
}

var (
	okPoint    = regexp.MustCompile(`(?m)^ok\b.*$`)
	skipped    = regexp.MustCompile(`(?i)# *skip`)
	notOkPoint = regexp.MustCompile(`(?m)^not ok`)
)

// points counts what was tested and found good.
func (r result) points() int {
	n := 0
	for _, line := range okPoint.FindAllString(r.output, -1) {
		if !skipped.MatchString(line) {
			n++
		}
	}
	return n
}

// check compares a result with what is wanted. More points than listed are an error too: the list
// must say what there is to lose.
func (w want) check(t *testing.T, r result) {
	t.Helper()
	tail := r.output[max(0, len(r.output)-4000):]
	require.NoError(t, r.failed, "%s", tail)
	require.False(t, notOkPoint.MatchString(r.output), "%s", tail)
	require.Equal(t, w.points, r.points(), "points of %s, see testdata/tests.txt\n%s", w.name, tail)
}

// copyScripts copies the scripts to a file system that is never the one of [scratch]. On the same one,
// cat copies with copy_file_range(2), their probe for strace's fault injection, which is in read(2),
// then finds none, and what needs it is skipped.
func copyScripts(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, unix.Mount("apt-ostree-libostree-tests", dir, "tmpfs", 0, "mode=755"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	from := filepath.Join(dir, "installed-tests", "libostree")
	require.NoError(t, os.CopyFS(from, os.DirFS(installed)))
	// They look for their web server from where they are.
	require.NoError(t, os.Symlink(filepath.Join(installed, "../../libostree"), filepath.Join(dir, "libostree")))
	return from
}

// run runs one script in an empty directory, with no more in its environment than it needs.
func run(t *testing.T, bin, from, script string) result {
	t.Helper()
	dir, err := os.MkdirTemp(scratch, "libostree-test.") //nolint:usetesting // not in a temporary directory of the test: see scratch
	require.NoError(t, err)
	t.Cleanup(func() { remove(t, dir) })
	ctx, cancel := context.WithTimeout(t.Context(), longest)
	defer cancel()
	interpreter := "bash"
	if strings.HasSuffix(script, ".py") {
		interpreter = "python3"
	}
	cmd := exec.CommandContext(ctx, interpreter, filepath.Join(from, script))
	cmd.Dir = dir
	cmd.Env = append([]string{
		"PATH=" + bin + ":/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + dir, "TMPDIR=" + scratch,
		"USER=root", "SHELL=/bin/bash", "TZ=UTC",
	}, permits[script]...)
	cmd.SysProcAttr = &unix.SysProcAttr{Setpgid: true}
	// Web servers that a script leaves behind end when its directory goes, not before.
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	cmd.WaitDelay = time.Second
	out, err := os.CreateTemp(t.TempDir(), "output")
	require.NoError(t, err)
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	failed := cmd.Run()
	data, err := os.ReadFile(out.Name())
	require.NoError(t, err)
	return result{string(bytes.ToValidUTF8(data, []byte("?"))), failed}
}

// remove deletes what a script left, while servers that watch the directory may still write to it.
func remove(t *testing.T, dir string) {
	t.Helper()
	var err error
	for range 20 {
		if err = fsx.RemoveAll(dir); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	require.NoError(t, err)
}

// scripts lists what the package ostree-tests holds for us.
func scripts(t *testing.T) []string {
	t.Helper()
	entries, err := os.ReadDir(installed)
	require.NoError(t, err, "install the Debian package ostree-tests")
	script := regexp.MustCompile(`^test-.*\.sh$|^test-concurrency\.py$`)
	var all []string
	for _, e := range entries {
		if script.MatchString(e.Name()) {
			all = append(all, e.Name())
		}
	}
	return all
}

// A want is a line of the list.
type want struct {
	name   string
	points int
	waits  bool
}

// readList reads testdata/tests.txt: "NAME POINTS", or "NAME - REASON" for those that are not run.
func readList(t *testing.T) []want {
	t.Helper()
	data, err := os.ReadFile("testdata/tests.txt")
	require.NoError(t, err)
	var all []want
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		w := want{}
		name, rest, _ := strings.Cut(line, " ")
		w.name = name
		if reason, ok := strings.CutPrefix(rest, "- "); ok && reason != "" {
			w.waits = true
		} else {
			_, err := fmt.Sscanf(rest, "%d", &w.points)
			require.NoError(t, err, line)
		}
		all = append(all, w)
	}
	return all
}

func names(list []want) []string {
	all := make([]string, len(list))
	for i, w := range list {
		all[i] = w.name
	}
	return all
}
