package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A DirMeta is what a dirmeta object holds: all about a directory except its
// entries.
type DirMeta struct {
	UID, GID uint32
	Mode     uint32 // st_mode with the type bits, such as 0o040755
	Xattrs   []Xattr
}

// Equal reports whether both describe the same directory.
func (m DirMeta) Equal(other DirMeta) bool {
	return m.UID == other.UID && m.GID == other.GID && m.Mode == other.Mode && equalXattrs(m.Xattrs, other.Xattrs)
}

func equalXattrs(a, b []Xattr) bool {
	return slices.EqualFunc(a, b, func(x, y Xattr) bool { return x.Name == y.Name && string(x.Value) == string(y.Value) })
}

// encodeDirMeta serialises a dirmeta object, of type (uuua(ayay)).
func encodeDirMeta(m DirMeta) ([]byte, error) {
	if err := checkDirMode(m.Mode); err != nil {
		return nil, err
	}
	xattrs, err := sortXattrs(m.Xattrs)
	if err != nil {
		return nil, err
	}
	return encodeOwnerMode(m.UID, m.GID, m.Mode, xattrs), nil
}

// encodeOwnerMode serialises what a dirmeta object and the attribute
// user.ostreemeta hold. The last member needs no framing.
func encodeOwnerMode(uid, gid, mode uint32, xattrs []Xattr) []byte {
	b := make([]byte, 0, 12)
	b = binary.BigEndian.AppendUint32(b, uid)
	b = binary.BigEndian.AppendUint32(b, gid)
	b = binary.BigEndian.AppendUint32(b, mode)
	if len(xattrs) > 0 {
		b = append(b, encodeXattrs(xattrs).Data()...)
	}
	return b
}

// decodeDirMeta reads a dirmeta object.
func decodeDirMeta(data []byte) (DirMeta, error) {
	m, err := decodeOwnerMode(data)
	if err != nil {
		return DirMeta{}, err
	}
	return m, checkDirMode(m.Mode)
}

func decodeOwnerMode(data []byte) (DirMeta, error) {
	if len(data) < 12 {
		return DirMeta{}, errors.New("shorter than owner and mode")
	}
	m := DirMeta{
		UID:  binary.BigEndian.Uint32(data),
		GID:  binary.BigEndian.Uint32(data[4:]),
		Mode: binary.BigEndian.Uint32(data[8:]),
	}
	if len(data) == 12 {
		return m, nil
	}
	v, err := gvariant.Parse(xattrType, data[12:])
	if err != nil {
		return DirMeta{}, err
	}
	m.Xattrs, err = decodeXattrs(v)
	return m, err
}

func checkDirMode(mode uint32) error {
	if mode&unix.S_IFMT != unix.S_IFDIR || mode&^(unix.S_IFMT|0o7777) != 0 {
		return fmt.Errorf("mode %#o is not that of a directory", mode)
	}
	return nil
}
