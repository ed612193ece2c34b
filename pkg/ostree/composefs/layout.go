package composefs

import (
	"errors"
	"math"

	"golang.org/x/sys/unix"
)

const (
	blockBits   = 12
	superOffset = 1024
	superSize   = 128
	slotSize    = 32
	direntSize  = 12
)

// layout gives every inode its place. They follow one another from the end of the
// superblock, each on a slot, with gaps so that the data after an inode lie within
// one block.
func (b *image) layout() error {
	b.minTime()
	pos := uint64(superOffset + superSize)
	for _, i := range b.inodes {
		i.plan()
		i.compact = b.fitsCompact(i)
		start := pos
		pos = roundUp(pos, slotSize)
		pos += i.fit(pos)
		i.pad = uint32(pos - start)
		i.nid = pos / slotSize
		b.dataBlocks += uint64(i.blocks)
		pos += i.length()
	}
	b.inodesEnd = roundUp(pos, slotSize)
	b.dataStart = roundUp(b.inodesEnd+uint64(b.sharedSize), blockSize)
	if b.dataStart/blockSize+b.dataBlocks > math.MaxUint32 || uint64(len(b.inodes)) > math.MaxUint32 {
		return errors.New("composefs image: the tree is larger than an image can be")
	}
	return nil
}

// minTime finds the time that inodes have of which no other is written.
func (b *image) minTime() {
	first := b.inodes[0].node
	b.mtime, b.mtimeNS = first.MTime, first.MTimeNS
	for _, i := range b.inodes {
		n := i.node
		if n.MTime < b.mtime || n.MTime == b.mtime && n.MTimeNS < b.mtimeNS {
			b.mtime, b.mtimeNS = n.MTime, n.MTimeNS
		}
	}
}

// plan decides how much of the data goes into blocks and how much after the inode.
func (i *inode) plan() {
	switch {
	case i.kind() == unix.S_IFDIR:
		size := 0
		for _, e := range i.names {
			n := direntSize + len(e.name)
			if size+n > blockSize {
				i.blocks++
				size = 0
			}
			size += n
		}
		if size > blockSize/2 {
			i.blocks++
			size = 0
		}
		i.tail = uint32(size)
	case i.kind() == unix.S_IFLNK:
		i.tail = uint32(len(i.node.Payload))
	case i.chunked():
		_, chunks := chunking(i.size())
		i.tail = uint32(chunks) * 4
	}
}

func (i *inode) nlink() uint32 {
	if i.kind() == unix.S_IFDIR {
		return 2 + i.dirs
	}
	return 1
}

func (b *image) fitsCompact(i *inode) bool {
	n := i.node
	return n.MTime == b.mtime && n.MTimeNS == b.mtimeNS && i.nlink() <= math.MaxUint16 &&
		n.UID <= math.MaxUint16 && n.GID <= math.MaxUint16 && i.size() <= math.MaxUint32
}

// headLength is the size of the inode with its attributes.
func (i *inode) headLength() uint64 {
	if i.compact {
		return 32 + uint64(i.xattrs.size())
	}
	return 64 + uint64(i.xattrs.size())
}

func (i *inode) length() uint64 { return i.headLength() + uint64(i.tail) }

// fit returns how far behind pos the inode must begin. Data that cannot be
// brought into one block together move into a block of their own.
func (i *inode) fit(pos uint64) uint64 {
	if i.kind() == unix.S_IFLNK {
		return i.fitLink(pos)
	}
	tail := uint64(i.tail)
	rest := blockSize - (pos+i.headLength())%blockSize
	if rest >= tail {
		return 0
	}
	pad := roundUp(rest, slotSize)
	if tail <= blockSize-(pos+i.headLength()+pad)%blockSize {
		return pad
	}
	i.blocks++
	i.tail = 0
	return roundUp(pos, blockSize) - pos
}

// fitLink keeps the target in the block of the inode. It moves away only if both
// are too long for any block.
func (i *inode) fitLink(pos uint64) uint64 {
	total := i.length()
	if total >= blockSize {
		i.blocks++
		i.tail = 0
	}
	if pos/blockSize != (pos+total-1)/blockSize {
		return roundUp(pos, blockSize) - pos
	}
	return 0
}

func roundUp[T int | uint64](n, to T) T { return (n + to - 1) / to * to }
