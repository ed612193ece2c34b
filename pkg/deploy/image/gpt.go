package image

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"unicode/utf16"
)

const (
	sectorSize = 512
	mebibyte   = 1 << 20

	// The table of the UEFI specification: 128 entries of 128 bytes, after the header at the start of
	// the disk and before its copy at the end.
	gptEntries     = 128
	gptEntrySize   = 128
	gptTableSize   = gptEntries * gptEntrySize
	gptHeaderSize  = 92
	gptTableBlocks = gptTableSize / sectorSize
)

// partition is a range of a disk, in bytes from its start.
type partition struct {
	name        string
	kind        guid
	start, size int64
}

func (p partition) lastBlock() uint64 { return uint64((p.start+p.size)/sectorSize) - 1 }

// The types of partitions. Those of root file systems are from the Discoverable Partitions
// Specification.
var (
	kindBIOSBoot = mustGUID("21686148-6449-6e6f-744e-656564454649")
	kindESP      = mustGUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
	kindRootX64  = mustGUID("4f68bce3-e8cd-4db1-96e7-fbcaf984b709")
)

// writeTable writes a GUID partition table with both its copies and the protective MBR, which keeps
// the code that a boot loader has in the first 440 bytes. The identifiers in it are made from disk.
func writeTable(w io.WriterAt, size int64, disk guid, parts []partition) error {
	blocks := uint64(size / sectorSize)
	table := make([]byte, gptTableSize)
	for i, p := range parts {
		e := table[i*gptEntrySize:]
		copy(e, p.kind.disk())
		copy(e[16:], disk.derive(byte(i+1)).disk())
		binary.LittleEndian.PutUint64(e[32:], uint64(p.start/sectorSize))
		binary.LittleEndian.PutUint64(e[40:], p.lastBlock())
		for j, unit := range utf16.Encode([]rune(p.name)) {
			binary.LittleEndian.PutUint16(e[56+2*j:], unit)
		}
	}
	first := gptHeader(table, disk, blocks, 1, blocks-1, 2)
	second := gptHeader(table, disk, blocks, blocks-1, 1, blocks-1-gptTableBlocks)
	for _, piece := range []struct {
		block uint64
		skip  int64
		data  []byte
	}{
		{0, mbrTable, protectiveMBR(blocks)[mbrTable:]},
		{1, 0, first},
		{2, 0, table},
		{blocks - 1 - gptTableBlocks, 0, table},
		{blocks - 1, 0, second},
	} {
		if _, err := w.WriteAt(piece.data, int64(piece.block)*sectorSize+piece.skip); err != nil {
			return err
		}
	}
	return nil
}

// gptHeader makes the header at one block, of which the copy is at another.
func gptHeader(table []byte, disk guid, blocks, at, other, tableAt uint64) []byte {
	h := make([]byte, sectorSize)
	copy(h, "EFI PART")
	le := binary.LittleEndian
	le.PutUint32(h[8:], 0x10000) // revision 1.0
	le.PutUint32(h[12:], gptHeaderSize)
	le.PutUint64(h[24:], at)
	le.PutUint64(h[32:], other)
	le.PutUint64(h[40:], 2+gptTableBlocks)        // first block for partitions
	le.PutUint64(h[48:], blocks-2-gptTableBlocks) // last
	copy(h[56:], disk.disk())
	le.PutUint64(h[72:], tableAt)
	le.PutUint32(h[80:], gptEntries)
	le.PutUint32(h[84:], gptEntrySize)
	le.PutUint32(h[88:], crc32.ChecksumIEEE(table))
	le.PutUint32(h[16:], crc32.ChecksumIEEE(h[:gptHeaderSize]))
	return h
}

// mbrTable is where the partition table of a master boot record begins, after the code and the disk
// signature.
const mbrTable = 446

// protectiveMBR tells programs that know no GPT that the whole disk is in use.
func protectiveMBR(blocks uint64) []byte {
	mbr := make([]byte, sectorSize)
	e := mbr[mbrTable:]
	copy(e, []byte{0, 0x00, 0x02, 0x00, 0xee, 0xff, 0xff, 0xff})
	binary.LittleEndian.PutUint32(e[8:], 1)
	binary.LittleEndian.PutUint32(e[12:], uint32(min(blocks-1, 0xffffffff)))
	mbr[510], mbr[511] = 0x55, 0xaa
	return mbr
}
