package testenv

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"testing"
)

// Build builds programs of the project as they are shipped, without cgo, into a directory, or one of them
// as a file. The packages are paths as `go build` takes them.
func Build(ctx context.Context, out string, packages ...string) error {
	build := exec.CommandContext(ctx, "go", append([]string{"build", "-o", out}, packages...)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build %q: %w\n%s", packages, err, text)
	}
	return nil
}

// RunWith runs tests with programs that were built into a directory, of which they are told, and that goes
// away afterwards. It is for the exit code of a TestMain.
func RunWith(m *testing.M, told *string, packages ...string) int {
	dir, err := os.MkdirTemp("", "apt-ostree-programs-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary directory
	*told = dir
	if err := Build(context.Background(), dir, packages...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}
