package ostree_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestAddAroundRepository adds a directory that holds the repository itself,
// which is left out: it changes while it is read.
func TestAddAroundRepository(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	around := filepath.Dir(r.Path())
	require.NoError(t, os.WriteFile(filepath.Join(around, "file"), []byte("x"), 0o644))
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), ostree.FileInfo{Mode: 0o100644}, strings.NewReader("in the staging directory"))
		require.NoError(t, err)
		tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
		require.NoError(t, w.AddDirectory(t.Context(), tree, "/", around, ostree.AddOptions{}))
		require.True(t, tree.Exists("file"))
		require.False(t, tree.Exists("repo"))
		return nil
	}))
}
