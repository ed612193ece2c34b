package archive

import (
	"bufio"
	"compress/bzip2"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/apt-ostree/apt-ostree/internal/xz"
)

const (
	// maxText bounds an index that is read into memory, about ten times the largest one there is, and
	// maxIndex one that is only passed through and whose size the release does not list.
	maxText  = 768 << 20
	maxIndex = 16 << 30
	// maxGrow bounds the memory set aside before there is data to fill it.
	maxGrow = 256 << 20
	// maxWindow bounds the memory of the decoders.
	maxWindow = 128 << 20
)

// ReadIndex returns the text of a verified file that holds an index, and verifies the text against
// want. It reads no more than the size in want, and refuses what is larger than 768 MiB.
func ReadIndex(file, compression string, want Checksums) (string, error) {
	if want.Size > maxText {
		return "", fmt.Errorf("%s: an index of %d bytes is more than the %d that are read", file, want.Size, int64(maxText))
	}
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	unpacked, err := decompress(f, compression)
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	defer unpacked.Close()
	limit := want.Size
	if limit < 0 {
		limit = maxText
	}
	var text strings.Builder
	text.Grow(int(min(max(want.Size, 0), maxGrow)))
	sum := newHasherFor(want)
	n, err := io.Copy(io.MultiWriter(&text, sum), io.LimitReader(unpacked, limit+1))
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	if n > limit {
		return "", fmt.Errorf("%s: unpacks to more than the %d bytes it should", file, limit)
	}
	return text.String(), sum.check(file, n, want)
}

func decompress(r io.Reader, compression string) (io.ReadCloser, error) {
	in := bufio.NewReaderSize(r, 256<<10)
	switch compression {
	case "":
		return io.NopCloser(in), nil
	case ".gz":
		return gzip.NewReader(in)
	case ".bz2":
		return io.NopCloser(bzip2.NewReader(in)), nil
	case ".xz":
		return io.NopCloser(xz.NewReader(in, maxWindow)), nil
	case ".zst":
		d, err := zstd.NewReader(in, zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	default:
		return nil, fmt.Errorf("unknown compression %q", compression)
	}
}
