package e2e_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestUnpackersAgree composes real package sets with files placed from the package cache and with
// files unpacked by dpkg: the commits must be the same, byte for byte, whether the cache was empty or
// full.
func TestUnpackersAgree(t *testing.T) {
	needAll(t)
	for _, set := range []string{"embedded", "server"} {
		t.Run(set, func(t *testing.T) {
			opts := compose.LoadOptions{Architecture: txn.NativeArchitecture()}
			tree, err := compose.Embedded(opts)
			if set != "embedded" {
				tree, err = compose.Load("testdata/"+set+".yaml", opts)
			}
			require.NoError(t, err)
			repo, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeBare, ostree.Options{})
			require.NoError(t, err)
			defer repo.Close()
			var ids []ostree.Checksum
			for i, unpacker := range []assemble.UnpackMode{assemble.UnpackDpkg, assemble.UnpackNative, assemble.UnpackNative} {
				start := time.Now()
				composer, err := compose.New(compose.Options{
					Repo: repo, Treefile: tree, CacheDir: cacheDir(t), Timestamp: time.Unix(epoch, 0),
					Unpacker: unpacker, NoParent: true, NoRef: true, Force: true,
				})
				require.NoError(t, err)
				plan, err := composer.Plan(t.Context())
				require.NoError(t, err)
				result, err := composer.Apply(t.Context(), plan, nil)
				require.NoError(t, err)
				t.Logf("compose %d by %s: %.1f s", i+1, unpacker, time.Since(start).Seconds())
				ids = append(ids, result.Commit)
			}
			requireSameCommit(t, repo, ids[0], ids[1])
			require.Equal(t, ids[1], ids[2])
			run(t, "ostree", "--repo="+repo.Path(), "fsck", "--quiet")
		})
	}
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
