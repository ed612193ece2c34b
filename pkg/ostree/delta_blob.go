package ostree

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

const (
	// maxPartSize bounds a part of a delta, in bytes, compressed or not.
	maxPartSize = 4 << 30
	// memoryBlob is the size up to which a blob needs no file behind it.
	memoryBlob = 64 << 20
	// smallBlob is the size up to which the heap is the best place for it.
	smallBlob = 256 << 10
)

// A blob is a part of a delta while it is in use. It lies outside of the heap,
// so that it is gone when it is closed, and a large one in a file that has no
// name. The zero value is empty.
type blob struct {
	data   []byte
	mapped []byte // what to unmap
	taken  int64  // of the free space
	space  *space
}

// A blobMaker makes blobs. The zero value puts all of them in memory.
type blobMaker struct {
	space *space // what files take, nil for no files
	dirfd int    // where files are made
}

func (w *Writer) blobs() blobMaker { return blobMaker{space: w.space, dirfd: w.staging.fd} }

// newBlob makes a blob of the given size, which must not be more than
// maxPartSize.
func (m blobMaker) newBlob(size int64) (*blob, error) {
	if size < 0 || size > maxPartSize {
		return nil, fmt.Errorf("%d bytes are more than the limit of %d", size, int64(maxPartSize))
	}
	if size <= smallBlob {
		return &blob{data: make([]byte, size)}, nil
	}
	b := &blob{space: m.space}
	if size > memoryBlob && m.space != nil {
		if err := b.mapFile(m, size); err != nil || b.mapped != nil {
			return b, err
		}
	}
	return b, b.mapMemory(-1, size, unix.MAP_PRIVATE|unix.MAP_ANONYMOUS)
}

// mapFile reserves the space first, since a write to a mapped file has no way to
// report that there is none. It does nothing on a file system that cannot
// reserve.
func (b *blob) mapFile(m blobMaker, size int64) error {
	if err := m.space.take(size); err != nil {
		return err
	}
	b.taken = size
	f, err := fsx.TempFile(m.dirfd, 0o600)
	if err != nil {
		return errors.Join(err, b.close())
	}
	defer f.Close()
	err = unix.Fallocate(int(f.Fd()), 0, 0, size)
	switch {
	case errors.Is(err, unix.EOPNOTSUPP):
		return b.close()
	case err == nil:
		err = b.mapMemory(int(f.Fd()), size, unix.MAP_SHARED)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("temporary file of %d bytes: %w", size, err), b.close())
	}
	return nil
}

func (b *blob) mapMemory(fd int, size int64, flags int) error {
	mapped, err := unix.Mmap(fd, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return fmt.Errorf("map %d bytes: %w", size, err)
	}
	b.data, b.mapped = mapped, mapped
	return nil
}

// readFrom fills the blob and returns how much the reader had, which is more
// than fits if there is more.
func (b *blob) readFrom(r io.Reader) (int64, error) {
	n, err := readFull(r, b.data)
	if atEnd(err) {
		return int64(n), nil
	}
	if err != nil {
		return int64(n), err
	}
	more, err := readFull(r, make([]byte, 1))
	if atEnd(err) {
		err = nil
	}
	return int64(n + more), err
}

// close frees the blob. Nothing may refer to it any more.
func (b *blob) close() error {
	if b.taken > 0 {
		b.space.give(b.taken)
	}
	var err error
	if b.mapped != nil {
		err = unix.Munmap(b.mapped)
	}
	*b = blob{space: b.space}
	return err
}
