package ostree

import (
	"encoding/hex"
	"fmt"
)

// An ObjectType is a kind of object. The numbers appear in static deltas and
// in ostree.sizes.
type ObjectType int

// The kinds of object.
const (
	ObjectFile           ObjectType = 1
	ObjectDirTree        ObjectType = 2
	ObjectDirMeta        ObjectType = 3
	ObjectCommit         ObjectType = 4
	ObjectTombstone      ObjectType = 5
	ObjectCommitMeta     ObjectType = 6 // detached metadata, named after the commit
	ObjectPayloadLink    ObjectType = 7
	ObjectFileXattrs     ObjectType = 8
	ObjectFileXattrsLink ObjectType = 9
)

// maxMetadataSize is the most that a metadata object may hold, in bytes.
const maxMetadataSize = 128 << 20

// String returns the file name extension of such objects.
func (t ObjectType) String() string {
	switch t {
	case ObjectFile:
		return "file"
	case ObjectDirTree:
		return "dirtree"
	case ObjectDirMeta:
		return "dirmeta"
	case ObjectCommit:
		return "commit"
	case ObjectTombstone:
		return "tombstone-commit"
	case ObjectCommitMeta:
		return "commitmeta"
	case ObjectPayloadLink:
		return "payload-link"
	case ObjectFileXattrs:
		return "file-xattrs"
	case ObjectFileXattrsLink:
		return "file-xattrs-link"
	}
	return fmt.Sprintf("object(%d)", int(t))
}

// IsMeta reports whether objects of the type hold metadata, which is stored the
// same way in every mode.
func (t ObjectType) IsMeta() bool { return t >= ObjectDirTree && t <= ObjectCommitMeta }

// An ObjectName names one object of a repository.
type ObjectName struct {
	Checksum Checksum
	Type     ObjectType
}

// String returns the checksum and type as libostree prints them.
func (n ObjectName) String() string { return n.Checksum.String() + "." + n.Type.String() }

// objectPath is where an object lies below the objects directory.
func objectPath(n ObjectName, m Mode) string {
	ext := objectExt(n.Type, m)
	b := make([]byte, 0, 66+len(ext))
	b = hex.AppendEncode(b, n.Checksum[:1])
	b = append(b, '/')
	b = hex.AppendEncode(b, n.Checksum[1:])
	b = append(b, '.')
	return string(append(b, ext...))
}

func objectExt(t ObjectType, m Mode) string {
	if m == ModeArchive && !t.IsMeta() {
		return t.String() + "z"
	}
	return t.String()
}

// parseObjectPath turns the name of a directory below objects and of a file in
// it into an object name. Anything that is not an object gives false.
func parseObjectPath(dir, file string, m Mode) (ObjectName, bool) {
	first, ok := hexByte(dir)
	if len(dir) != 2 || !ok {
		return ObjectName{}, false
	}
	return parseObjectFile(first, []byte(file), m)
}

// parseObjectFile does so for the first byte of the checksum, which is the name
// of the directory, and the name of the file.
func parseObjectFile(first byte, file []byte, m Mode) (n ObjectName, ok bool) {
	const digits = 2 * (len(Checksum{}) - 1)
	if len(file) <= digits || file[digits] != '.' {
		return n, false
	}
	n.Checksum[0] = first
	for i := 1; i < len(n.Checksum); i++ {
		if n.Checksum[i], ok = hexByte(file[2*i-2:]); !ok {
			return n, false
		}
	}
	for t := ObjectFile; t <= ObjectFileXattrsLink; t++ {
		if string(file[digits+1:]) == objectExt(t, m) {
			n.Type = t
			return n, true
		}
	}
	return n, false
}

// hexByte reads two lower-case hexadecimal digits.
func hexByte[T string | []byte](s T) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	high, ok1 := hexDigit(s[0])
	low, ok2 := hexDigit(s[1])
	return high<<4 | low, ok1 && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	}
	return 0, false
}
