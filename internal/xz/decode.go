package xz

import (
	"crypto/sha256"
	"encoding/binary"
	"hash/crc32"
	"hash/crc64"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// Kinds of checks of the content of a block.
const (
	checkNone   = 0
	checkCRC32  = 1
	checkCRC64  = 4
	checkSHA256 = 10
)

// filterLZMA2 is the number of the only filter that is known.
const filterLZMA2 = 0x21

// A block is where a block lies and where its content goes.
type block struct {
	dst, src []byte
	padding  int // bytes between what is compressed and the check
	check    byte
}

// Decode decompresses a file. The length of dst must be what [Size] says. Blocks
// are decompressed at the same time. Beside dst little memory is used, whatever
// the file says about the dictionary that it needs.
func Decode(dst, src []byte) error {
	records, index, err := readIndex(src)
	if err != nil {
		return err
	}
	check, err := readStreamFlags(src)
	if err != nil {
		return err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	src = src[headerSize : len(src)-footerSize]
	for _, r := range records {
		padded := (r.size + 3) &^ 3
		if r.size == 0 || padded > uint64(len(src)) || r.content > uint64(len(dst)) {
			return corrupt("index with a block of %d bytes", r.size)
		}
		b := block{dst: dst[:r.content], src: src[:padded], padding: int(padded - r.size), check: check}
		src, dst = src[padded:], dst[r.content:]
		group.Go(b.decode)
	}
	if err := group.Wait(); err != nil {
		return err
	}
	if len(dst) > 0 || len(src) != index {
		return corrupt("bytes between blocks and index")
	}
	return nil
}

// readStreamFlags reads the kind of check from header and footer.
func readStreamFlags(src []byte) (byte, error) {
	flags := src[len(headerMagic):headerSize]
	if crc32.ChecksumIEEE(flags[:2]) != binary.LittleEndian.Uint32(flags[2:]) {
		return 0, corrupt("header with a wrong checksum")
	}
	footer := src[len(src)-footerSize:]
	if flags[0] != 0 || flags[1] > 15 || string(footer[8:10]) != string(flags[:2]) {
		return 0, corrupt("header and footer that disagree")
	}
	if checkSize(flags[1]) < 0 {
		return 0, corrupt("check of kind %d, which is not known", flags[1])
	}
	return flags[1], nil
}

// checkSize is the length of a check, or -1 if it is not known.
func checkSize(kind byte) int {
	switch kind {
	case checkNone:
		return 0
	case checkCRC32:
		return 4
	case checkCRC64:
		return 8
	case checkSHA256:
		return 32
	}
	return -1
}

func (b block) decode() error {
	header, err := b.header()
	if err != nil {
		return err
	}
	sum := len(b.src) - checkSize(b.check)
	end := sum - b.padding
	if end < header {
		return corrupt("block that is too short")
	}
	n, err := decodeLZMA2(b.dst, b.src[header:end])
	if err != nil {
		return err
	}
	if n != end-header || !isZero(b.src[end:sum]) {
		return corrupt("bytes behind the end of a block")
	}
	if !b.verify(b.src[sum:]) {
		return corrupt("content that does not have its checksum")
	}
	return nil
}

// header checks the header of the block and returns its length.
func (b block) header() (int, error) {
	size := (int(b.src[0]) + 1) * 4
	if b.src[0] == 0 || size > len(b.src) {
		return 0, corrupt("header of a block of %d bytes", size)
	}
	h := b.src[:size-4]
	if crc32.ChecksumIEEE(h) != binary.LittleEndian.Uint32(b.src[size-4:]) {
		return 0, corrupt("header of a block with a wrong checksum")
	}
	flags, h := h[1], h[2:]
	if flags&0x3f != 0 {
		return 0, corrupt("flags %#x of a block: only LZMA2 is known", flags)
	}
	// Sizes are in the index as well; here they only have to agree.
	for _, known := range []struct {
		bit  byte
		size uint64
	}{{0x40, uint64(len(b.src) - size - b.padding - checkSize(b.check))}, {0x80, uint64(len(b.dst))}} {
		if flags&known.bit == 0 {
			continue
		}
		n, rest, err := readNumber(h)
		if err != nil {
			return 0, err
		}
		if n != known.size {
			return 0, corrupt("block and index that disagree")
		}
		h = rest
	}
	if len(h) < 3 || h[0] != filterLZMA2 || h[1] != 1 || h[2] > 40 {
		return 0, corrupt("filter of a block: only LZMA2 is known")
	}
	if !isZero(h[3:]) {
		return 0, corrupt("padding that is not zero")
	}
	return size, nil
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

func (b block) verify(sum []byte) bool {
	switch b.check {
	case checkCRC32:
		return crc32.ChecksumIEEE(b.dst) == binary.LittleEndian.Uint32(sum)
	case checkCRC64:
		return crc64.Checksum(b.dst, crc64.MakeTable(crc64.ECMA)) == binary.LittleEndian.Uint64(sum)
	case checkSHA256:
		return sha256.Sum256(b.dst) == [32]byte(sum)
	}
	return true
}
