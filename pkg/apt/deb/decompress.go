package deb

import (
	"bufio"
	"errors"
	"io"
	"io/fs"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// readBuffer is the size of reads from the package file.
const readBuffer = 64 << 10

// supported reports whether decompress knows the file name suffix.
func supported(suffix string) bool {
	switch suffix {
	case "", ".gz", ".xz", ".zst":
		return true
	}
	return false
}

// decompress returns the unpacked content of packed bytes whose file name ends in suffix. At most
// about window bytes of memory are used. The caller closes it.
func decompress(suffix string, packed io.Reader, window int64) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(packed, readBuffer)
	switch suffix {
	case ".gz":
		return gzip.NewReader(in)
	case ".xz":
		return io.NopCloser(xz.NewReader(in, window)), nil
	case ".zst":
		d, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxWindow(uint64(window)), zstd.WithDecoderMaxMemory(uint64(2*window)))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(in), nil
}

// open returns the unpacked content of the member, limited to size bytes.
func (m member) open(l Limits, size int64) (io.ReadCloser, error) {
	packed := io.NewSectionReader(m.content, 0, m.content.Size())
	d, err := decompress(m.compression, packed, l.Window)
	if err != nil {
		return nil, asFormat(err)
	}
	return &stream{l.bound(d, m.name, packed.Size(), size), d}, nil
}

// stream is an unpacked member.
type stream struct {
	io.Reader
	io.Closer
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = asFormat(err)
	}
	return n, err
}

// asFormat marks what a decoder reports as [ErrFormat]. Errors of reading the file stay as they are.
func asFormat(err error) error {
	var reading *fs.PathError
	if errors.As(err, &reading) || errors.Is(err, ErrFormat) {
		return err
	}
	if dictionary, ok := errors.AsType[*xz.DictionaryError](err); ok {
		return &LimitError{What: "xz dictionary size in bytes", Limit: dictionary.Limit}
	}
	return malformed("%v", err)
}
