package testenv

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Requirement is something a test needs that not every machine has.
type Requirement string

const (
	// Root is an effective user id of 0 with the capabilities to chown and to
	// set trusted.* attributes.
	Root Requirement = "root"
	// Overlay is the right to mount an overlay below the test's temporary directory.
	Overlay Requirement = "overlay"
	// UserXattrs is a temporary directory that keeps user.* attributes.
	UserXattrs Requirement = "user xattrs"

	// Loop is the right to mount images of file systems.
	Loop Requirement = "loop devices"

	toolPrefix = "tool "
	filePrefix = "file "
)

// Tool is a program in PATH.
func Tool(name string) Requirement { return toolPrefix + Requirement(name) }

// File is a file that a package has installed.
func File(name string) Requirement { return filePrefix + Requirement(name) }

// Need skips the test if a requirement is not met, or fails it if
// APT_OSTREE_REQUIRE is 1.
func Need(t testing.TB, needs ...Requirement) {
	t.Helper()
	for _, need := range needs {
		err := need.check(t)
		switch {
		case err == nil:
		case os.Getenv("APT_OSTREE_REQUIRE") == "1":
			t.Fatalf("this test needs %s: %v (APT_OSTREE_REQUIRE=1)", need, err)
		default:
			t.Skipf("needs %s: %v", need, err)
		}
	}
}

func (r Requirement) check(t testing.TB) error {
	if name, ok := strings.CutPrefix(string(r), toolPrefix); ok {
		_, err := exec.LookPath(name)
		return err
	}
	if name, ok := strings.CutPrefix(string(r), filePrefix); ok {
		_, err := os.Stat(name)
		return err
	}
	switch r {
	case Root:
		return checkRoot(t)
	case Overlay:
		return checkOverlay(t)
	case Loop:
		f, err := os.OpenFile("/dev/loop-control", os.O_RDWR, 0)
		if err != nil {
			return err
		}
		return f.Close()
	case UserXattrs:
		return unix.Setxattr(t.TempDir(), "user.testenv", []byte("1"), 0)
	}
	return fmt.Errorf("unknown requirement %q", string(r))
}

func checkRoot(t testing.TB) error {
	if uid := os.Geteuid(); uid != 0 {
		return fmt.Errorf("running as uid %d", uid)
	}
	return unix.Setxattr(t.TempDir(), "trusted.testenv", []byte("1"), 0)
}

func checkOverlay(t testing.TB) error {
	dir := t.TempDir()
	for _, name := range []string{"lower", "upper", "work", "merged"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			return err
		}
	}
	options := fmt.Sprintf("lowerdir=%[1]s/lower,upperdir=%[1]s/upper,workdir=%[1]s/work", dir)
	merged := filepath.Join(dir, "merged")
	if err := unix.Mount("overlay", merged, "overlay", 0, options); err != nil {
		return fmt.Errorf("mount an overlay: %w", err)
	}
	return unix.Unmount(merged, 0)
}
