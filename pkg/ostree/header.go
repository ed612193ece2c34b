package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A FileInfo describes a file object: a regular file or a symbolic link.
type FileInfo struct {
	UID, GID uint32
	Mode     uint32 // st_mode with the type bits, such as 0o100644 or 0o120777
	Size     int64  // bytes of content; 0 for a symbolic link
	Target   string // of a symbolic link
	Xattrs   []Xattr
}

// IsSymlink reports whether it describes a symbolic link.
func (fi FileInfo) IsSymlink() bool { return fi.Mode&unix.S_IFMT == unix.S_IFLNK }

// SameMeta reports whether both have the same type, owner, mode, target and
// attributes. Sizes are not compared.
func (fi FileInfo) SameMeta(other FileInfo) bool {
	return fi.UID == other.UID && fi.GID == other.GID && fi.Mode == other.Mode &&
		fi.Target == other.Target && equalXattrs(fi.Xattrs, other.Xattrs)
}

// archiveHeaderType is the header that archives store: the size and then the
// header that is hashed together with the content, of type (uuuusa(ayay)).
const archiveHeaderType = "(tuuuusa(ayay))"

// headerPrefix is the length of what stands before a header: its length in
// big-endian order and padding.
const headerPrefix = 8

// appendHeader appends the header that is hashed, with its prefix. The
// attributes must be sorted.
func appendHeader(b []byte, fi FileInfo) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = appendHeaderTail(b, start+headerPrefix, fi)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-headerPrefix))
	return b
}

// appendArchiveHeader appends the header of an archived file, with its prefix.
func appendArchiveHeader(b []byte, fi FileInfo) []byte {
	start := len(b)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint64(b, uint64(fi.Size))
	b = appendHeaderTail(b, start+headerPrefix, fi)
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start-headerPrefix))
	return b
}

// appendHeaderTail appends uid, gid, mode, rdev, target and attributes, and the
// end of the target as the framing of the tuple that begins at start.
func appendHeaderTail(b []byte, start int, fi FileInfo) []byte {
	b = binary.BigEndian.AppendUint32(b, fi.UID)
	b = binary.BigEndian.AppendUint32(b, fi.GID)
	b = binary.BigEndian.AppendUint32(b, fi.Mode)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = append(append(b, fi.Target...), 0)
	end := len(b) - start
	if len(fi.Xattrs) > 0 {
		b = append(b, encodeXattrs(fi.Xattrs).Data()...)
	}
	return appendFraming(b, len(b)-start, end)
}

// appendFraming appends one framing offset to a tuple whose body has the given
// size, in the smallest width that suits the whole.
func appendFraming(b []byte, body, offset int) []byte {
	switch {
	case body+1 <= 0xff:
		return append(b, byte(offset))
	case body+2 <= 0xffff:
		return binary.LittleEndian.AppendUint16(b, uint16(offset))
	}
	return binary.LittleEndian.AppendUint32(b, uint32(offset))
}

// decodeArchiveHeader reads an archiveHeaderType without its prefix.
func decodeArchiveHeader(data []byte) (FileInfo, error) {
	v, err := gvariant.Parse(archiveHeaderType, data)
	if err != nil {
		return FileInfo{}, err
	}
	size := binary.BigEndian.Uint64(data)
	if size > 1<<62 {
		return FileInfo{}, fmt.Errorf("size %d", size)
	}
	fi := FileInfo{
		Size: int64(size),
		UID:  binary.BigEndian.Uint32(data[8:]),
		GID:  binary.BigEndian.Uint32(data[12:]),
		Mode: binary.BigEndian.Uint32(data[16:]),
	}
	if rdev := binary.BigEndian.Uint32(data[20:]); rdev != 0 {
		return FileInfo{}, fmt.Errorf("device number %d", rdev)
	}
	if fi.Target, err = stringAt(v, 5); err != nil {
		return FileInfo{}, err
	}
	xattrs, err := v.At(6)
	if err != nil {
		return FileInfo{}, err
	}
	if fi.Xattrs, err = decodeXattrs(xattrs); err != nil {
		return FileInfo{}, err
	}
	return fi, checkFileInfo(fi)
}

// checkFileInfo checks that fi can be a file object.
func checkFileInfo(fi FileInfo) error {
	if fi.Mode&^(unix.S_IFMT|0o7777) != 0 {
		return fmt.Errorf("mode %#o has unknown bits", fi.Mode)
	}
	switch fi.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		if fi.Target != "" {
			return errors.New("regular file with a link target")
		}
	case unix.S_IFLNK:
		return checkTarget(fi)
	default:
		return fmt.Errorf("mode %#o is neither a regular file nor a symbolic link, and OSTree stores nothing else", fi.Mode)
	}
	return nil
}

func checkTarget(fi FileInfo) error {
	if fi.Target == "" {
		return errors.New("symbolic link without a target")
	}
	if fi.Size != 0 {
		return fmt.Errorf("symbolic link with a size of %d", fi.Size)
	}
	if len(fi.Target) >= unix.PathMax {
		return fmt.Errorf("symbolic link with a target of %d bytes", len(fi.Target))
	}
	return checkText("link target", fi.Target)
}

// prepareFileInfo returns fi as it is hashed and written: attributes sorted and
// without empty ones, which no reader of files on disk ever reports; symbolic
// links with the one mode that they have on disk.
func prepareFileInfo(fi FileInfo) (FileInfo, error) {
	if err := checkFileInfo(fi); err != nil {
		return fi, err
	}
	if fi.IsSymlink() {
		fi.Mode = unix.S_IFLNK | 0o777
	}
	fi.Xattrs = withoutEmpty(fi.Xattrs)
	var err error
	fi.Xattrs, err = sortXattrs(fi.Xattrs)
	return fi, err
}

func withoutEmpty(xattrs []Xattr) []Xattr {
	for i, x := range xattrs {
		if len(x.Value) > 0 {
			continue
		}
		kept := append([]Xattr(nil), xattrs[:i]...)
		for _, x := range xattrs[i+1:] {
			if len(x.Value) > 0 {
				kept = append(kept, x)
			}
		}
		return kept
	}
	return xattrs
}
