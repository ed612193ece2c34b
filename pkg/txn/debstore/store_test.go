package debstore_test

import (
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/debstore"
)

func file(t *testing.T, d apttest.Deb) debstore.File {
	t.Helper()
	path := d.Write(t, t.TempDir())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	return debstore.File{Path: path, SHA256: hex.EncodeToString(sum[:])}
}

// TestKept gives back what was kept, byte for byte, in repositories with and without plain files.
func TestKept(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		store := debstore.New(ostreetest.Repo(t, mode))
		tool := file(t, apttest.Deb{Package: "tool", Version: "1:2.0~rc1-1", Architecture: "amd64", Depends: "libtool (>= 2)"})
		other := file(t, apttest.Deb{Package: "other"})
		require.NoError(t, store.Add(t.Context(), []debstore.File{tool, other}))
		require.NoError(t, store.Add(t.Context(), []debstore.File{{Path: "/nowhere", SHA256: tool.SHA256}}), "not read again")

		p, err := store.Load(t.Context(), tool.SHA256)
		require.NoError(t, err)
		require.Equal(t, "tool:amd64=1:2.0~rc1-1", p.String())
		require.Equal(t, tool.SHA256, p.SHA256)
		require.Len(t, p.Depends, 1)
		path, err := store.Checkout(t.Context(), tool.SHA256, t.TempDir())
		require.NoError(t, err)
		want, err := os.ReadFile(tool.Path)
		require.NoError(t, err)
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, want, got)

		n, err := store.Drop(t.Context(), func(sum string) bool { return sum == other.SHA256 })
		require.NoError(t, err)
		require.Equal(t, 1, n)
		_, err = store.Load(t.Context(), tool.SHA256)
		require.ErrorIs(t, err, fs.ErrNotExist)
		has, err := store.Has(t.Context(), other.SHA256)
		require.NoError(t, err)
		require.True(t, has)
	}
}

func TestNotKept(t *testing.T) {
	t.Parallel()
	store := debstore.New(ostreetest.Repo(t, ostree.ModeBareUser))
	good := file(t, apttest.Deb{Package: "good"})
	bad := debstore.File{Path: good.Path, SHA256: file(t, apttest.Deb{Package: "bad"}).SHA256}
	err := store.Add(t.Context(), []debstore.File{good, bad})
	require.ErrorAs(t, err, new(*apt.HashMismatchError))
	require.ErrorContains(t, err, good.Path)
	has, err := store.Has(t.Context(), good.SHA256)
	require.NoError(t, err)
	require.False(t, has, "all or nothing")

	require.NoError(t, os.WriteFile(good.Path, []byte("rubbish"), 0o600))
	require.ErrorIs(t, store.Add(t.Context(), []debstore.File{good}), deb.ErrFormat)
	for _, sum := range []string{"", "..", "X", good.SHA256[1:], "../../heads/x"} {
		_, err = store.Checkout(t.Context(), sum, t.TempDir())
		require.ErrorIs(t, err, fs.ErrNotExist, sum)
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	d := file(t, apttest.Deb{Package: "tool", Recommends: "x"})
	f, err := os.Open(d.Path)
	require.NoError(t, err)
	defer func() { require.NoError(t, f.Close()) }()
	p, err := debstore.Read(f)
	require.NoError(t, err)
	require.Equal(t, d.SHA256, p.SHA256)
	info, err := f.Stat()
	require.NoError(t, err)
	require.Equal(t, info.Size(), p.Size)
	require.Len(t, p.Recommends, 1)
}
