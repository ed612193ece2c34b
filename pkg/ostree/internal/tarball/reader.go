package tarball

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/apt-ostree/apt-ostree/internal/xz"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/cpio"
)

// ErrUnknown says that a stream begins like no archive that this package reads.
var ErrUnknown = errors.New("unrecognized archive format; known are tar and cpio (newc, odc), plain or compressed by gzip, bzip2, xz or zstd")

// A Reader reads the entries of an archive.
type Reader struct {
	format
	close func()
}

type format interface {
	next() (*Entry, error)
	io.Reader // the content of the current entry
}

// block is the size of a block of a tar archive.
const block = 512

// NewReader finds out what a stream is. One that is empty is an archive of
// nothing. The caller must Close it.
func NewReader(r io.Reader) (*Reader, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	plain, closer, err := decompress(in)
	if err != nil {
		return nil, err
	}
	out := &Reader{close: closer}
	buffered := bufio.NewReaderSize(plain, 64<<10)
	start, err := buffered.Peek(block)
	switch {
	case err != nil && !errors.Is(err, io.EOF):
	case cpio.HasMagic(start):
		out.format = newCPIOReader(buffered)
		return out, nil
	case len(start) == 0 || len(start) == block && isTar(start):
		out.format = &tarReader{tar.NewReader(buffered)}
		return out, nil
	default:
		err = ErrUnknown
	}
	out.Close()
	return nil, err
}

// Next goes to the next entry; the error is io.EOF at the end.
func (r *Reader) Next() (*Entry, error) { return r.next() }

// Close ends the decompression. It does not close the stream.
func (r *Reader) Close() { r.close() }

// isTar tells whether a block is the header of an entry, or zeros that end an
// archive.
func isTar(b []byte) bool {
	if bytes.Count(b, []byte{0}) == len(b) {
		return true
	}
	_, err := tar.NewReader(bytes.NewReader(b)).Next()
	// The header is right if what is missing comes after it.
	return err == nil || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)
}

// maxWindow bounds what a decompressor may keep in memory; xz -9 wants 64 MiB,
// zstd --ultra -22 128 MiB.
const maxWindow = 128 << 20

// decompress returns the content of a stream that may be compressed.
func decompress(in *bufio.Reader) (io.Reader, func(), error) {
	nothing := func() {}
	start, err := in.Peek(6)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nothing, err
	}
	var r io.Reader
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		r, err = gzip.NewReader(in)
	case bytes.HasPrefix(start, []byte("BZh")):
		return bzip2.NewReader(in), nothing, nil
	case bytes.HasPrefix(start, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return xz.NewReader(in, maxWindow), nothing, nil
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, nothing, fmt.Errorf("decompress: %w", err)
		}
		return d, d.Close, nil
	default:
		return in, nothing, nil
	}
	if err != nil {
		return nil, nothing, fmt.Errorf("decompress: %w", err)
	}
	return r, nothing, nil
}
