package ostreetest

import (
	"maps"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Tree is a tree by path, without leading slash. Directories on the way need
// no entry of their own: they are root's, with mode 0755. An entry "" is the root.
type Tree map[string]Entry

// Entry is a file, symbolic link or directory. Its methods return changed copies.
type Entry struct {
	Content  string
	Target   string
	Mode     uint32 // st_mode
	UID, GID uint32
	Xattrs   []ostree.Xattr
}

// File is a regular file of root with mode 0644.
func File(content string) Entry { return Entry{Content: content, Mode: unix.S_IFREG | 0o644} }

// Link is a symbolic link.
func Link(target string) Entry { return Entry{Target: target, Mode: unix.S_IFLNK | 0o777} }

// Dir is a directory of root with mode 0755.
func Dir() Entry { return Entry{Mode: unix.S_IFDIR | 0o755} }

// Perm sets the permission, set-id and sticky bits.
func (e Entry) Perm(mode uint32) Entry {
	e.Mode = e.Mode&unix.S_IFMT | mode
	return e
}

// Owner sets user and group.
func (e Entry) Owner(uid, gid uint32) Entry {
	e.UID, e.GID = uid, gid
	return e
}

// Xattr adds an extended attribute.
func (e Entry) Xattr(name, value string) Entry {
	e.Xattrs = append(slices.Clone(e.Xattrs), ostree.Xattr{Name: name, Value: []byte(value)})
	return e
}

// IsDir tells whether it is a directory.
func (e Entry) IsDir() bool { return e.Mode&unix.S_IFMT == unix.S_IFDIR }

func (e Entry) dirMeta() ostree.DirMeta {
	return ostree.DirMeta{UID: e.UID, GID: e.GID, Mode: e.Mode, Xattrs: e.Xattrs}
}

func (e Entry) fileInfo() ostree.FileInfo {
	return ostree.FileInfo{
		UID: e.UID, GID: e.GID, Mode: e.Mode, Xattrs: e.Xattrs,
		Size: int64(len(e.Content)), Target: e.Target,
	}
}

// With returns a copy in which the entries of other are added or replaced.
func (t Tree) With(other Tree) Tree {
	c := maps.Clone(t)
	maps.Copy(c, other)
	return c
}

// Without returns a copy that lacks some entries.
func (t Tree) Without(paths ...string) Tree {
	c := maps.Clone(t)
	for _, p := range paths {
		delete(c, p)
	}
	return c
}

// Plain is a small tree that every repository mode holds as it is: owned by
// root, without attributes and set-id bits.
func Plain() Tree {
	return Tree{
		"etc/passwd":            File("root:x:0:0::/root:/bin/sh\n"),
		"usr/bin/hello":         File("#!/bin/sh\necho hello\n").Perm(0o755),
		"usr/bin/hi":            Link("hello"),
		"usr/lib/a/empty":       File(""),
		"usr/lib/a/twin":        File("twin\n"),
		"usr/lib/b/twin":        File("twin\n"),
		"usr/share/ünïcödé/ß→x": File("non-ASCII\n"),
		"lib":                   Link("usr/lib"),
		"var":                   Dir(),
	}
}

// Full is [Plain] with owners, modes and attributes that need mode bare,
// bare-user or archive.
func Full() Tree {
	return Plain().With(Tree{
		"usr/bin/su":        File("su\n").Perm(0o4755),
		"usr/bin/crontab":   File("crontab\n").Perm(0o2755).Owner(0, 101),
		"usr/bin/ping":      File("ping\n").Perm(0o755).Xattr("user.b", "2").Xattr("user.a", "one"),
		"etc/shadow":        File("root:*::::::\n").Perm(0o640).Owner(0, 42),
		"etc/secret":        File("s").Perm(0o200),
		"usr/share/owned":   Link("nowhere").Owner(7, 8),
		"var/tmp":           Dir().Perm(0o1777),
		"var/mail":          Dir().Perm(0o2775).Owner(0, 8).Xattr("user.dir", "x"),
		"usr/lib/big":       File(big),
		"usr/lib/world/rwx": File("x").Perm(0o666),
	})
}

// big is larger than any buffer that holds whole files.
var big = string(func() []byte {
	b := make([]byte, 300_000)
	for i := range b {
		b[i] = byte(i * i >> 7)
	}
	return b
}())
