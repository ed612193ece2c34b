package composefs

import (
	"bytes"
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// appendTail appends the data that follow the inode.
func (i *inode) appendTail(p []byte) []byte {
	switch {
	case i.tail == 0:
		return p
	case i.kind() == unix.S_IFDIR:
		groups := i.groups()
		return appendDirents(p, groups[len(groups)-1])
	case i.kind() == unix.S_IFLNK:
		return append(p, i.node.Payload...)
	}
	return appendNoChunks(p, int(i.tail)/4)
}

// appendBlocks appends the data that are in blocks.
func (i *inode) appendBlocks(p []byte) []byte {
	switch {
	case i.blocks == 0:
		return p
	case i.kind() == unix.S_IFDIR:
		for _, group := range i.groups()[:i.blocks] {
			p = appendDirents(p, group)
			p = appendZeros(p, -len(p)&(blockSize-1))
		}
		return p
	case i.kind() == unix.S_IFLNK:
		p = append(p, i.node.Payload...)
		return appendZeros(p, blockSize-len(i.node.Payload))
	}
	return appendNoChunks(p, maxChunks)
}

// appendNoChunks appends the addresses of chunks that are not in the image.
func appendNoChunks(p []byte, n int) []byte {
	return append(p, bytes.Repeat([]byte{0xff}, 4*n)...)
}

func appendZeros(p []byte, n int) []byte { return append(p, make([]byte, n)...) }

// groups splits the entries of a directory into those that share a block.
func (i *inode) groups() [][]dirent {
	var groups [][]dirent
	first, size := 0, 0
	for at, e := range i.names {
		n := direntSize + len(e.name)
		if size+n > blockSize {
			groups = append(groups, i.names[first:at])
			first, size = at, 0
		}
		size += n
	}
	return append(groups, i.names[first:])
}

func appendDirents(p []byte, group []dirent) []byte {
	le := binary.LittleEndian
	offset := len(group) * direntSize
	for _, e := range group {
		p = le.AppendUint64(p, e.inode.nid)
		p = le.AppendUint16(p, uint16(offset))
		p = append(p, fileType(e.inode.kind()), 0)
		offset += len(e.name)
	}
	for _, e := range group {
		p = append(p, e.name...)
	}
	return p
}

func fileType(kind uint32) byte {
	switch kind {
	case unix.S_IFREG:
		return 1
	case unix.S_IFDIR:
		return 2
	case unix.S_IFCHR:
		return 3
	case unix.S_IFBLK:
		return 4
	case unix.S_IFIFO:
		return 5
	case unix.S_IFSOCK:
		return 6
	}
	return 7 // symbolic link
}
