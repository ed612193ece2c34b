package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// FuzzReadLayer reads any bytes as a layer of each kind: no panic, and no object that
// is not what its name says.
func FuzzReadLayer(f *testing.F) {
	repo := ostreetest.Repo(f, ostree.ModeBareUser)
	commit := ostreetest.Commit(f, repo, "test", ostreetest.Tree{
		"usr/bin/a": ostreetest.File("a").Xattr("user.x", "1"), "usr/bin/b": ostreetest.Link("a"), "usr/etc/c": ostreetest.File(""),
	})
	to := layout(f)
	opts := chunked()
	opts.Owner = func(string) string { return "a" }
	layers := export(f, repo, commit, to, opts).Layers
	whole := export(f, repo, commit, to, oci.ExportOptions{}).Layers[0]
	dir, _, _ := strings.Cut(to.Name, ":")
	for kind, l := range []oci.Layer{whole, layers[1]} {
		packed, err := os.ReadFile(filepath.Join(dir, "blobs", strings.Replace(l.Digest, ":", "/", 1)))
		require.NoError(f, err)
		f.Add(packed, kind)
		z, err := gzip.NewReader(bytes.NewReader(packed))
		require.NoError(f, err)
		var kept []entry
		for _, e := range readEntries(f, z) {
			if e.Typeflag != tar.TypeDir || !strings.Contains(e.Name, "/objects/") {
				kept = append(kept, e)
			}
		}
		f.Add(writeEntries(f, kept), kind)
	}
	f.Add(writeEntries(f, []entry{file("usr/a", "a"), file("usr/.wh.b", ""), special(tar.TypeLink, "usr/c", "usr/a"), file("etc/.wh..wh..opq", "")}), 2)

	errDiscard := errors.New("enough")
	f.Fuzz(func(t *testing.T, layer []byte, kind int) {
		target := ostreetest.Repo(t, ostree.ModeBareUser)
		err := target.Update(t.Context(), func(w *ostree.Writer) error {
			if err := oci.ReadLayer(t.Context(), w, bytes.NewReader(layer), kind&3%3); err != nil {
				return errors.Join(errDiscard, err)
			}
			return nil
		})
		if err != nil {
			require.ErrorIs(t, err, errDiscard)
			return
		}
		checkSound(t, target)
	})
}
