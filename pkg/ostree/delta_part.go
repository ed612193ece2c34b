package ostree

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// partType is the content of a part: modes as user, group and mode; lists of
// attributes; the payload; the operations.
const partType = "(a(uuu)aa(ayay)ayay)"

// How a part is compressed is its first byte.
const (
	partPlain = 0
	partXZ    = 'x'
)

// A partContent is a part that has been read. It refers to the bytes that it
// was read from.
type partContent struct {
	modes   []FileInfo // owner and mode only
	xattrs  [][]Xattr
	payload []byte
	ops     []byte
}

// inlinePart returns a part that lies in the superblock: the byte that says how
// it is compressed, and the rest.
func (s *superblock) inlinePart(i int) (compression byte, data []byte, ok bool, err error) {
	v, ok := s.metadata.Lookup(s.name.partPath(i))
	if !ok {
		return 0, nil, false, nil
	}
	if v.Type() != "(yay)" {
		return 0, nil, true, fmt.Errorf("part %d in the superblock has type %q, not (yay)", i, v.Type())
	}
	first, err := v.At(0)
	if err != nil {
		return 0, nil, true, err
	}
	if compression, err = first.Byte(); err != nil {
		return 0, nil, true, err
	}
	data, err = bytesAt(v, 1)
	return compression, data, true, err
}

// openPart reads a part, from r unless it lies in the superblock. A file must
// have the size and the checksum that the superblock says. The caller must
// close the part.
func (m blobMaker) openPart(s *superblock, i int, r io.Reader) (*partFile, error) {
	compression, data, inline, err := s.inlinePart(i)
	if err != nil {
		return nil, err
	}
	stored := &blob{}
	if !inline {
		if r == nil {
			return nil, errors.New("it is not within the superblock")
		}
		if stored, err = m.readPart(&s.parts[i], r); err != nil {
			return nil, err
		}
		if len(stored.data) == 0 {
			return nil, errors.Join(errors.New("the file is empty"), stored.close())
		}
		compression, data = stored.data[0], stored.data[1:]
	}
	return m.decompressPart(&s.parts[i], compression, data, stored)
}

// readPart reads the file of a part.
func (m blobMaker) readPart(p *deltaPart, r io.Reader) (*blob, error) {
	b, err := m.newBlob(int64(min(p.size, maxPartSize)))
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	n, err := b.readFrom(io.TeeReader(io.LimitReader(r, int64(min(p.size, maxPartSize))+1), hash))
	switch {
	case err != nil:
	case uint64(n) != p.size:
		err = fmt.Errorf("the file has other than the %d bytes that it must have", p.size)
	case sumOf(hash) != p.checksum:
		err = fmt.Errorf("the file has the checksum %s and not %s", sumOf(hash), p.checksum)
	}
	if err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// parsePart reads a decompressed part.
func parsePart(data []byte) (*partContent, error) {
	v, err := gvariant.Parse(partType, data)
	if err != nil {
		return nil, err
	}
	p := &partContent{}
	if err := p.parseModes(v); err != nil {
		return nil, err
	}
	if err := p.parseXattrs(v); err != nil {
		return nil, err
	}
	if p.payload, err = bytesAt(v, 2); err != nil {
		return nil, err
	}
	p.ops, err = bytesAt(v, 3)
	return p, err
}

func (p *partContent) parseModes(v gvariant.Value) error {
	modes, err := v.At(0)
	if err != nil {
		return err
	}
	p.modes = make([]FileInfo, 0, modes.Len())
	for _, mode := range modes.Children() {
		m, err := decodeOwnerMode(mode.Data())
		if err != nil {
			return err
		}
		p.modes = append(p.modes, FileInfo{UID: m.UID, GID: m.GID, Mode: m.Mode})
	}
	return nil
}

func (p *partContent) parseXattrs(v gvariant.Value) error {
	lists, err := v.At(1)
	if err != nil {
		return err
	}
	p.xattrs = make([][]Xattr, 0, lists.Len())
	for i, list := range lists.Children() {
		xattrs, err := decodeXattrs(list)
		if err != nil {
			return fmt.Errorf("attributes %d: %w", i, err)
		}
		p.xattrs = append(p.xattrs, xattrs)
	}
	return nil
}
