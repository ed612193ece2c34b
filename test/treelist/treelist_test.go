package treelist_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/test/treelist"
)

func TestScanAndCompare(t *testing.T) {
	t.Parallel()
	build := func(change func(root string)) treelist.Tree {
		root := t.TempDir()
		require.NoError(t, os.MkdirAll(filepath.Join(root, "etc"), 0o755))
		write := func(name, content string) {
			require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(content), 0o644))
		}
		write("etc/passwd", "root:x:0:0::/root:/bin/sh\n")
		write("etc/group", "root:x:0:\n")
		write("same", "1")
		write("gone", "1")
		write("edited", "1")
		require.NoError(t, os.Symlink("same", filepath.Join(root, "link")))
		change(root)
		tree, err := treelist.Scan(root)
		require.NoError(t, err)
		return tree
	}
	a := build(func(string) {})
	b := build(func(root string) {
		require.NoError(t, os.Remove(filepath.Join(root, "gone")))
		require.NoError(t, os.WriteFile(filepath.Join(root, "edited"), []byte("2"), 0o644))
		require.NoError(t, os.Chmod(filepath.Join(root, "same"), 0o600))
		require.NoError(t, os.Remove(filepath.Join(root, "link")))
		require.NoError(t, os.Symlink("edited", filepath.Join(root, "link")))
		require.NoError(t, os.Mkdir(filepath.Join(root, "new"), 0o755))
	})
	require.Empty(t, treelist.Compare(a, a))
	var got []string
	for _, d := range treelist.Compare(a, b) {
		got = append(got, d.Kind+" "+d.Path)
	}
	require.Equal(t, []string{"changed /edited", "missing /gone", "changed /link", "extra /new", "changed /same"}, got)
}
