package image

import (
	"encoding/binary"
	"fmt"
	"io"
)

// Where GRUB's boot.img and core.img have what an installer fills in (grub/i386/pc/boot.h). A list of
// blocks ends the first sector of core.img, and its entry for the rest of the file is the last.
const (
	bootKernelSector = 0x5c  // of core.img, 8 bytes
	bootDriveCheck   = 0x66  // a jump that machines with a hard disk do not need
	bootCodeEnd      = 0x1b8 // where a disk's signature begins

	coreBlockStart   = sectorSize - 12 // 8 bytes
	coreBlockLength  = sectorSize - 4  // 2 bytes, in sectors
	coreBlockSegment = sectorSize - 2  // 2 bytes, where it is loaded
	coreSegment      = 0x820
)

// writeBIOSGRUB puts GRUB where a BIOS looks for it: boot.img into the first sector of the disk, and
// core.img, which that loads, into a partition of its own. It is what grub-bios-setup does on a disk
// with such a partition.
func writeBIOSGRUB(w io.WriterAt, p partition, boot, core []byte) error {
	if len(boot) != sectorSize {
		return fmt.Errorf("boot.img of GRUB has %d bytes, not %d", len(boot), sectorSize)
	}
	if len(core) <= sectorSize || int64(len(core)) > p.size {
		return fmt.Errorf("core.img of GRUB has %d bytes: want more than %d and at most the %d of its partition", len(core), sectorSize, p.size)
	}
	start := uint64(p.start / sectorSize)
	boot = append([]byte(nil), boot[:bootCodeEnd]...)
	binary.LittleEndian.PutUint64(boot[bootKernelSector:], start)
	copy(boot[bootDriveCheck:], []byte{0x90, 0x90}) // no operation

	padded := make([]byte, (len(core)+sectorSize-1)/sectorSize*sectorSize)
	copy(padded, core)
	binary.LittleEndian.PutUint64(padded[coreBlockStart:], start+1)
	binary.LittleEndian.PutUint16(padded[coreBlockLength:], uint16(len(padded)/sectorSize-1))
	binary.LittleEndian.PutUint16(padded[coreBlockSegment:], coreSegment)

	if _, err := w.WriteAt(padded, p.start); err != nil {
		return err
	}
	_, err := w.WriteAt(boot, 0)
	return err
}
