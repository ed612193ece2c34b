package composefs

import (
	"bufio"
	"encoding/binary"
	"io"
	"slices"

	"golang.org/x/sys/unix"
)

// Options are choices about an image. The zero value is what libostree chooses.
type Options struct {
	// MinVersion is the version of the format, 0 or 1. Version 0 becomes 1 where a
	// tree has whiteouts.
	MinVersion int
}

// Write writes the image of a tree and returns its fs-verity digest. The tree is
// not changed, and the root's name does not matter. What cannot be in an image
// gives a [*NodeError] before anything is written. Every node is a file of its own:
// there are no hard links, and the same node in two places is two files. It must not
// be below itself.
//
// It needs memory in proportion to the number of nodes.
func Write(w io.Writer, root *Node, o Options) (Digest, error) {
	b := &image{version: min(max(o.MinVersion, 0), 1)}
	if err := b.build(root); err != nil {
		return Digest{}, err
	}
	b.shareXattrs()
	if err := b.layout(); err != nil {
		return Digest{}, err
	}
	h := NewHasher()
	out := bufio.NewWriterSize(io.MultiWriter(w, h), 1<<16)
	if err := b.write(out); err != nil {
		return Digest{}, err
	}
	if err := out.Flush(); err != nil {
		return Digest{}, err
	}
	return h.Digest(), nil
}

// An image is one that is being made.
type image struct {
	version    int
	inodes     []*inode // in the order of the image, the root first
	whiteouts  bool
	shared     []xattr
	sharedSize int64
	mtime      int64
	mtimeNS    uint32
	inodesEnd  uint64
	dataStart  uint64
	dataBlocks uint64
}

func (b *image) write(w io.Writer) error {
	if _, err := w.Write(b.header()); err != nil {
		return err
	}
	buf := make([]byte, 0, 4*blockSize)
	pos, data := uint64(superOffset+superSize), b.dataStart/blockSize
	for _, i := range b.inodes {
		buf = b.appendInode(buf[:0], i, data)
		data += uint64(i.blocks)
		pos += uint64(len(buf))
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	buf = append(buf[:0], make([]byte, b.inodesEnd-pos)...)
	for i := range b.shared {
		buf = b.shared[i].append(buf)
	}
	end := b.inodesEnd + uint64(b.sharedSize)
	if _, err := w.Write(append(buf, make([]byte, b.dataStart-end)...)); err != nil {
		return err
	}
	for _, i := range b.inodes {
		if _, err := w.Write(i.appendBlocks(buf[:0])); err != nil {
			return err
		}
	}
	return nil
}

// header is everything before the first inode.
func (b *image) header() []byte {
	const (
		composefsMagic = 0xd078629a
		erofsMagic     = 0xe0f5e1e2
		features       = 2 | 4 // times are there, names of attributes are filtered
	)
	p := make([]byte, superOffset+superSize)
	le := binary.LittleEndian
	le.PutUint32(p, composefsMagic)
	le.PutUint32(p[4:], 1)
	if b.hasACL() {
		le.PutUint32(p[8:], 1)
	}
	le.PutUint32(p[12:], uint32(b.version))
	super := p[superOffset:]
	le.PutUint32(super, erofsMagic)
	le.PutUint32(super[8:], features)
	super[12] = blockBits
	le.PutUint16(super[14:], uint16(b.inodes[0].nid))
	le.PutUint64(super[16:], uint64(len(b.inodes)))
	le.PutUint64(super[24:], uint64(b.mtime))
	le.PutUint32(super[32:], b.mtimeNS)
	le.PutUint32(super[36:], uint32(b.dataStart/blockSize+b.dataBlocks))
	le.PutUint32(super[44:], uint32(b.inodesEnd/blockSize))
	return p
}

func (b *image) hasACL() bool {
	return slices.ContainsFunc(b.inodes, func(i *inode) bool {
		return slices.ContainsFunc(i.xattrs, func(a xattr) bool { return a.name == aclAccess || a.name == aclDefault })
	})
}

// appendInode appends an inode with what is before and after it. Its blocks, if
// any, begin with the given one.
func (b *image) appendInode(p []byte, i *inode, block uint64) []byte {
	p = append(p, make([]byte, i.pad)...)
	le := binary.LittleEndian
	format := uint16(0) // data in blocks
	if i.chunked() {
		format = 4 << 1
	} else if i.tail > 0 {
		format = 2 << 1
	}
	count := uint16(0)
	if n := i.xattrs.size(); n > 0 {
		count = uint16((n-xattrHeader)/4 + 1)
	}
	union := i.union(block)
	if i.compact {
		p = le.AppendUint16(p, format)
		p = le.AppendUint16(p, count)
		p = le.AppendUint16(p, uint16(i.mode))
		p = le.AppendUint16(p, uint16(i.nlink()))
		p = le.AppendUint32(p, uint32(i.size()))
		p = le.AppendUint32(p, 0)
		p = le.AppendUint32(p, union)
		p = le.AppendUint32(p, i.number)
		p = le.AppendUint16(p, uint16(i.node.UID))
		p = le.AppendUint16(p, uint16(i.node.GID))
		p = le.AppendUint32(p, 0)
	} else {
		p = le.AppendUint16(p, format|1)
		p = le.AppendUint16(p, count)
		p = le.AppendUint16(p, uint16(i.mode))
		p = le.AppendUint16(p, 0)
		p = le.AppendUint64(p, i.size())
		p = le.AppendUint32(p, union)
		p = le.AppendUint32(p, i.number)
		p = le.AppendUint32(p, i.node.UID)
		p = le.AppendUint32(p, i.node.GID)
		p = le.AppendUint64(p, uint64(i.node.MTime))
		p = le.AppendUint32(p, i.node.MTimeNS)
		p = le.AppendUint32(p, i.nlink())
		p = append(p, make([]byte, 16)...)
	}
	p = b.appendXattrs(p, i.xattrs)
	return i.appendTail(p)
}

// union is the number of the device, or tells where the data are.
func (i *inode) union(block uint64) uint32 {
	union := uint32(0)
	if i.blocks > 0 {
		union = uint32(block)
	}
	switch {
	case i.kind() == unix.S_IFCHR || i.kind() == unix.S_IFBLK:
		return i.node.Rdev
	case i.chunked():
		n, _ := chunking(i.size())
		return union&^0xffff | uint32(n-blockBits)
	}
	return union
}

func (b *image) appendXattrs(p []byte, x xattrs) []byte {
	if len(x) == 0 {
		return p
	}
	le := binary.LittleEndian
	p = le.AppendUint32(p, x.filter())
	header := len(p)
	p = append(p, make([]byte, 8)...)
	for _, a := range x {
		if a.shared != notShared {
			p[header]++
			p = le.AppendUint32(p, uint32((b.inodesEnd%blockSize+uint64(a.shared))/4))
		}
	}
	for i := range x {
		if x[i].shared == notShared {
			p = x[i].append(p)
		}
	}
	return p
}

func (a *xattr) append(p []byte) []byte {
	index, rest := a.index()
	p = append(p, byte(len(rest)), index)
	p = binary.LittleEndian.AppendUint16(p, uint16(len(a.value)))
	p = append(p, rest...)
	p = append(p, a.value...)
	return append(p, make([]byte, a.size()-xattrEntryHead-len(rest)-len(a.value))...)
}
