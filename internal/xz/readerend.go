package xz

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"math"
	"slices"
)

// newSum returns the hash of a kind of check; nil for none.
func newSum(kind byte) hash.Hash {
	switch kind {
	case checkCRC32:
		return crc32.NewIEEE()
	case checkCRC64:
		return crc64.New(crc64.MakeTable(crc64.ECMA))
	case checkSHA256:
		return sha256.New()
	}
	return nil
}

// parseBlockHeader returns the size of the dictionary, and the lengths of the
// compressed data and the content if the header says them, else -1.
func parseBlockHeader(h []byte) (dict int64, claimed [2]int64, err error) {
	body := h[:len(h)-4]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(h[len(h)-4:]) {
		return 0, claimed, corrupt("header of a block with a wrong checksum")
	}
	flags, rest := body[1], body[2:]
	if flags&0x3f != 0 {
		return 0, claimed, corrupt("flags %#x of a block: only LZMA2 is known", flags)
	}
	for i := range claimed {
		if claimed[i] = -1; flags&(0x40<<i) == 0 {
			continue
		}
		var n uint64
		if n, rest, err = readNumber(rest); err != nil {
			return 0, claimed, err
		}
		if n > maxContent {
			return 0, claimed, corrupt("block of %d bytes", n)
		}
		claimed[i] = int64(n)
	}
	if len(rest) < 3 || rest[0] != filterLZMA2 || rest[1] != 1 || rest[2] > 40 {
		return 0, claimed, corrupt("filter of a block: only LZMA2 is known")
	}
	if !isZero(rest[3:]) {
		return 0, claimed, corrupt("padding that is not zero")
	}
	bits := rest[2]
	if bits == 40 {
		return math.MaxUint32, claimed, nil
	}
	return (2 | int64(bits&1)) << (bits/2 + 11), claimed, nil
}

// endOfBlock reads the byte that ends the chunks, padding and check.
func (z *Reader) endOfBlock() error {
	z.packed++
	z.chunks++
	padding := int(-z.packed & 3)
	tail, err := z.take(1 + padding + checkSize(z.check))
	if err != nil {
		return err
	}
	sum := tail[1+padding:]
	if !isZero(tail[:1+padding]) {
		return corrupt("padding that is not zero")
	}
	if z.sum != nil {
		have := z.sum.Sum(nil)
		if z.check != checkSHA256 {
			slices.Reverse(have) // they are written with the least byte first
		}
		if !bytes.Equal(have, sum) {
			return corrupt("content that does not have its checksum")
		}
	}
	if z.claimed[0] >= 0 && uint64(z.claimed[0]) != z.chunks || z.claimed[1] >= 0 && uint64(z.claimed[1]) != z.content {
		return corrupt("block of another length than it says")
	}
	z.blocks++
	z.record(z.packed+uint64(checkSize(z.check)), z.content)
	z.next = z.blockHeader
	return nil
}

// record adds a block to what the index must be.
func (z *Reader) record(size, content uint64) {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:], size)
	binary.LittleEndian.PutUint64(b[8:], content)
	z.records.Write(b[:])
}

// index reads the index, which must have the blocks that were there, and the
// footer.
func (z *Reader) index() error {
	r := indexReader{z: z, sum: crc32.NewIEEE()}
	want := z.records.Sum(nil)
	if r.byte() != 0 || r.number() != z.blocks {
		return r.failed("index of another number of blocks")
	}
	z.records.Reset()
	for range z.blocks {
		size, content := r.number(), r.number()
		if r.err != nil {
			return r.failed("")
		}
		z.record(size, content)
	}
	for r.err == nil && r.length%4 != 0 {
		if r.byte() != 0 {
			return r.failed("index with padding that is not zero")
		}
	}
	if r.err != nil || !bytes.Equal(z.records.Sum(nil), want) {
		return r.failed("index of other blocks")
	}
	tail, err := z.take(4 + footerSize)
	if err != nil {
		return err
	}
	sum, footer := tail[:4], tail[4:]
	switch {
	case r.sum.Sum32() != binary.LittleEndian.Uint32(sum):
		return corrupt("index with a wrong checksum")
	case string(footer[10:]) != footerMagic || crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer):
		return corrupt("no footer")
	case [2]byte(footer[8:10]) != z.flags:
		return corrupt("header and footer that disagree")
	case (uint64(binary.LittleEndian.Uint32(footer[4:]))+1)*4 != r.length+4:
		return corrupt("footer with another length of the index")
	}
	z.next = z.anotherStream
	return nil
}

// indexReader reads an index byte by byte and keeps the first error.
type indexReader struct {
	z      *Reader
	sum    hash.Hash32
	length uint64
	err    error
}

func (r *indexReader) byte() byte {
	if r.err != nil {
		return 0
	}
	b, err := r.z.take(1)
	if err != nil {
		r.err = err
		return 0
	}
	r.sum.Write(b)
	r.length++
	return b[0]
}

func (r *indexReader) number() uint64 {
	var text []byte
	for len(text) < 10 {
		b := r.byte()
		if text = append(text, b); b < 0x80 {
			break
		}
	}
	n, _, err := readNumber(text)
	if r.err == nil {
		r.err = err
	}
	return n
}

func (r *indexReader) failed(problem string) error {
	if r.err != nil {
		return r.err
	}
	return corrupt("%s", problem)
}
