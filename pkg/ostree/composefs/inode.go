package composefs

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// An inode is a node on its way into the image.
type inode struct {
	node   *Node
	parent *inode // of the root, itself
	mode   uint32
	filler bool // hides a directory of objects, see fillers
	xattrs xattrs
	dirs   uint32   // children that are directories
	names  []dirent // of a directory, sorted, with "." and ".."

	// What layout finds out.
	number  uint32
	compact bool
	pad     uint32 // bytes before the inode
	nid     uint64 // offset in slots
	blocks  uint32 // of data
	tail    uint32 // bytes of data after the inode
}

type dirent struct {
	name  string
	inode *inode
}

func (i *inode) kind() uint32 { return i.mode & unix.S_IFMT }

func (i *inode) path() string {
	var names []string
	for ; i.parent != i; i = i.parent {
		names = append(names, i.node.Name)
	}
	slices.Reverse(names)
	return "/" + strings.Join(names, "/")
}

// size is what the inode says.
func (i *inode) size() uint64 {
	switch i.kind() {
	case unix.S_IFDIR:
		return uint64(i.blocks)*blockSize + uint64(i.tail)
	case unix.S_IFREG:
		if !i.node.whiteout() {
			return i.node.Size
		}
	case unix.S_IFLNK:
		return uint64(len(i.node.Payload))
	}
	return 0
}

// chunked tells whether the content is elsewhere.
func (i *inode) chunked() bool { return i.kind() == unix.S_IFREG && i.size() > 0 }

// chunking returns how many bits of an offset are within a chunk, and the number
// of chunks of a file: as few as the format permits.
func chunking(size uint64) (chunkBits int, chunks uint64) {
	if size == 0 {
		return blockBits, 0
	}
	chunkBits = min(max(bits.Len64(size-1), blockBits), blockBits+0x1f)
	return chunkBits, (size-1)>>chunkBits + 1
}

// build makes the inodes of the tree, and returns them in the order of the image:
// breadth first, each directory by name.
func (b *image) build(root *Node) error {
	first := &inode{node: root, mode: root.Mode}
	first.parent = first
	if first.kind() != unix.S_IFDIR {
		return &NodeError{"/", errors.New("the root is no directory")}
	}
	if err := b.enter(first); err != nil {
		return err
	}
	for at := 0; at < len(b.inodes); at++ {
		if err := b.enterChildren(b.inodes[at]); err != nil {
			return err
		}
	}
	return b.overlayXattrs()
}

// enter appends an inode, with the attributes that the overlay needs.
func (b *image) enter(i *inode) error {
	if err := i.node.check(); err != nil {
		return &NodeError{i.path(), err}
	}
	if err := i.copyXattrs(); err != nil {
		return &NodeError{i.path(), err}
	}
	if i.node.whiteout() && !i.filler {
		i.mode = i.mode&^unix.S_IFMT | unix.S_IFREG
		b.whiteouts = true
	}
	i.number = uint32(len(b.inodes))
	b.inodes = append(b.inodes, i)
	return nil
}

func (b *image) enterChildren(dir *inode) error {
	if dir.kind() != unix.S_IFDIR {
		return nil
	}
	children := make([]*inode, len(dir.node.Children))
	for at, node := range dir.node.Children {
		children[at] = &inode{node: node, parent: dir, mode: node.Mode}
	}
	if dir.parent == dir {
		children = append(children, fillers(dir)...)
	}
	slices.SortFunc(children, func(a, b *inode) int { return cmp.Compare(a.node.Name, b.node.Name) })
	dir.names = append(make([]dirent, 0, len(children)+2), dirent{".", dir}, dirent{"..", dir.parent})
	for at, child := range children {
		name := child.node.Name
		err := checkName(name)
		if err == nil && at > 0 && children[at-1].node.Name == name {
			err = errors.New("the name is there twice")
		}
		if err != nil {
			return &NodeError{child.path(), err}
		}
		if err := b.enter(child); err != nil {
			return err
		}
		dir.names = append(dir.names, dirent{name, child})
		if child.kind() == unix.S_IFDIR {
			dir.dirs++
		}
	}
	slices.SortFunc(dir.names, func(a, b dirent) int { return cmp.Compare(a.name, b.name) })
	return nil
}

// fillers are whiteouts that hide the directories of objects of the layer with
// the content, which has one for each byte, unless the tree has that name itself.
func fillers(root *inode) []*inode {
	taken := make(map[string]bool, len(root.node.Children))
	for _, c := range root.node.Children {
		taken[c.Name] = true
	}
	n := root.node
	var xattrs []Xattr
	for _, x := range n.Xattrs {
		if x.Name == "security.selinux" {
			xattrs = []Xattr{x}
		}
	}
	var all []*inode
	for i := range 256 {
		name := fmt.Sprintf("%02x", i)
		if taken[name] {
			continue
		}
		node := &Node{Name: name, Mode: unix.S_IFCHR | 0o644, UID: n.UID, GID: n.GID, MTime: n.MTime, MTimeNS: n.MTimeNS, Xattrs: xattrs}
		all = append(all, &inode{node: node, parent: root, mode: node.Mode, filler: true})
	}
	return all
}
