// Package xzguard keeps a decoder of xz files from allocating what it should not:
// it allocates the dictionary of a block at once, up to 4 GiB for 24 bytes of
// input.
package xzguard

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A DictionaryError says that a dictionary is too large, or that all together
// are out of proportion to the length of the file.
type DictionaryError struct {
	Limit int64 // bytes, or bytes for each packed byte if All
	All   bool
}

// Error implements error.
func (e *DictionaryError) Error() string {
	if e.All {
		return fmt.Sprintf("xz dictionaries take more than %d bytes for each packed byte", e.Limit)
	}
	return fmt.Sprintf("xz dictionary of more than %d bytes", e.Limit)
}

// Guard passes an xz file through and fails before the decoder can see a block
// whose dictionary is too large. It follows the structure of the .xz file format
// 1.1.0 but checks nothing else; broken input is the decoder's to report.
type Guard struct {
	r      io.Reader
	window int64 // the largest dictionary
	passed int64 // bytes
	spent  int64 // by all dictionaries

	next   func([]byte) error // called with the next want bytes, nil once nothing is to be checked
	want   int
	have   []byte
	skip   int64 // bytes to pass before
	check  int64 // size of the integrity check after each block
	packed int64 // length so far of the LZMA2 data of the block, or of the index
	fields uint64
	number uint64 // varint of the index being read
	shift  uint
}

const (
	filterLZMA2 = 0x21
	// dictionaryFree and dictionaryRatio bound the allocations for many small blocks.
	dictionaryFree  = 1 << 30
	dictionaryRatio = 64
)

// New guards the xz file that a reader yields. No dictionary may be larger than
// window bytes.
func New(r io.Reader, window int64) *Guard {
	g := &Guard{r: r, window: window}
	g.expect(4, g.streamMagic)
	return g
}

// Read implements io.Reader.
func (g *Guard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	g.passed += int64(n)
	if failed := g.feed(p[:n]); failed != nil {
		return 0, failed
	}
	return n, err
}

// feed follows the structure through data.
func (g *Guard) feed(data []byte) error {
	for len(data) > 0 && g.next != nil {
		if g.skip > 0 {
			n := min(g.skip, int64(len(data)))
			g.skip -= n
			data = data[n:]
			continue
		}
		n := min(g.want-len(g.have), len(data))
		g.have = append(g.have, data[:n]...)
		data = data[n:]
		if len(g.have) < g.want {
			return nil
		}
		have := g.have
		g.have = g.have[:0]
		if err := g.next(have); err != nil {
			return err
		}
	}
	return nil
}

// expect makes next the reader of the following n bytes.
func (g *Guard) expect(n int, next func([]byte) error) { g.want, g.next = n, next }

// streamMagic reads the first four bytes of a stream or of the padding before it.
func (g *Guard) streamMagic(b []byte) error {
	if binary.LittleEndian.Uint32(b) != 0 {
		g.expect(8, g.streamHeader)
	}
	return nil
}

// streamHeader reads the rest of the stream header: magic, flags, checksum.
func (g *Guard) streamHeader(b []byte) error {
	sizes := [16]int64{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}
	g.check = sizes[b[3]&0xf]
	g.expect(1, g.blockSize)
	return nil
}

// blockSize reads the size of the block header, or the zero that begins the index.
func (g *Guard) blockSize(b []byte) error {
	if b[0] == 0 {
		g.packed, g.fields, g.number, g.shift = 1, 0, 0, 0
		g.expect(1, g.indexCount)
		return nil
	}
	g.expect(int(b[0])*4+3, g.blockHeader)
	return nil
}

// blockHeader finds the dictionary size in the filter flags.
func (g *Guard) blockHeader(b []byte) error {
	flags, rest := b[0], b[1:]
	var id, n uint64
	ok := true
	for _, present := range []bool{flags&0x40 != 0, flags&0x80 != 0} {
		if present && ok {
			_, rest, ok = varint(rest)
		}
	}
	for range flags&3 + 1 {
		if ok {
			id, rest, ok = varint(rest)
		}
		if ok {
			n, rest, ok = varint(rest)
		}
		if !ok || n > uint64(len(rest)) {
			g.next = nil // broken, and so refused by the decoder
			return nil
		}
		if id == filterLZMA2 && n == 1 {
			if err := g.spend(rest[0] & 0x3f); err != nil {
				return err
			}
		}
		rest = rest[n:]
	}
	g.packed = 0
	g.expect(1, g.chunk)
	return nil
}

// spend accounts for a dictionary of the encoded size.
func (g *Guard) spend(bits byte) error {
	size := (2 | int64(bits&1)) << (bits/2 + 11)
	if bits > 40 || size > g.window {
		return &DictionaryError{Limit: g.window}
	}
	if g.spent += size; g.spent > dictionaryFree+dictionaryRatio*g.passed {
		return &DictionaryError{Limit: dictionaryRatio, All: true}
	}
	return nil
}

// chunk reads the control byte of an LZMA2 chunk.
func (g *Guard) chunk(b []byte) error {
	g.packed++
	switch control := b[0]; {
	case control == 0:
		g.skip = -g.packed&3 + g.check
		g.expect(1, g.blockSize)
	case control < 3:
		g.expect(2, g.rawChunk)
	case control >= 0xc0:
		g.expect(5, g.lzmaChunk)
	case control >= 0x80:
		g.expect(4, g.lzmaChunk)
	default:
		g.next = nil
	}
	return nil
}

// rawChunk reads the size of an uncompressed chunk.
func (g *Guard) rawChunk(b []byte) error {
	g.pass(len(b), binary.BigEndian.Uint16(b))
	return nil
}

// lzmaChunk reads the sizes, and the properties if they are there, of a compressed chunk.
func (g *Guard) lzmaChunk(b []byte) error {
	g.pass(len(b), binary.BigEndian.Uint16(b[2:]))
	return nil
}

// pass skips the content of a chunk whose header had the given length after the control byte.
func (g *Guard) pass(header int, size uint16) {
	g.skip = int64(size) + 1
	g.packed += int64(header) + g.skip
	g.expect(1, g.chunk)
}

// indexCount reads a byte of the number of records, each of which has two fields.
func (g *Guard) indexCount(b []byte) error {
	if g.indexByte(b[0]) {
		g.fields, g.number, g.shift = 2*g.number, 0, 0
		g.expect(1, g.indexField)
		g.endOfIndex()
	}
	return nil
}

// indexField reads a byte of a field.
func (g *Guard) indexField(b []byte) error {
	if g.indexByte(b[0]) {
		g.fields--
		g.number, g.shift = 0, 0
		g.endOfIndex()
	}
	return nil
}

// indexByte adds a byte to the current number and reports whether it was its last.
func (g *Guard) indexByte(b byte) bool {
	g.packed++
	if g.shift > 56 {
		g.next = nil
		return false
	}
	g.number |= uint64(b&0x7f) << g.shift
	g.shift += 7
	return b < 0x80
}

// endOfIndex skips padding, checksum and stream footer after the last field.
func (g *Guard) endOfIndex() {
	if g.fields == 0 {
		g.skip = -g.packed&3 + 4 + 12
		g.expect(4, g.streamMagic)
	}
}

// varint decodes a multibyte integer.
func varint(b []byte) (uint64, []byte, bool) {
	var v uint64
	for i := range min(len(b), 9) {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}
