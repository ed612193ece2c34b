package ostree

import (
	"bytes"
	"context"
	"errors"
	"os"
)

// CheckSuperblock parses a superblock and looks at everything that needs no
// other file.
func CheckSuperblock(ctx context.Context, data []byte) error {
	s, err := parseSuperblock(data)
	if err != nil {
		return err
	}
	_, infoErr := s.info(ctx, os.DevNull)
	_, metaErr := s.detached()
	return errors.Join(infoErr, metaErr)
}

// OpenDeltaPart returns the objects of a part of a delta whose superblock holds
// it, and the part without compression.
func OpenDeltaPart(superblock []byte, i int) ([]ObjectName, []byte, error) {
	s, err := parseSuperblock(superblock)
	if err != nil {
		return nil, nil, err
	}
	compression, data, _, err := s.inlinePart(i)
	if err != nil {
		return nil, nil, err
	}
	if compression == partXZ {
		b, err := blobMaker{}.decompressXZ(&s.parts[i], data)
		if err != nil {
			return nil, nil, err
		}
		data = bytes.Clone(b.data)
		if err := b.close(); err != nil {
			return nil, nil, err
		}
	}
	return s.parts[i].objects, data, nil
}

// ReadDeltaPart reads a part and its operations.
func ReadDeltaPart(objects []ObjectName, part []byte) error {
	p, err := parsePart(part)
	if err == nil {
		_, err = p.read(objects)
	}
	return err
}

// CookDeltaPart makes the objects of a part.
func CookDeltaPart(ctx context.Context, w *Writer, objects []ObjectName, part []byte) error {
	p, err := parsePart(part)
	if err != nil {
		return err
	}
	return w.cook(ctx, p, objects)
}
