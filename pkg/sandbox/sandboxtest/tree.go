package sandboxtest

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// Tree makes a tree in a temporary directory that borrows the host's /usr
// through the mounts it returns, so that the host's programs run in it. The
// tree itself is the caller's to change.
func Tree(t testing.TB) (root string, mounts []sandbox.Mount) {
	t.Helper()
	root = t.TempDir()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"usr", "etc", "var", "var/tmp", "root"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "sbin", "lib", "lib32", "lib64"} {
		if _, err := os.Lstat("/usr/" + name); err != nil {
			continue
		}
		if err := os.Symlink("usr/"+name, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	return root, []sandbox.Mount{{Kind: sandbox.ROBind, Source: "/usr", Target: "/usr"}}
}
