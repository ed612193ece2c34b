// Package xz reads and writes files in the .xz format with LZMA2, as static deltas
// and Debian packages use it. [Decode] and [Encode] work on one stream in memory;
// [Reader] decompresses what is too large for that.
//
// The format is described in "The .xz File Format" of the XZ Utils.
package xz

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// ErrCorrupt is in the chain of every error about data that are not a valid file.
var ErrCorrupt = errors.New("corrupt xz data")

const (
	headerMagic = "\xfd7zXZ\x00"
	footerMagic = "YZ"
	headerSize  = 12
	footerSize  = 12
)

func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCorrupt, fmt.Sprintf(format, args...))
}

// Size returns how many bytes a file holds when it is decompressed, as its index
// says.
func Size(src []byte) (uint64, error) {
	blocks, _, err := readIndex(src)
	if err != nil {
		return 0, err
	}
	var total uint64
	for _, b := range blocks {
		total += b.content
	}
	return total, nil
}

// A record is an entry of the index: one block.
type record struct {
	size    uint64 // without padding
	content uint64 // decompressed
}

// maxContent bounds what an index may claim: far more than fits a machine, and
// few enough to add up.
const maxContent = 1 << 48

// readIndex finds the index in front of the footer, reads it and returns also its
// length.
func readIndex(src []byte) ([]record, int, error) {
	if len(src) < headerSize+footerSize || string(src[:len(headerMagic)]) != headerMagic {
		return nil, 0, corrupt("no header")
	}
	footer := src[len(src)-footerSize:]
	if string(footer[10:]) != footerMagic || crc32.ChecksumIEEE(footer[4:10]) != binary.LittleEndian.Uint32(footer) {
		return nil, 0, corrupt("no footer")
	}
	size := (uint64(binary.LittleEndian.Uint32(footer[4:])) + 1) * 4
	if size > uint64(len(src)-headerSize-footerSize) || size < 8 {
		return nil, 0, corrupt("index of %d bytes", size)
	}
	index := src[uint64(len(src)-footerSize)-size : len(src)-footerSize]
	body, sum := index[:len(index)-4], index[len(index)-4:]
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(sum) || body[0] != 0 {
		return nil, 0, corrupt("index with a wrong checksum")
	}
	records, err := parseIndex(body[1:])
	return records, int(size), err
}

func parseIndex(body []byte) ([]record, error) {
	count, body, err := readNumber(body)
	if err != nil {
		return nil, err
	}
	if count > uint64(len(body))/2 {
		return nil, corrupt("index of %d blocks", count)
	}
	records := make([]record, count)
	var total uint64
	for i := range records {
		r := &records[i]
		if r.size, body, err = readNumber(body); err != nil {
			return nil, err
		}
		if r.content, body, err = readNumber(body); err != nil {
			return nil, err
		}
		if total += r.content; r.content > maxContent || total > maxContent {
			return nil, corrupt("index of %d bytes of content", total)
		}
	}
	if len(body) > 3 || !isZero(body) {
		return nil, corrupt("index with %d bytes too many", len(body))
	}
	return records, nil
}

// readNumber reads a number of seven bits per byte, least significant first.
func readNumber(b []byte) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || size > 9 || size > 1 && b[size-1] == 0 {
		return 0, nil, corrupt("not a number")
	}
	return n, b[size:], nil
}
