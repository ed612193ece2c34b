package ostree

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
)

// verify compares a file object with its checksum if the options ask for it, each
// object once.
func (c *checkout) verify(ctx context.Context, sum Checksum) error {
	n := ObjectName{sum, ObjectFile}
	if c.verified == nil || c.verified.has(n) {
		return nil
	}
	if _, err := c.repo.store.verify(ctx, n); err != nil {
		return err
	}
	c.verified.add(n.Type, &n.Checksum)
	return nil
}

// copyVerified compares what it copies with its checksum.
func (c *checkout) copyVerified(ctx context.Context, f *os.File, n ObjectName, fi FileInfo, content io.Reader) error {
	hash := hashHeader(fi)
	if _, err := copyBuffer(ctx, io.MultiWriter(hash, f), content, c.repo.pools, nil); err != nil {
		return err
	}
	return sameChecksum(n, sumOf(hash))
}

// newTreeReader reads dirtrees for one goroutine.
func (c *checkout) newTreeReader() *dirTreeReader {
	if c.verified == nil {
		return &dirTreeReader{}
	}
	return &dirTreeReader{inspect: func(n ObjectName, data []byte) error { return sameChecksum(n, sha256.Sum256(data)) }}
}

// loadMeta reads a dirmeta.
func (c *checkout) loadMeta(ctx context.Context, sum Checksum) (DirMeta, error) {
	if c.verified == nil {
		return c.repo.LoadDirMeta(ctx, sum)
	}
	return readVerified(c.repo.store, ObjectName{sum, ObjectDirMeta}, decodeDirMeta)
}

// readVerified is readDecoded that compares the bytes with their checksum.
func readVerified[T any](s *store, n ObjectName, decode func([]byte) (T, error)) (T, error) {
	return readDecoded(s, n, func(data []byte) (T, error) {
		if actual := Checksum(sha256.Sum256(data)); actual != n.Checksum {
			var none T
			return none, &ChecksumError{Object: n, Actual: actual}
		}
		return decode(data)
	})
}
