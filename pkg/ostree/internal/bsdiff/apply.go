package bsdiff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// ErrCorrupt is in the chain of every error about a patch that is damaged or
// does not belong to the file.
var ErrCorrupt = errors.New("corrupt patch")

// controlSize is the length of three numbers.
const controlSize = 24

// A Reader yields the new file while it applies a patch.
type Reader struct {
	old   io.ReaderAt
	patch []byte
	left  int64 // of the new file
	pos   int64 // in the old file
	diff  int64 // left of the current difference
	extra int64 // left of the current extra bytes
	seek  int64 // to be added to pos when both are done
}

// NewReader returns a reader of the file of the given size that patch makes of
// old. It reads old in the pieces in which it is read. What lies outside of old
// counts as zero, as for other readers of the format.
func NewReader(old io.ReaderAt, patch []byte, size int64) *Reader {
	return &Reader{old: old, patch: patch, left: size}
}

// Read implements io.Reader. The error at the end is io.EOF only if the patch
// ends where the file does.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.diff == 0 && r.extra == 0 {
		if r.left == 0 {
			return 0, r.end()
		}
		if err := r.control(); err != nil {
			return 0, err
		}
	}
	n := 0
	if r.diff > 0 {
		n = int(min(r.diff, int64(len(p))))
		if err := r.add(p[:n]); err != nil {
			return 0, err
		}
		r.diff -= int64(n)
	} else {
		n = int(min(r.extra, int64(len(p))))
		copy(p, r.patch[:n])
		r.extra -= int64(n)
	}
	r.patch = r.patch[n:]
	r.left -= int64(n)
	if r.diff == 0 && r.extra == 0 {
		r.pos += r.seek
	}
	return n, nil
}

func (r *Reader) end() error {
	if len(r.patch) > 0 {
		return fmt.Errorf("%w: %d bytes more than the file needs", ErrCorrupt, len(r.patch))
	}
	return io.EOF
}

// control reads the next three numbers and checks them against the patch and
// the size of the file.
func (r *Reader) control() error {
	if len(r.patch) < controlSize {
		return fmt.Errorf("%w: it ends %d bytes early", ErrCorrupt, r.left)
	}
	diff, extra, seek := number(r.patch), number(r.patch[8:]), number(r.patch[16:])
	r.patch = r.patch[controlSize:]
	if diff < 0 || extra < 0 || diff > r.left || extra > r.left-diff {
		return fmt.Errorf("%w: it adds %d and %d bytes to a file that lacks %d", ErrCorrupt, diff, extra, r.left)
	}
	if rest := int64(len(r.patch)); diff > rest || extra > rest-diff {
		return fmt.Errorf("%w: it adds %d and %d bytes and has %d", ErrCorrupt, diff, extra, rest)
	}
	const far = 1 << 61
	if pos := r.pos + diff; seek > far || seek < -far || pos+seek > far || pos+seek < -far {
		return fmt.Errorf("%w: it moves by %d bytes", ErrCorrupt, seek)
	}
	r.diff, r.extra, r.seek = diff, extra, seek
	if diff == 0 && extra == 0 {
		r.pos += seek
	}
	return nil
}

// add fills p with the sum of the difference and what the old file has at the
// current position.
func (r *Reader) add(p []byte) error {
	if err := r.readOld(p); err != nil {
		return err
	}
	addBytes(p, r.patch)
	r.pos += int64(len(p))
	return nil
}

func (r *Reader) readOld(p []byte) error {
	before := min(max(-r.pos, 0), int64(len(p)))
	clear(p[:before])
	rest := p[before:]
	if len(rest) == 0 {
		return nil
	}
	n, err := r.old.ReadAt(rest, r.pos+before)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	clear(rest[n:])
	return nil
}

// addBytes adds to each byte of dst that of src, eight at a time.
func addBytes(dst, src []byte) {
	const low = 0x7f7f7f7f7f7f7f7f
	src = src[:len(dst)]
	for len(dst) >= 8 {
		a, b := binary.LittleEndian.Uint64(dst), binary.LittleEndian.Uint64(src)
		if b != 0 {
			// The top bit of each byte is added apart, so that nothing is carried
			// into the next byte.
			binary.LittleEndian.PutUint64(dst, (a&low+b&low)^((a^b)&^low))
		}
		dst, src = dst[8:], src[8:]
	}
	for i := range dst {
		dst[i] += src[i]
	}
}

// number reads eight bytes: a magnitude in little-endian order, with the sign in
// the top bit.
func number(b []byte) int64 {
	n := binary.LittleEndian.Uint64(b)
	magnitude := int64(n &^ (1 << 63))
	if n>>63 != 0 {
		return -magnitude
	}
	return magnitude
}
