package oci_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
)

// entry is one of a layer.
type entry struct {
	tar.Header

	data string
}

func file(name, data string) entry {
	return entry{tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o644, Size: int64(len(data))}, data}
}

func special(kind byte, name, target string) entry {
	return entry{tar.Header{Typeflag: kind, Name: name, Linkname: target, Mode: 0o755}, ""}
}

func readEntries(t testing.TB, r io.Reader) (list []entry) {
	t.Helper()
	archive := tar.NewReader(r)
	for {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		require.NoError(t, err)
		data, err := io.ReadAll(archive)
		require.NoError(t, err)
		list = append(list, entry{*h, string(data)})
	}
}

func writeEntries(t testing.TB, list []entry) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range list {
		require.NoError(t, w.WriteHeader(&e.Header), e.Name)
		_, err := io.WriteString(w, e.data)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

// forged is an image in a directory, that is changed piece by piece and still has the
// digests that it must have.
type forged struct {
	t        testing.TB
	dir      string
	manifest v1.Manifest
	config   v1.ConfigFile
}

// forge opens an image in a layout to change it.
func forge(t testing.TB, l oci.Location) *forged {
	t.Helper()
	dir, _, err := cutTag(l)
	require.NoError(t, err)
	f := &forged{t: t, dir: dir}
	f.read("sha256:"+digestHex(t, open(t, l)), &f.manifest)
	f.read(f.manifest.Config.Digest.String(), &f.config)
	return f
}

func digestHex(t testing.TB, i *oci.Image) string {
	t.Helper()
	h, err := v1.NewHash(i.Digest)
	require.NoError(t, err)
	return h.Hex
}

func cutTag(l oci.Location) (string, string, error) {
	dir, tag, ok := bytes.Cut([]byte(l.Name), []byte(":"))
	if !ok {
		return "", "", fmt.Errorf("%s has no tag", l)
	}
	return string(dir), string(tag), nil
}

func (f *forged) blob(digest string) string {
	return filepath.Join(f.dir, "blobs", "sha256", digest[len("sha256:"):])
}

func (f *forged) read(digest string, to any) {
	f.t.Helper()
	data, err := os.ReadFile(f.blob(digest))
	require.NoError(f.t, err)
	require.NoError(f.t, json.Unmarshal(data, to))
}

func (f *forged) write(data []byte) v1.Hash {
	f.t.Helper()
	h := v1.Hash{Algorithm: "sha256", Hex: fmt.Sprintf("%x", sha256.Sum256(data))}
	require.NoError(f.t, os.WriteFile(f.blob(h.String()), data, 0o644))
	return h
}

// entries are those of a layer.
func (f *forged) entries(n int) []entry {
	f.t.Helper()
	in, err := os.Open(f.blob(f.manifest.Layers[n].Digest.String()))
	require.NoError(f.t, err)
	defer in.Close()
	plain, err := gzip.NewReader(in)
	require.NoError(f.t, err)
	return readEntries(f.t, plain)
}

// setLayer gives a layer other content, or adds one.
func (f *forged) setLayer(n int, list []entry) { f.t.Helper(); f.setBytes(n, writeEntries(f.t, list)) }

func (f *forged) setBytes(n int, data []byte) {
	f.t.Helper()
	h := f.write(data)
	if n == len(f.manifest.Layers) {
		f.manifest.Layers = append(f.manifest.Layers, v1.Descriptor{})
		f.config.RootFS.DiffIDs = append(f.config.RootFS.DiffIDs, v1.Hash{})
	}
	before := f.config.RootFS.DiffIDs[n].String()
	f.manifest.Layers[n] = v1.Descriptor{MediaType: types.OCIUncompressedLayer, Size: int64(len(data)), Digest: h}
	f.config.RootFS.DiffIDs[n] = h
	if f.config.Config.Labels[oci.LabelFinalDiffID] == before {
		f.config.Config.Labels[oci.LabelFinalDiffID] = h.String()
	}
}

// derive adds a layer as a container build does.
func (f *forged) derive(list ...entry) { f.t.Helper(); f.setLayer(len(f.manifest.Layers), list) }

// finish writes configuration, manifest and index.
func (f *forged) finish() *oci.Image {
	f.t.Helper()
	config, err := json.Marshal(f.config)
	require.NoError(f.t, err)
	f.manifest.Config.Digest, f.manifest.Config.Size = f.write(config), int64(len(config))
	manifest, err := json.Marshal(f.manifest)
	require.NoError(f.t, err)
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{{
		MediaType: types.OCIManifestSchema1, Size: int64(len(manifest)), Digest: f.write(manifest),
	}}})
	require.NoError(f.t, err)
	require.NoError(f.t, os.WriteFile(filepath.Join(f.dir, "index.json"), index, 0o644))
	l, err := oci.ParseLocation("oci:" + f.dir)
	require.NoError(f.t, err)
	return open(f.t, l)
}

// damage changes the padding after a file in a blob.
func damage(f *forged, digest string) {
	f.t.Helper()
	data, err := os.ReadFile(f.blob(digest))
	require.NoError(f.t, err)
	const before = "mode=bare-split-xattrs\n"
	data[bytes.Index(data, []byte(before))+len(before)] ^= 1
	require.NoError(f.t, os.WriteFile(f.blob(digest), data, 0o644))
}

// hugeEntry is the header of a file of a petabyte.
func hugeEntry() []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "usr/huge", Size: 1 << 50, Format: tar.FormatGNU}); err != nil {
		panic(err)
	}
	return append(b.Bytes(), make([]byte, 512)...)
}

func asLayer(err error) (*oci.LayerError, bool) { return errors.AsType[*oci.LayerError](err) }
