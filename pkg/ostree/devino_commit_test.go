package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// linkedCheckout checks a tree out by hard links and scans the repository.
func linkedCheckout(t *testing.T, r *ostree.Repo, tree ostreetest.Tree) (dir string, cache *ostree.DevInoCache) {
	t.Helper()
	c := ostreetest.Commit(t, r, "", tree)
	dir = filepath.Join(t.TempDir(), "co")
	require.NoError(t, r.Checkout(t.Context(), c, dir, ostree.CheckoutOptions{UserMode: r.Mode() != ostree.ModeBare}))
	cache = &ostree.DevInoCache{}
	require.NoError(t, r.ScanInodes(t.Context(), cache))
	return dir, cache
}

// addKnown adds a directory and returns how many files were recognised.
func addKnown(t *testing.T, r *ostree.Repo, dir string, opts ostree.AddOptions) (list string, stats ostree.WriteStats) {
	t.Helper()
	var id ostree.TreeID
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		var err error
		id, err = addTree(t.Context(), w, dir, opts)
		stats = w.Stats()
		return err
	}))
	return ostreetest.ListTree(t, r, id), stats
}

func TestKnownInodesAreNotRead(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeBareUserOnly, ostree.ModeBare} {
		if mode == ostree.ModeBare {
			testenv.Need(t, testenv.Root)
		}
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, mode)
			dir, cache := linkedCheckout(t, r, ostreetest.Tree{"a": ostreetest.File("a"), "b": ostreetest.File("b").Perm(0o755)})
			require.NoError(t, os.WriteFile(filepath.Join(dir, "c"), []byte("c"), 0o644))
			list, stats := addKnown(t, r, dir, ostree.AddOptions{UID: new(uint32), GID: new(uint32), DevIno: cache})
			require.Equal(t, "d00755 0 0 /\n-00644 0 0 1 /a\n-00755 0 0 1 /b\n-00644 0 0 1 /c\n", list)
			require.Equal(t, 2, stats.CacheHits)
			require.Equal(t, 1, stats.ContentTotal)

			overrides := &ostree.StatOverrides{}
			overrides.Set("/a", 0o600)
			overrides.Set("/b", 0o755)
			opts := ostree.AddOptions{UID: new(uint32), GID: new(uint32), DevIno: cache, StatOverrides: overrides}
			list, stats = addKnown(t, r, dir, opts)
			require.Equal(t, "d00755 0 0 /\n-00600 0 0 1 /a\n-00755 0 0 1 /b\n-00644 0 0 1 /c\n", list)
			require.Equal(t, 1, stats.CacheHits, "one is changed by the options")

			opts.TrustDevIno = true
			list, stats = addKnown(t, r, dir, opts)
			require.Equal(t, "d00755 0 0 /\n-00644 0 0 1 /a\n-00755 0 0 1 /b\n-00644 0 0 1 /c\n", list)
			require.Equal(t, 2, stats.CacheHits)
		})
	}
}

func TestKnownInodesKeepWhatBareUserHides(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	tree := ostreetest.Tree{"su": ostreetest.File("su").Perm(0o4711).Owner(3, 4).Xattr("security.capability", "cap")}
	dir, cache := linkedCheckout(t, r, tree)
	require.NoError(t, unix.Chmod(dir, 0o755))
	list, _ := addKnown(t, r, dir, ostree.AddOptions{DevIno: cache})
	require.Contains(t, list, `-04711 3 4 2 /su {security.capability="cap"}`)
	list, _ = addKnown(t, r, dir, ostree.AddOptions{DevIno: cache, UID: new(uint32(9)), NoXattrs: true})
	require.Contains(t, list, "-04711 9 4 2 /su\n")
}

func TestScanInodesOfArchivesFindsNothing(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	ostreetest.Commit(t, r, "", ostreetest.Plain())
	var cache ostree.DevInoCache
	require.NoError(t, r.ScanInodes(t.Context(), &cache))
	require.Zero(t, cache.Len())
}
