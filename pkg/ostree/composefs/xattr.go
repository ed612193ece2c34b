package composefs

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// What overlayfs keeps in attributes, and how those of a tree are escaped.
const (
	overlayPrefix  = "trusted.overlay."
	escapedPrefix  = "trusted.overlay.overlay."
	userPrefix     = "user.overlay."
	metacopy       = overlayPrefix + "metacopy"
	redirect       = overlayPrefix + "redirect"
	opaque         = overlayPrefix + "opaque"
	aclAccess      = "system.posix_acl_access"
	aclDefault     = "system.posix_acl_default"
	maxShared      = 128 // per inode
	xattrHeader    = 12
	filterSeed     = 0x25BBE08F
	notShared      = -1
	maxXattrName   = 255
	xattrEntryHead = 4
)

var errXattrs = errors.New("its extended attributes are larger than an image can hold")

// An xattr is an attribute in the image.
type xattr struct {
	name, value string
	shared      int64 // offset in the table of shared ones, or notShared
}

type xattrs []xattr

// set adds an attribute or replaces its value.
func (x *xattrs) set(name, value string) {
	for i := range *x {
		if (*x)[i].name == name {
			(*x)[i].value = value
			return
		}
	}
	*x = append(*x, xattr{name: name, value: value, shared: notShared})
}

// copyXattrs takes over the attributes of the node. What means something to
// overlayfs is escaped, which hides it from this overlay and shows it again above.
func (i *inode) copyXattrs() error {
	if len(i.node.Xattrs) > maxXattrs/xattrExtra {
		return errXattrs
	}
	for _, a := range i.node.Xattrs {
		if a.Name == "" || len(a.Name) > maxXattrName || strings.ContainsRune(a.Name, 0) {
			return fmt.Errorf("%q cannot be the name of an extended attribute", a.Name)
		}
		name := a.Name
		if rest, ok := strings.CutPrefix(name, overlayPrefix); ok && !i.filler {
			name = escapedPrefix + rest
		}
		i.xattrs.set(name, string(a.Value))
	}
	return nil
}

// overlayXattrs adds what makes the image a layer of overlayfs. Version 1 of the
// format marks directories with whiteouts in one more way.
func (b *image) overlayXattrs() error {
	if b.whiteouts {
		b.version = max(b.version, 1)
	}
	for _, i := range b.inodes {
		switch {
		case i.chunked():
			i.setContent()
		case i.node.whiteout() && !i.filler:
			i.setWhiteout(b.version)
		}
	}
	b.inodes[0].xattrs.set(opaque, "y")
	for _, i := range b.inodes {
		if err := i.xattrs.check(); err != nil {
			return &NodeError{i.path(), err}
		}
		slices.SortFunc(i.xattrs, func(a, b xattr) int { return cmp.Compare(a.name, b.name) })
	}
	return nil
}

// setContent says where the content of a regular file is and what digest it has.
func (i *inode) setContent() {
	value := ""
	if d := i.node.Digest; d != nil {
		value = string([]byte{0, 4 + byte(len(d)), 0, unix.FS_VERITY_HASH_ALG_SHA256}) + string(d[:])
	}
	i.xattrs.set(metacopy, value)
	if i.node.Payload != "" {
		i.xattrs.set(redirect, "/"+i.node.Payload)
	}
}

// setWhiteout makes a file of the tree that is a whiteout one for an overlay that
// is mounted above.
func (i *inode) setWhiteout(version int) {
	for _, prefix := range []string{escapedPrefix, userPrefix} {
		i.xattrs.set(prefix+"whiteout", "")
		i.parent.xattrs.set(prefix+"whiteouts", "")
		if version > 0 {
			i.parent.xattrs.set(prefix+"opaque", "x")
		}
	}
}

func (x xattrs) check() error {
	size := xattrHeader
	for _, a := range x {
		size += xattrExtra + len(a.name) + len(a.value)
	}
	if len(x) > 0 && size > maxXattrs {
		return errXattrs
	}
	return nil
}

// shareXattrs finds the attributes that several inodes have with the same value.
// They are written once, in a table with an order of its own.
func (b *image) shareXattrs() {
	type key struct{ name, value string }
	counts := make(map[key]int)
	for _, i := range b.inodes {
		for _, a := range i.xattrs {
			counts[key{a.name, a.value}]++
		}
	}
	for k, n := range counts {
		if n > 1 {
			b.shared = append(b.shared, xattr{name: k.name, value: k.value})
		}
	}
	slices.SortFunc(b.shared, func(x, y xattr) int {
		return cmp.Or(cmp.Compare(y.name, x.name), cmp.Compare(len(y.value), len(x.value)), cmp.Compare(y.value, x.value))
	})
	offsets := make(map[key]int64, len(b.shared))
	for i := range b.shared {
		a := &b.shared[i]
		a.shared = b.sharedSize
		offsets[key{a.name, a.value}] = b.sharedSize
		b.sharedSize += int64(a.size())
	}
	for _, i := range b.inodes {
		n := 0
		for at := range i.xattrs {
			a := &i.xattrs[at]
			if offset, ok := offsets[key{a.name, a.value}]; ok && n < maxShared {
				a.shared = offset
				n++
			}
		}
	}
}

// index splits a name into the number of its prefix and the rest.
func (a *xattr) index() (byte, string) {
	for _, p := range []struct {
		prefix string
		index  byte
	}{{"user.", 1}, {aclAccess, 2}, {aclDefault, 3}, {"trusted.", 4}, {"security.", 6}} {
		if rest, ok := strings.CutPrefix(a.name, p.prefix); ok {
			return p.index, rest
		}
	}
	return 0, a.name
}

// size is that of the entry in the image.
func (a *xattr) size() int {
	_, rest := a.index()
	return roundUp(xattrEntryHead+len(rest)+len(a.value), 4)
}

// size is that of everything between the inode and its data.
func (x xattrs) size() int {
	if len(x) == 0 {
		return 0
	}
	size := xattrHeader
	for i := range x {
		if x[i].shared != notShared {
			size += 4
		} else {
			size += x[i].size()
		}
	}
	return size
}

// filter has a bit that is zero for every name, for finding quickly that an inode
// does not have an attribute.
func (x xattrs) filter() uint32 {
	filter := ^uint32(0)
	for i := range x {
		index, rest := x[i].index()
		filter &^= 1 << (xxh32(rest, filterSeed+uint32(index)) & 31)
	}
	return filter
}
