package ostree

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// An Xattr is an extended attribute of a file or directory.
type Xattr struct {
	Name  string // with its namespace, such as "security.capability"
	Value []byte
}

// xattrType is how attributes are serialised: names end in NUL, values are raw.
const xattrType = "a(ayay)"

// sortXattrs returns the attributes in the order in which they are stored,
// which is that of the bytes of their names.
func sortXattrs(xattrs []Xattr) ([]Xattr, error) {
	byName := func(a, b Xattr) int { return strings.Compare(a.Name, b.Name) }
	if !slices.IsSortedFunc(xattrs, byName) {
		xattrs = slices.SortedFunc(slices.Values(xattrs), byName)
	}
	return xattrs, checkXattrs(xattrs)
}

func checkXattrs(xattrs []Xattr) error {
	for i, x := range xattrs {
		if x.Name == "" || strings.IndexByte(x.Name, 0) >= 0 {
			return fmt.Errorf("extended attribute name %q is not valid", x.Name)
		}
		if i > 0 && xattrs[i-1].Name >= x.Name {
			return fmt.Errorf("extended attributes %q and %q are not in order", xattrs[i-1].Name, x.Name)
		}
	}
	return nil
}

// encodeXattrs serialises sorted attributes.
func encodeXattrs(xattrs []Xattr) gvariant.Value {
	values := make([]gvariant.Value, len(xattrs))
	for i, x := range xattrs {
		name := append([]byte(x.Name), 0)
		values[i] = gvariant.Tuple(gvariant.Bytes(name), gvariant.Bytes(x.Value))
	}
	return gvariant.Array("(ayay)", values...)
}

// decodeXattrs reads a value of xattrType.
func decodeXattrs(v gvariant.Value) ([]Xattr, error) {
	n := v.Len()
	if n == 0 {
		return nil, nil
	}
	xattrs := make([]Xattr, 0, n)
	for _, entry := range v.Children() {
		x, err := decodeXattr(entry)
		if err != nil {
			return nil, err
		}
		xattrs = append(xattrs, x)
	}
	return xattrs, checkXattrs(xattrs)
}

func decodeXattr(entry gvariant.Value) (Xattr, error) {
	name, err := bytesAt(entry, 0)
	if err != nil {
		return Xattr{}, err
	}
	value, err := bytesAt(entry, 1)
	if err != nil {
		return Xattr{}, err
	}
	text, ok := strings.CutSuffix(string(name), "\x00")
	if !ok {
		return Xattr{}, errors.New("extended attribute name does not end in NUL")
	}
	return Xattr{Name: text, Value: value}, nil
}

// bytesAt returns child i of a container, which must be of type ay.
func bytesAt(v gvariant.Value, i int) ([]byte, error) {
	child, err := v.At(i)
	if err != nil {
		return nil, err
	}
	return child.Bytes()
}

// checksumAt returns child i of a container, which must be 32 bytes.
func checksumAt(v gvariant.Value, i int) (Checksum, error) {
	b, err := bytesAt(v, i)
	if err != nil {
		return Checksum{}, err
	}
	if len(b) != len(Checksum{}) {
		return Checksum{}, fmt.Errorf("checksum of %d bytes", len(b))
	}
	return Checksum(b), nil
}

func stringAt(v gvariant.Value, i int) (string, error) {
	child, err := v.At(i)
	if err != nil {
		return "", err
	}
	return child.Str()
}

// fromDisk converts attributes as they were read from a file system.
func fromDisk(attrs []fsx.Xattr) []Xattr {
	if len(attrs) == 0 {
		return nil
	}
	xattrs := make([]Xattr, len(attrs))
	for i, a := range attrs {
		xattrs[i] = Xattr(a)
	}
	return xattrs
}

// toDisk is the reverse of fromDisk.
func toDisk(xattrs []Xattr) []fsx.Xattr {
	attrs := make([]fsx.Xattr, len(xattrs))
	for i, x := range xattrs {
		attrs[i] = fsx.Xattr(x)
	}
	return attrs
}

// EncodeXattrs serialises attributes as file-xattrs objects hold them, a value of
// type a(ayay). They must be sorted by name, as those of a [FileInfo] are.
func EncodeXattrs(xattrs []Xattr) []byte { return encodeXattrs(xattrs).Data() }

// DecodeXattrs reads what a file-xattrs object holds.
func DecodeXattrs(data []byte) ([]Xattr, error) {
	v, err := gvariant.Parse(xattrType, data)
	if err != nil {
		return nil, err
	}
	return decodeXattrs(v)
}
