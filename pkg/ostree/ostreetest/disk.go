package ostreetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Write makes a tree on disk, below a directory that exists. Owners other than
// the caller's need root.
func Write(t testing.TB, dir string, tree Tree) {
	t.Helper()
	require.NoError(t, os.Chmod(dir, 0o755))
	for _, p := range tree.paths() {
		full := filepath.Join(dir, p)
		require.NoError(t, mkdirAll(filepath.Dir(full)))
		require.NoError(t, write(full, tree[p]))
	}
	if root, ok := tree[""]; ok {
		require.NoError(t, finish(dir, root))
	}
}

// mkdirAll is os.MkdirAll whatever the umask is.
func mkdirAll(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return nil
	}
	if err := mkdirAll(filepath.Dir(dir)); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	return os.Chmod(dir, 0o755)
}

func write(p string, e Entry) error {
	var err error
	switch e.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		err = os.Mkdir(p, 0o755)
	case unix.S_IFLNK:
		err = os.Symlink(e.Target, p)
	default:
		err = os.WriteFile(p, []byte(e.Content), 0o600)
	}
	if err != nil {
		return err
	}
	return finish(p, e)
}

// finish sets owner, mode and attributes, in the order that loses none of them.
func finish(p string, e Entry) error {
	if os.Geteuid() == 0 || e.UID != 0 || e.GID != 0 {
		if err := os.Lchown(p, int(e.UID), int(e.GID)); err != nil {
			return err
		}
	}
	if e.Mode&unix.S_IFMT != unix.S_IFLNK {
		if err := unix.Chmod(p, e.Mode&0o7777); err != nil {
			return fmt.Errorf("chmod %s: %w", p, err)
		}
	}
	for _, x := range e.Xattrs {
		if err := unix.Lsetxattr(p, x.Name, x.Value, 0); err != nil {
			return fmt.Errorf("set %s of %s: %w", x.Name, p, err)
		}
	}
	return nil
}

// CLI runs Debian's ostree on a repository and returns what it prints, without
// the last newline. The test must have stated its need for the tool.
func CLI(t testing.TB, r *ostree.Repo, verb string, args ...string) string {
	t.Helper()
	out, err := TryCLI(t, r, verb, args...)
	require.NoError(t, err, "ostree %s %s: %s", verb, strings.Join(args, " "), out)
	return out
}

// TryCLI is [CLI] for a command that may fail; errors are in the output too.
func TryCLI(t testing.TB, r *ostree.Repo, verb string, args ...string) (string, error) {
	t.Helper()
	full := append([]string{verb, "--repo=" + r.Path()}, args...)
	cmd := exec.CommandContext(t.Context(), "ostree", full...)
	cmd.Env = append(cmd.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return strings.TrimSuffix(string(out), "\n"), err
}
