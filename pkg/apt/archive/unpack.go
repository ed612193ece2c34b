package archive

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/internal/xz"
)

const (
	// maxText bounds an index that is read into memory, about ten times the largest one there is, and
	// maxIndex one that is only passed through and whose size the release does not list.
	maxText  = 768 << 20
	maxIndex = 16 << 30
	// pieceSize is how much of an index is read at once: enough to be worth a goroutine.
	pieceSize = 2 << 20
	// maxWindow bounds the memory of the decoders.
	maxWindow = 128 << 20
)

// ReadIndex hands the text of a verified file that holds an index to piece, in parts that end where a paragraph
// does, one call at a time, and verifies the text against want. What piece got only counts if ReadIndex returns
// no error. It reads no more than the size in want, and refuses what is larger than 768 MiB. While piece works,
// more is unpacked.
func ReadIndex(ctx context.Context, file, compression string, want Checksums, piece func(text string) error) error {
	if want.Size > maxText {
		return fmt.Errorf("%s: an index of %d bytes is more than the %d that are read", file, want.Size, int64(maxText))
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	unpacked, err := decompress(f, compression)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	defer unpacked.Close()
	limit := want.Size
	if limit < 0 {
		limit = maxText
	}
	cut := &cutter{r: io.LimitReader(unpacked, limit+1), size: int(min(pieceSize, limit+1)), pieces: make(chan []byte, 1), free: make(chan []byte, 2)}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		if err := cut.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	})
	sum, n := newHasherFor(want), int64(0)
	group.Go(func() error {
		for text := range cut.pieces {
			if n += int64(len(text)); n > limit {
				return fmt.Errorf("%s: unpacks to more than the %d bytes it should", file, limit)
			}
			if _, err := sum.Write(text); err != nil {
				return err
			}
			if err := piece(string(text)); err != nil {
				return err
			}
			cut.giveBack(text)
		}
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return sum.check(file, n, want)
}

// emptyLine ends a paragraph.
var emptyLine = []byte("\n\n")

// cutter reads a text in pieces of about size bytes that end with an empty line, except the last one.
type cutter struct {
	r      io.Reader
	size   int
	pieces chan []byte
	free   chan []byte // pieces that are not needed any more
}

// run closes pieces at the end.
func (c *cutter) run(ctx context.Context) error {
	defer close(c.pieces)
	text, searched := c.buffer(), 0
	for {
		if len(text) == cap(text) { // there is no empty line in it
			text = slices.Grow(text, c.size)
		}
		n, err := c.r.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case err == io.EOF: // not one that is wrapped: that is a file which ends too early
			return c.send(ctx, text)
		case err != nil:
			return err
		case len(text) < cap(text):
			continue
		}
		end := bytes.LastIndex(text[searched:], emptyLine)
		if end < 0 {
			searched = len(text) - 1
			continue
		}
		end += searched + len(emptyLine)
		next := append(c.buffer(), text[end:]...)
		if err := c.send(ctx, text[:end]); err != nil {
			return err
		}
		text, searched = next, 0
	}
}

func (c *cutter) send(ctx context.Context, text []byte) error {
	select {
	case c.pieces <- text:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *cutter) buffer() []byte {
	select {
	case b := <-c.free:
		return b[:0]
	default:
		return make([]byte, 0, c.size)
	}
}

func (c *cutter) giveBack(b []byte) {
	select {
	case c.free <- b:
	default:
	}
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
