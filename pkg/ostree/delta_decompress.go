package ostree

import (
	"errors"
	"fmt"

	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// A partFile is an open part with the memory that it lies in.
type partFile struct {
	*partContent
	blobs []*blob
}

// close frees the memory of the part.
func (p *partFile) close() error {
	var errs []error
	for _, b := range p.blobs {
		errs = append(errs, b.close())
	}
	p.partContent = nil
	return errors.Join(errs...)
}

// decompressPart opens a part whose bytes lie in stored or in the superblock.
func (m blobMaker) decompressPart(header *deltaPart, compression byte, data []byte, stored *blob) (*partFile, error) {
	p := &partFile{blobs: []*blob{stored}}
	var err error
	switch compression {
	case partPlain:
	case partXZ:
		var b *blob
		if b, err = m.decompressXZ(header, data); err == nil {
			// What was compressed is not needed any more.
			p.blobs, data, err = []*blob{b}, b.data, stored.close()
		}
	default:
		err = fmt.Errorf("compression %q is not known", compression)
	}
	if err == nil {
		p.partContent, err = parsePart(data)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (m blobMaker) decompressXZ(header *deltaPart, data []byte) (*blob, error) {
	size, err := xz.Size(data)
	if err != nil {
		return nil, err
	}
	if limit := header.decompressedLimit(); size > limit {
		return nil, fmt.Errorf("%d bytes when decompressed are more than the limit of %d for its objects", size, limit)
	}
	b, err := m.newBlob(int64(size))
	if err != nil {
		return nil, err
	}
	if err := xz.Decode(b.data, data); err != nil {
		return nil, errors.Join(err, b.close())
	}
	return b, nil
}

// decompressedLimit is the most that a part can need for its objects: the
// content, for a file that is patched also three numbers for each few bytes, and
// owner, mode and attributes of each object.
func (p *deltaPart) decompressedLimit() uint64 {
	const perObject, frame = 128 << 10, 1 << 20
	return min(p.content, maxPartSize)*4 + uint64(len(p.objects))*perObject + frame
}
