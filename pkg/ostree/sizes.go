package ostree

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// MetadataSizes is the key under which a commit notes the sizes of its objects
// in an archive repository, of type aay.
const MetadataSizes = "ostree.sizes"

// An ObjectSize is the size of one object of a commit.
type ObjectSize struct {
	Object   ObjectName
	Archived uint64 // bytes in an archive repository
	Unpacked uint64 // bytes of content
}

// ErrNoSizes says that a commit does not note the sizes of its objects.
var ErrNoSizes = errors.New("the commit has no metadata " + MetadataSizes)

// ObjectSizes returns what a commit notes about the sizes of its objects, or
// [ErrNoSizes].
func (c *Commit) ObjectSizes() ([]ObjectSize, error) {
	v, ok := c.Metadata.Lookup(MetadataSizes)
	if !ok {
		return nil, ErrNoSizes
	}
	if v.Type() != "aay" {
		return nil, fmt.Errorf("%s has type %s instead of aay", MetadataSizes, v.Type())
	}
	sizes := make([]ObjectSize, 0, v.Len())
	for i, child := range v.Children() {
		data, err := child.Bytes()
		if err != nil {
			return nil, err
		}
		size, err := parseObjectSize(data)
		if err != nil {
			return nil, fmt.Errorf("%s, entry %d: %w", MetadataSizes, i, err)
		}
		sizes = append(sizes, size)
	}
	return sizes, nil
}

// parseObjectSize reads the checksum, two numbers of variable length, and the
// type of the object. Programs before 2020.5 left the type out: those objects
// are taken for files, which all but few of them are.
func parseObjectSize(data []byte) (ObjectSize, error) {
	var size ObjectSize
	if len(data) < len(Checksum{}) {
		return size, fmt.Errorf("%d bytes are too few", len(data))
	}
	data = data[copy(size.Object.Checksum[:], data):]
	for _, field := range []*uint64{&size.Archived, &size.Unpacked} {
		n, used := binary.Uvarint(data)
		if used <= 0 {
			return size, errors.New("a number is cut off or too big")
		}
		*field, data = n, data[used:]
	}
	size.Object.Type = ObjectFile
	switch {
	case len(data) == 1 && data[0] >= byte(ObjectFile) && data[0] <= byte(ObjectDirMeta):
		size.Object.Type = ObjectType(data[0])
	case len(data) != 0:
		return size, fmt.Errorf("unknown object type %d", data[0])
	}
	return size, nil
}

// StorageSize returns how many bytes an object takes in the repository or in
// the parent that has it.
func (r *Repo) StorageSize(ctx context.Context, name ObjectName) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	var size uint64
	err := r.store.find(name, func(s *store, path string) error {
		st, err := fsx.StatAt(s.fd, path)
		if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
			size = uint64(st.Size)
		}
		return err
	})
	return size, err
}
