package composefs

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io"
)

// blockSize is that of the file system and of the hash tree.
const blockSize = 4096

// A Digest is the fs-verity digest of a file: of a descriptor with its size and
// the root of a tree of SHA-256 hashes over blocks of 4096 bytes, without salt
// (https://docs.kernel.org/filesystems/fsverity.html).
type Digest [sha256.Size]byte

// String returns the digest in hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// FileDigest reads content to its end and returns the digest that the kernel has
// for a file with that content. (Only for an empty file libcomposefs has another
// one, which is in no image.)
func FileDigest(r io.Reader) (Digest, error) {
	h := NewHasher()
	if _, err := io.Copy(h, r); err != nil {
		return Digest{}, err
	}
	return h.Digest(), nil
}

// A Hasher computes the digest of what is written to it. It needs some kilobytes
// of memory, however long the content is. It belongs to one goroutine at a time.
type Hasher struct {
	size    uint64
	partial []byte  // of the last block of content
	levels  []level // of hashes, those of content first
}

// A level of the tree has the hashes of the blocks of the level below.
type level struct {
	count uint64 // of hashes that it got
	last  [sha256.Size]byte
	block []byte // the hashes that do not fill a block yet
}

// NewHasher returns a Hasher that has got nothing.
func NewHasher() *Hasher { return &Hasher{partial: make([]byte, 0, blockSize)} }

// Write implements io.Writer and never fails.
func (h *Hasher) Write(p []byte) (int, error) {
	n := len(p)
	h.size += uint64(n)
	if len(h.partial) > 0 {
		k := min(blockSize-len(h.partial), len(p))
		h.partial, p = append(h.partial, p[:k]...), p[k:]
		if len(h.partial) < blockSize {
			return n, nil
		}
		h.add(0, sha256.Sum256(h.partial))
		h.partial = h.partial[:0]
	}
	for ; len(p) >= blockSize; p = p[blockSize:] {
		h.add(0, sha256.Sum256(p[:blockSize]))
	}
	h.partial = append(h.partial, p...)
	return n, nil
}

// add gives a level one more hash.
func (h *Hasher) add(at int, sum [sha256.Size]byte) {
	if at == len(h.levels) {
		h.levels = append(h.levels, level{block: make([]byte, 0, blockSize)})
	}
	l := &h.levels[at]
	l.count++
	l.last = sum
	l.block = append(l.block, sum[:]...)
	if len(l.block) == blockSize {
		up := sha256.Sum256(l.block)
		l.block = l.block[:0]
		h.add(at+1, up)
	}
}

// Digest returns the digest of what was written so far. The Hasher may be
// written to afterwards.
func (h *Hasher) Digest() Digest {
	var descriptor [256]byte
	descriptor[0] = 1  // version
	descriptor[1] = 1  // SHA-256
	descriptor[2] = 12 // blocks of 2^12 bytes
	binary.LittleEndian.PutUint64(descriptor[8:], h.size)
	root := h.root()
	copy(descriptor[16:], root[:])
	return sha256.Sum256(descriptor[:])
}

// root is the hash of the only block of the highest level, and zero if there is
// no content.
func (h *Hasher) root() [sha256.Size]byte {
	end := h.clone()
	if len(end.partial) > 0 {
		end.add(0, hashPadded(end.partial))
	}
	for i := 0; i < len(end.levels); i++ {
		l := &end.levels[i]
		if l.count == 1 {
			return l.last
		}
		if len(l.block) > 0 {
			sum := hashPadded(l.block)
			end.add(i+1, sum)
		}
	}
	return [sha256.Size]byte{}
}

func (h *Hasher) clone() *Hasher {
	dup := &Hasher{size: h.size, partial: h.partial, levels: make([]level, len(h.levels))}
	for i, l := range h.levels {
		l.block = append(make([]byte, 0, blockSize), l.block...)
		dup.levels[i] = l
	}
	return dup
}

// hashPadded is the hash of a block that ends in zeros.
func hashPadded(p []byte) [sha256.Size]byte {
	var block [blockSize]byte
	copy(block[:], p)
	return sha256.Sum256(block[:])
}
