package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
)

// verify reads an object, compares it with its checksum, checks that it is well
// formed, and returns how many bytes that took.
func (s *store) verify(ctx context.Context, n ObjectName) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if n.Type == ObjectFile {
		return s.verifyFile(ctx, n)
	}
	data, err := s.readMeta(n)
	if err != nil {
		return 0, err
	}
	if err := sameChecksum(n, sha256.Sum256(data)); err != nil {
		return 0, err
	}
	return int64(len(data)), checkMetadata(n, data)
}

// checkMetadata checks that a metadata object is well formed.
func checkMetadata(n ObjectName, data []byte) error {
	var err error
	switch n.Type {
	case ObjectCommit:
		_, err = decodeCommit(data)
	case ObjectDirTree:
		_, err = decodeDirTree(data)
	case ObjectDirMeta:
		_, err = decodeDirMeta(data)
	default:
		return fmt.Errorf("%s has no content of its own", n)
	}
	return corrupt(n.String(), err)
}

func (s *store) verifyFile(ctx context.Context, n ObjectName) (int64, error) {
	fi, content, err := s.openFile(n.Checksum)
	if err != nil {
		return 0, err
	}
	defer content.Close()
	c, size, err := hashFile(ctx, fi, content, s.pools)
	if err != nil {
		return 0, err
	}
	if size != fi.Size {
		return 0, corrupt(n.String(), fmt.Errorf("%d bytes of content instead of %d", size, fi.Size))
	}
	return size, sameChecksum(n, c)
}

// hashFile computes the checksum of a file object and the size of its content.
func hashFile(ctx context.Context, fi FileInfo, content io.Reader, p *pools) (Checksum, int64, error) {
	fi, err := prepareFileInfo(fi)
	if err != nil {
		return Checksum{}, 0, err
	}
	hash := sha256.New()
	hash.Write(appendHeader(nil, fi))
	buf := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(buf)
	var size int64
	for {
		if err := ctx.Err(); err != nil {
			return Checksum{}, size, err
		}
		n, err := content.Read(*buf)
		hash.Write((*buf)[:n])
		size += int64(n)
		if errors.Is(err, io.EOF) {
			return Checksum(hash.Sum(nil)), size, nil
		}
		if err != nil {
			return Checksum{}, size, err
		}
	}
}

func sameChecksum(n ObjectName, actual Checksum) error {
	if actual == n.Checksum {
		return nil
	}
	return &CorruptError{What: n.String(), Err: &ChecksumError{Object: n, Actual: actual}}
}

// A ChecksumError says that an object is not the one that its name promises. It
// is found inside a [*CorruptError].
type ChecksumError struct {
	Object ObjectName
	Actual Checksum // of what is there
}

// Error implements error.
func (e *ChecksumError) Error() string {
	return fmt.Sprintf("its content has the checksum %s", e.Actual)
}
