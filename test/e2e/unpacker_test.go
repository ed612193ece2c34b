package e2e_test

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestUnpackersAgree composes real package sets with files placed from the package cache and with
// files unpacked by dpkg: the commits must be the same, byte for byte, whether the cache was empty or
// full, and whether an earlier compose has left something to go on from.
func TestUnpackersAgree(t *testing.T) {
	needAll(t)
	for _, set := range []string{"embedded", "server"} {
		t.Run(set, func(t *testing.T) {
			tree := loadSet(t, set)
			repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBare, ostree.Options{})
			require.NoError(t, err)
			defer repo.Close()
			cache := cacheDir(t)
			build := func(unpacker assemble.UnpackMode) ostree.Checksum {
				start := time.Now()
				composer, err := compose.New(compose.Options{
					Repo: repo, Treefile: tree, CacheDir: cache, Timestamp: time.Unix(epoch, 0),
					Unpacker: unpacker, NoParent: true, NoRef: true, Force: true,
				})
				require.NoError(t, err)
				plan, err := composer.Plan(t.Context())
				require.NoError(t, err)
				result, err := composer.Apply(t.Context(), plan, nil)
				require.NoError(t, err)
				t.Logf("compose by %s: %.1f s", unpacker, time.Since(start).Seconds())
				return result.Commit
			}
			dropStages(t, cache)
			byDpkg := build(assemble.UnpackDpkg)
			requireSameCommit(t, repo, byDpkg, build(assemble.UnpackNative))
			requireSameCommit(t, repo, byDpkg, build(assemble.UnpackNative)) // from what was kept

			// Another configuration of the same packages: from what was kept, and from nothing.
			tree.DefaultTarget = "rescue.target"
			tree.Postprocess = append(tree.Postprocess, "echo 'omit_drivers+=\" loop \"' >/etc/dracut.conf.d/x.conf")
			warm := build(assemble.UnpackNative)
			require.NotEqual(t, byDpkg, warm)
			dropStages(t, cache)
			requireSameCommit(t, repo, build(assemble.UnpackNative), warm)
			run(t, "ostree", "--repo="+repo.Path(), "fsck", "--quiet")
		})
	}
}

// dropStages lets the next compose begin with nothing but imported packages.
func dropStages(t *testing.T, cache string) {
	t.Helper()
	repo, err := ostree.Open(filepath.Join(cache, "pkgcache"), ostree.Options{})
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	require.NoError(t, err)
	_, err = assemble.DropStages(t.Context(), repo, 0)
	require.NoError(t, errors.Join(err, repo.Close()))
}

// requireSameCommit says what differs if anything does.
func requireSameCommit(t *testing.T, repo *ostree.Repo, want, got ostree.Checksum) {
	t.Helper()
	a, err := repo.LoadCommit(t.Context(), want)
	require.NoError(t, err)
	b, err := repo.LoadCommit(t.Context(), got)
	require.NoError(t, err)
	diff, err := repo.Diff(t.Context(), a.Tree, b.Tree)
	require.NoError(t, err)
	require.Empty(t, diff)
	require.Equal(t, want, got)
}
