package oci

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// maxLayer bounds what one layer may unpack to, and any file in it: no system is
// larger, and what claims to be would fill a disk.
const maxLayer = 256 << 30

// maxName bounds the length of paths and of the targets of links, as Linux does.
const maxName = 4096

// errTooLarge is more than was announced, or than is permitted.
var errTooLarge = errors.New("too large")

// A layerReader reads the entries of a layer and compares it as a whole with its
// descriptor. Until finish has returned nothing of what was read can be trusted.
type layerReader struct {
	location Location
	layer    v1.Descriptor
	diffID   string

	blob    io.ReadCloser
	packed  *hashedReader
	plain   *hashedReader
	release func()
	tar     *tar.Reader
	entry   string // the name of the current one
}

func (i *Image) openLayer(ctx context.Context, n int) (*layerReader, error) {
	d := i.manifest.Layers[n]
	l := &layerReader{location: i.Location, layer: d, diffID: i.config.RootFS.DiffIDs[n].String()}
	blob, err := i.source.blob(ctx, d)
	if err != nil {
		return nil, l.fail(err)
	}
	if err := l.start(ctx, blob); err != nil {
		return nil, errors.Join(l.fail(err), blob.Close())
	}
	return l, nil
}

// start finds out how the layer is compressed. Media types are not asked: what is
// there counts.
func (l *layerReader) start(ctx context.Context, blob io.ReadCloser) error {
	l.blob, l.release = blob, func() {}
	l.packed = &hashedReader{ctx: ctx, r: blob, hash: sha256.New(), limit: l.layer.Size}
	in := bufio.NewReaderSize(l.packed, 256<<10)
	magic, err := in.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	var plain io.Reader = in
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if plain, err = gzip.NewReader(in); err != nil {
			return err
		}
	case bytes.Equal(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(128<<20), zstd.WithDecoderLowmem(true), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return err
		}
		plain, l.release = d, d.Close
	}
	l.plain = &hashedReader{ctx: ctx, r: plain, hash: sha256.New(), limit: maxLayer}
	l.tar = tar.NewReader(bufio.NewReaderSize(l.plain, 128<<10))
	return nil
}

// each hands over the entries one by one. Errors say where they belong.
func (l *layerReader) each(entry func(*tar.Header) error) error {
	for {
		h, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := entry(h); err != nil {
			return l.fail(err)
		}
	}
}

// next goes to the next entry, whose name is clean and inside the tree; io.EOF ends
// the layer.
func (l *layerReader) next() (*tar.Header, error) {
	for {
		l.entry = ""
		h, err := l.tar.Next()
		if errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, l.fail(err)
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		l.entry = h.Name
		if err := checkHeader(h); err != nil {
			return nil, l.fail(err)
		}
		return h, nil
	}
}

// checkHeader makes the name of an entry, and the target of a hard link, relative
// and clean.
func checkHeader(h *tar.Header) (err error) {
	if h.Size < 0 || h.Size > maxLayer {
		return fmt.Errorf("%w: %d bytes, the limit is %d", errTooLarge, h.Size, int64(maxLayer))
	}
	for _, id := range []int{h.Uid, h.Gid} {
		if id < 0 || int64(id) > 1<<32-2 {
			return fmt.Errorf("owner %d is out of range", id)
		}
	}
	if h.Name, err = cleanName(h.Name); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeLink:
		if h.Linkname, err = cleanName(h.Linkname); err != nil {
			return fmt.Errorf("hard link to %q: %w", h.Linkname, err)
		}
	case tar.TypeSymlink:
		if len(h.Linkname) == 0 || len(h.Linkname) > maxName {
			return fmt.Errorf("target of %d bytes", len(h.Linkname))
		}
	}
	return nil
}

// cleanName refuses names that lead out of a tree. The root is ".".
func cleanName(name string) (string, error) {
	switch {
	case name == "":
		return name, errors.New("empty name")
	case len(name) > maxName:
		return name, fmt.Errorf("name of %d bytes", len(name))
	case strings.HasPrefix(name, "/"):
		return name, errors.New("absolute name")
	case strings.IndexByte(name, 0) >= 0:
		return name, errors.New("name with a NUL")
	}
	for element := range strings.SplitSeq(name, "/") {
		if element == ".." {
			return name, errors.New("name with .. in it")
		}
	}
	return path.Clean(name), nil
}

// finish reads what is left and compares digests.
func (l *layerReader) finish() error {
	l.entry = ""
	if _, err := io.Copy(io.Discard, l.plain); err != nil {
		return l.fail(err)
	}
	if _, err := io.Copy(io.Discard, l.packed); err != nil {
		return l.fail(err)
	}
	if have := digestOf(l.packed.hash); have != l.layer.Digest.String() {
		return l.fail(&DigestError{Want: l.layer.Digest.String(), Have: have})
	}
	if have := digestOf(l.plain.hash); have != l.diffID {
		return l.fail(fmt.Errorf("unpacked: %w", &DigestError{Want: l.diffID, Have: have}))
	}
	return nil
}

func (l *layerReader) close() error {
	l.release()
	return l.blob.Close()
}

// fail says where an error is. One that says so already stays as it is.
func (l *layerReader) fail(err error) error {
	if _, ok := errors.AsType[*LayerError](err); ok {
		return err
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return &LayerError{Location: l.location, Layer: l.layer.Digest.String(), Entry: l.entry, Err: err}
}

// hashedReader hashes and counts what is read, up to a limit.
type hashedReader struct {
	ctx   context.Context //nolint:containedctx // lives as long as one layer is read
	r     io.Reader
	hash  hash.Hash
	n     int64
	limit int64
}

func (h *hashedReader) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := h.r.Read(p)
	h.hash.Write(p[:n])
	if h.n += int64(n); h.n > h.limit {
		return n, fmt.Errorf("%w: more than %d bytes", errTooLarge, h.limit)
	}
	return n, err
}
