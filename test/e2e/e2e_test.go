// Package e2e tests the main job on real Debian packages: compose, deploy, layer, look, roll back,
// each step held against the peer tools.
package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// epoch makes the commits of these tests reproducible.
const epoch = 1750000000

// tools are the programs under test, built once.
var tools string

func TestMain(m *testing.M) {
	if os.Getenv("APT_OSTREE_INTEGRATION") != "1" {
		os.Exit(m.Run())
	}
	// Without examples/ostree: "ostree" is the peer.
	os.Exit(testenv.RunWith(m, &tools, "../../cmd/...", "../../examples/sysroot-init", "../../examples/stateroot-init", "../../examples/run-in-deployment"))
}

func needAll(t *testing.T) {
	t.Helper()
	testenv.Integration(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("ostree"), testenv.Tool("dpkg"), testenv.Tool("mmdebstrap"))
}

// cacheDir keeps downloaded packages between runs of the tests.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(os.TempDir(), "apt-ostree-e2e-cache")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	return dir
}

// outcome is what a program printed and how it ended.
type outcome struct {
	stdout, stderr string
	code           int
}

// try runs a program; a bare name is one of those under test.
func try(t *testing.T, name string, args ...string) outcome {
	t.Helper()
	path := name
	if built := filepath.Join(tools, name); !strings.Contains(name, "/") && exists(built) {
		path = built
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 20*time.Minute) // clean-up runs programs too
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch), "LC_ALL=C.UTF-8")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
	if _, ok := err.(*exec.ExitError); err != nil && !ok { //nolint:errorlint // exec returns it unwrapped
		require.NoError(t, err)
	}
	return out
}

// run runs a program that must succeed and returns its standard output.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out := try(t, name, args...)
	require.Zero(t, out.code, "%s %s\n%s%s", name, strings.Join(args, " "), out.stdout, out.stderr)
	return out.stdout
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func line(text string) string { return strings.TrimSpace(text) }
