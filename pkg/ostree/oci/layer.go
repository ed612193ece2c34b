package oci

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"

	"github.com/klauspost/compress/gzip"
)

// Layer describes one layer of an image.
type Layer struct {
	Digest     string   `json:"digest"`  // of the compressed layer, such as sha256:…
	DiffID     string   `json:"diff-id"` // of the tar archive in it
	Size       int64    `json:"size"`    // compressed, in bytes
	Title      string   `json:"title,omitempty"`
	Components []string `json:"components,omitempty"`
}

// gzipLevel is a good deal smaller than the fastest and not much slower; what is
// written once is fetched often.
const gzipLevel = 6

// writeLayer makes a compressed layer in one pass: the archive is hashed, compressed,
// hashed again and written while fill makes it.
func writeLayer(f io.Writer, fill func(w io.Writer) error) (l Layer, err error) {
	out := &hashedWriter{w: f, hash: sha256.New()}
	compressor, err := gzip.NewWriterLevel(out, gzipLevel)
	if err != nil {
		return l, err
	}
	plain := &hashedWriter{w: compressor, hash: sha256.New()}
	buffered := bufio.NewWriterSize(plain, 256<<10)
	if err := fill(buffered); err != nil {
		return l, err
	}
	if err := buffered.Flush(); err != nil {
		return l, err
	}
	if err := compressor.Close(); err != nil {
		return l, err
	}
	return Layer{Digest: digestOf(out.hash), DiffID: digestOf(plain.hash), Size: out.n}, nil
}

// hashedWriter hashes and counts what is written.
type hashedWriter struct {
	w    io.Writer
	hash hash.Hash
	n    int64
}

func (h *hashedWriter) Write(p []byte) (int, error) {
	n, err := h.w.Write(p)
	h.hash.Write(p[:n])
	h.n += int64(n)
	return n, err
}

// digestOf is a finished hash as OCI writes it.
func digestOf(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }
