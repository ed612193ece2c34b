package xz

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
)

// startBuffer is enough for many files.
const startBuffer = 1 << 16

// A DictionaryError says that a block wants a larger dictionary than is allowed.
type DictionaryError struct{ Limit int64 } // bytes

// Error names the limit.
func (e *DictionaryError) Error() string {
	return fmt.Sprintf("xz dictionary of more than %d bytes", e.Limit)
}

// Reader decompresses a file that may have several streams. It holds the last
// bytes of a block, as many as its dictionary says and the content has, and at
// most 4 MiB more: what a file claims costs nothing, what it unpacks to does.
type Reader struct {
	in      *bufio.Reader
	maxDict int64
	next    func() error // what follows in the file

	block   blockDecoder
	buffer  []byte
	read    int // buffer[read:out] is to be handed out
	out     int
	dict    int
	check   byte
	sum     hash.Hash // of the content of the block; nil for none
	flags   [2]byte
	packed  uint64   // length so far of the block, with its header
	chunks  uint64   // of that, of its compressed data
	content uint64   // length of what it holds
	claimed [2]int64 // lengths of compressed data and content, as the header says, or -1
	blocks  uint64
	records hash.Hash // of the blocks so far, as the index must have them
	err     error
}

// NewReader returns a reader of what r has. No dictionary may be larger than
// maxDict bytes. Errors about the data wrap [ErrCorrupt] or are a
// [*DictionaryError]; those of r are passed on.
func NewReader(r io.Reader, maxDict int64) *Reader {
	z := &Reader{in: bufio.NewReaderSize(r, 2*maxPacked), maxDict: maxDict}
	z.next = z.firstStream
	return z
}

// Read implements [io.Reader].
func (z *Reader) Read(p []byte) (int, error) {
	for z.read == z.out {
		if z.err != nil {
			return 0, z.err
		}
		if z.err = z.next(); errors.Is(z.err, io.ErrUnexpectedEOF) {
			z.err = corrupt("the file ends too early")
		}
	}
	n := copy(p, z.buffer[z.read:z.out])
	z.read += n
	return n, nil
}

// peek returns the next n bytes without passing them.
func (z *Reader) peek(n int) ([]byte, error) {
	b, err := z.in.Peek(n)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// take returns the next n bytes. They are valid until the next call.
func (z *Reader) take(n int) ([]byte, error) {
	b, err := z.peek(n)
	if err == nil {
		_, err = z.in.Discard(n)
	}
	return b, err
}

func (z *Reader) firstStream() error { return z.streamHeader() }

// anotherStream passes padding, and ends where the file does.
func (z *Reader) anotherStream() error {
	b, err := z.in.Peek(4)
	switch {
	case errors.Is(err, io.EOF) && len(b) == 0:
		return io.EOF
	case errors.Is(err, io.EOF):
		return corrupt("%d bytes behind the end", len(b))
	case err != nil:
		return err
	case binary.LittleEndian.Uint32(b) == 0:
		_, err = z.in.Discard(4)
		return err
	}
	return z.streamHeader()
}

func (z *Reader) streamHeader() error {
	h, err := z.take(headerSize)
	if err != nil {
		return err
	}
	flags := h[len(headerMagic):]
	switch {
	case string(h[:len(headerMagic)]) != headerMagic:
		return corrupt("no header")
	case crc32.ChecksumIEEE(flags[:2]) != binary.LittleEndian.Uint32(flags[2:]):
		return corrupt("header with a wrong checksum")
	case flags[0] != 0 || flags[1] > 15 || checkSize(flags[1]) < 0:
		return corrupt("check of kind %d, which is not known", flags[1])
	}
	z.flags = [2]byte(flags)
	z.check, z.sum = flags[1], newSum(flags[1])
	z.blocks, z.records = 0, sha256.New()
	z.next = z.blockHeader
	return nil
}

// blockHeader reads the header of a block, or finds the index instead.
func (z *Reader) blockHeader() error {
	first, err := z.peek(1)
	if err != nil {
		return err
	}
	if first[0] == 0 {
		z.next = z.index
		return nil
	}
	size := (int(first[0]) + 1) * 4
	h, err := z.take(size)
	if err != nil {
		return err
	}
	dict, claimed, err := parseBlockHeader(h)
	if err != nil {
		return err
	}
	if dict > z.maxDict {
		return &DictionaryError{z.maxDict}
	}
	z.dict, z.claimed = int(dict), claimed
	z.packed, z.chunks, z.content = uint64(size), 0, 0
	z.read, z.out = 0, 0
	z.block.begin()
	if z.sum != nil {
		z.sum.Reset()
	}
	z.next = z.chunk
	return nil
}

// chunk decompresses a chunk, or reads what follows the last one.
func (z *Reader) chunk() error {
	control, err := z.peek(1)
	if err != nil {
		return err
	}
	if control[0] == 0 {
		return z.endOfBlock()
	}
	head, err := z.peek(6) // more than that follows the shortest chunk
	if err != nil {
		return err
	}
	c, ok := readChunk(head)
	if !ok {
		return corrupt("chunk of kind %d", control[0])
	}
	src, err := z.take(c.header + c.packed)
	if err != nil {
		return err
	}
	z.room(c.unpacked)
	if !z.block.chunk(z.buffer, z.out, c, src[c.header:]) {
		return corrupt("chunk %d bytes into a block", z.content)
	}
	z.out += c.unpacked
	z.packed += uint64(len(src))
	z.chunks += uint64(len(src))
	z.content += uint64(c.unpacked)
	if z.sum != nil {
		z.sum.Write(z.buffer[z.read:z.out])
	}
	if z.claimed[1] >= 0 && z.content > uint64(z.claimed[1]) {
		z.out = z.read
		return corrupt("block with more content than it says")
	}
	return nil
}

// room makes the buffer large enough for n more bytes: longer, until it holds the
// dictionary and two chunks, and from then on by dropping what is behind the
// dictionary. All of it has been handed out.
func (z *Reader) room(n int) {
	if z.out+n <= len(z.buffer) {
		return
	}
	full := max(z.dict, startBuffer) + 2*maxUnpacked
	if z.out+n > full {
		z.drop(z.out - z.dict)
	}
	if size := z.out + n; size > len(z.buffer) {
		grown := make([]byte, min(full, max(size, 2*len(z.buffer), startBuffer)))
		copy(grown, z.buffer[:z.out])
		z.buffer = grown
	}
}

// drop drops about n bytes. The position within the dictionary chooses the models,
// so that it only changes by what does not matter to them.
func (z *Reader) drop(n int) {
	if n > z.block.start {
		n -= (n - z.block.start) % maxPosStates
	}
	copy(z.buffer, z.buffer[n:z.out])
	z.out -= n
	z.read = z.out
	z.block.start = max(0, z.block.start-n)
}
