package composefs

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"golang.org/x/sys/unix"
)

// A Node is a file or directory of a tree.
type Node struct {
	Name     string // in its directory; not used for the root
	Mode     uint32 // st_mode with the type bits, such as 0o100644
	UID, GID uint32
	Rdev     uint32 // of a device; a character device 0:0 is an overlay's whiteout
	MTime    int64  // seconds since 1970
	MTimeNS  uint32 // and nanoseconds
	Xattrs   []Xattr

	// Size is that of a regular file in bytes. A file of size 0 has no content
	// elsewhere.
	Size uint64
	// Payload is the path of the content of a regular file below the directory of
	// objects, or the target of a symbolic link.
	Payload string
	// Digest, if not nil, is what the content of a regular file must have. Without
	// it the image says nothing about content.
	Digest *Digest

	Children []*Node // of a directory, in any order
}

// An Xattr is an extended attribute with its full name, such as "user.comment".
type Xattr struct {
	Name  string
	Value []byte
}

// A NodeError says that an image cannot hold what the tree has at a path.
type NodeError struct {
	Path string // from the root, with a slash before it
	Err  error
}

// Error implements error.
func (e *NodeError) Error() string { return fmt.Sprintf("composefs image: %s: %s", e.Path, e.Err) }

// Unwrap returns the cause.
func (e *NodeError) Unwrap() error { return e.Err }

const (
	maxName    = 255
	maxTarget  = unix.PathMax - 1
	maxChunks  = blockSize / 4 // what fits in one block
	maxXattrs  = math.MaxUint16 / 2
	xattrExtra = 2*4 - 1 // bytes counted for an attribute besides name and value
)

func (n *Node) kind() uint32   { return n.Mode & unix.S_IFMT }
func (n *Node) whiteout() bool { return n.kind() == unix.S_IFCHR && n.Rdev == 0 }

// check refuses what has no place in an image.
func (n *Node) check() error {
	if n.kind() != unix.S_IFDIR && len(n.Children) > 0 {
		return errors.New("it has children and is no directory")
	}
	switch n.kind() {
	case unix.S_IFREG:
		if _, chunks := chunking(n.Size); n.Size > 0 && chunks > maxChunks {
			return fmt.Errorf("%d bytes are more than an image can describe", n.Size)
		}
		if n.Size > 0 && strings.ContainsRune(n.Payload, 0) {
			return errors.New("the path of its content has a NUL byte")
		}
	case unix.S_IFLNK:
		if n.Payload == "" || len(n.Payload) > maxTarget || strings.ContainsRune(n.Payload, 0) {
			return fmt.Errorf("a target of %d bytes cannot be that of a symbolic link", len(n.Payload))
		}
	case unix.S_IFDIR, unix.S_IFCHR, unix.S_IFBLK, unix.S_IFIFO, unix.S_IFSOCK:
	default:
		return fmt.Errorf("mode %#o has no known type", n.Mode)
	}
	if n.Mode > math.MaxUint16 {
		return fmt.Errorf("mode %#o is out of range", n.Mode)
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\x00"):
		return fmt.Errorf("%q cannot be the name of a file", name)
	case len(name) > maxName:
		return fmt.Errorf("the name has %d bytes, more than %d", len(name), maxName)
	}
	return nil
}
