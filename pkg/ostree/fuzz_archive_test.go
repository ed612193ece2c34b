package ostree_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// fuzzRepo makes a repository for a fuzz target.
func fuzzRepo(f *testing.F) *ostree.Repo {
	f.Helper()
	r, err := ostree.Init(filepath.Join(f.TempDir(), "repo"), ostree.ModeArchive, ostree.Options{NoSync: true})
	require.NoError(f, err)
	f.Cleanup(func() { require.NoError(f, r.Close()) })
	return r
}

// FuzzAddArchive: an archive gives an error, or a tree that can be stored and
// read again as a whole.
func FuzzAddArchive(f *testing.F) {
	r := fuzzRepo(f)
	for _, seed := range archiveSeeds(f) {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	errBack := errors.New("nothing is to stay")
	f.Fuzz(func(t *testing.T, data []byte, parents bool) {
		err := r.Update(t.Context(), func(w *ostree.Writer) error {
			tree := ostree.NewTree(ostree.DirMeta{Mode: 0o040755})
			o := ostree.ArchiveOptions{AutocreateParents: parents}
			if err := w.AddArchive(t.Context(), tree, "/", bytes.NewReader(data), o); err != nil {
				return errBack
			}
			id, err := w.WriteTree(t.Context(), tree)
			require.NoError(t, err)
			stored, err := w.LoadTree(t.Context(), id)
			require.NoError(t, err)
			require.NoError(t, stored.Walk("/", func(_ string, e ostree.Entry) error {
				if e.Dir {
					return nil
				}
				_, err := w.FileInfo(t.Context(), e.File)
				return err
			}))
			return errBack
		})
		require.ErrorIs(t, err, errBack)
	})
}

// archiveSeeds are archives of each kind with entries of each kind.
func archiveSeeds(f *testing.F) [][]byte {
	f.Helper()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	for _, h := range []*tar.Header{
		{Name: "./", Typeflag: tar.TypeDir, Mode: 0o755},
		{Name: "d/", Typeflag: tar.TypeDir, Mode: 0o700, Uid: 1, Gid: 2},
		{Name: "early", Typeflag: tar.TypeLink, Linkname: "late"},
		{Name: "d/link", Typeflag: tar.TypeSymlink, Linkname: "../f"},
		{Name: "f", Typeflag: tar.TypeReg, Mode: 0o4755, Size: 3, PAXRecords: map[string]string{
			"SCHILY.xattr.user.a": "x\x00y", "LIBARCHIVE.xattr.user.b": "eA",
		}},
		{Name: "late", Typeflag: tar.TypeReg, Mode: 0o644, Size: 3},
	} {
		require.NoError(f, w.WriteHeader(h))
		if h.Size > 0 {
			_, err := w.Write([]byte("abc"))
			require.NoError(f, err)
		}
	}
	require.NoError(f, w.Close())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err := z.Write(plain.Bytes())
	require.NoError(f, err)
	require.NoError(f, z.Close())
	return [][]byte{
		{}, plain.Bytes(), packed.Bytes(),
		[]byte(newc("a", 0o100644, 2, "") + newc("b", 0o100644, 2, "xyz") + newc("l", 0o120777, 1, "a") +
			newc("d", 0o040755, 1, "") + newc("TRAILER!!!", 0, 1, "")),
		[]byte("0707070000010000021006440000000000000000010000000000000000000000200000000003a\x00abc" +
			"0707070000010000030000000000000000000000010000000000000000000001300000000000TRAILER!!!\x00"),
	}
}

// newc is an entry of a cpio archive.
func newc(name string, mode, links int, content string) string {
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		7, mode, 0, 0, links, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	pad := func(s string) string { return s + "\x00\x00\x00"[:-len(s)&3] }
	return pad(header) + pad(content)
}
