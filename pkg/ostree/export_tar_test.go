package ostree_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func exported(t *testing.T, r *ostree.Repo, c ostree.Checksum, opts ostree.ExportOptions) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, r.ExportTar(t.Context(), c, &b, opts))
	return b.Bytes()
}

func listTar(t *testing.T, data []byte) string {
	t.Helper()
	var list strings.Builder
	for r := tar.NewReader(bytes.NewReader(data)); ; {
		h, err := r.Next()
		if err == io.EOF { //nolint:errorlint // package tar promises this very error
			return list.String()
		}
		require.NoError(t, err)
		require.Equal(t, ostreetest.Timestamp().Unix(), h.ModTime.Unix())
		content, err := io.ReadAll(r)
		require.NoError(t, err)
		fmt.Fprintf(&list, "%c %s %o %d:%d %s%s\n", h.Typeflag, h.Name, h.Mode, h.Uid, h.Gid, h.Linkname, content)
	}
}

func TestExportTarComesBack(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		r := ostreetest.Repo(t, mode)
		c := ostreetest.Commit(t, r, "", ostreetest.Full())
		commit, err := r.LoadCommit(t.Context(), c)
		require.NoError(t, err)
		data := exported(t, r, c, ostree.ExportOptions{})
		require.Equal(t, data, exported(t, r, c, ostree.ExportOptions{}))
		id, err := addArchive(t.Context(), r, data, ostree.ArchiveOptions{})
		require.NoError(t, err)
		require.Equal(t, commit.Tree, id)
	}
}

func TestExportTarOptions(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{
		"d":       ostreetest.Dir().Perm(0o700).Owner(1, 2),
		"d/b":     ostreetest.File("same").Xattr("user.x", "1"),
		"d/c":     ostreetest.File("same").Xattr("user.x", "1"),
		"d/e1":    ostreetest.File(""),
		"d/e2":    ostreetest.File(""),
		"d/a/in":  ostreetest.File("in"),
		"d/l":     ostreetest.Link("b"),
		"outside": ostreetest.File("x"),
	})
	require.Equal(t, `5 p/ 700 1:2 
0 p/b 644 0:0 same
1 p/c 644 0:0 p/b
0 p/e1 644 0:0 
0 p/e2 644 0:0 
2 p/l 777 0:0 b
5 p/a/ 755 0:0 
0 p/a/in 644 0:0 in
`, listTar(t, exported(t, r, c, ostree.ExportOptions{Subpath: "/d", Prefix: "p/"})))
	require.Contains(t, listTar(t, exported(t, r, c, ostree.ExportOptions{NoHardlinks: true})), "0 d/c 644 0:0 same\n")
	require.Equal(t, "0 b 644 0:0 same\n", listTar(t, exported(t, r, c, ostree.ExportOptions{Subpath: "d/b"})))
	require.True(t, strings.HasPrefix(listTar(t, exported(t, r, c, ostree.ExportOptions{})), "5 ./ 755 0:0 \n"))
	require.Contains(t, string(exported(t, r, c, ostree.ExportOptions{})), "SCHILY.xattr.user.x=1")
	require.NotContains(t, string(exported(t, r, c, ostree.ExportOptions{NoXattrs: true})), "SCHILY")

	err := r.ExportTar(t.Context(), c, io.Discard, ostree.ExportOptions{Subpath: "nope"})
	require.ErrorIs(t, err, fs.ErrNotExist)
}
