package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/tinyflate"
)

// WriteFile stores a regular file or symbolic link and returns its checksum.
// The content is what the reader yields, whatever fi.Size says; a symbolic link
// has none, and its reader may be nil. Attributes without a value are dropped,
// and symbolic links have mode 0777, since no file system knows others.
//
// A ModeBare repository stores owners, which needs root. A ModeBareUserOnly
// repository refuses owners, attributes and modes that it cannot keep.
func (w *Writer) WriteFile(ctx context.Context, fi FileInfo, content io.Reader) (Checksum, error) {
	if err := w.begin(ctx); err != nil {
		return Checksum{}, err
	}
	c, err := w.writeFile(ctx, fi, content)
	if err != nil {
		return Checksum{}, fmt.Errorf("write file object to %s: %w", w.repo.path, err)
	}
	return c, nil
}

// writeBytes is WriteFile for a small regular file in memory.
func (w *Writer) writeBytes(ctx context.Context, fi FileInfo, data []byte) (Checksum, error) {
	if err := w.begin(ctx); err != nil {
		return Checksum{}, err
	}
	fi, err := w.prepareFile(fi)
	if err != nil {
		return Checksum{}, err
	}
	return w.writeSmall(ctx, fi, data)
}

// prepareFile checks a file that is to be stored, and counts it.
func (w *Writer) prepareFile(fi FileInfo) (FileInfo, error) {
	fi, err := prepareFileInfo(fi)
	if err != nil {
		return fi, err
	}
	if err := checkMode(fi, w.store.mode); err != nil {
		return fi, err
	}
	w.stats.content.Add(1)
	return fi, nil
}

func (w *Writer) writeFile(ctx context.Context, fi FileInfo, content io.Reader) (Checksum, error) {
	fi, err := w.prepareFile(fi)
	if err != nil {
		return Checksum{}, err
	}
	if fi.IsSymlink() {
		return w.writeSymlink(fi)
	}
	if content == nil {
		content = noContent()
	}
	pooled := w.repo.pools.buffers.Get().(*[]byte)
	defer w.repo.pools.buffers.Put(pooled)
	n, err := readFull(content, *pooled)
	switch {
	case atEnd(err):
		return w.writeSmall(ctx, fi, (*pooled)[:n])
	case err != nil:
		return Checksum{}, err
	}
	return w.writeLarge(ctx, fi, *pooled, content)
}

// checkMode refuses what a bare-user-only repository could not give back.
func checkMode(fi FileInfo, mode Mode) error {
	if mode != ModeBareUserOnly {
		return nil
	}
	if fi.UID != 0 || fi.GID != 0 || len(fi.Xattrs) > 0 {
		return fmt.Errorf("a %s repository keeps neither owners nor extended attributes", mode)
	}
	if extra := fi.Mode &^ (unix.S_IFREG | 0o775); extra != 0 && !fi.IsSymlink() {
		return fmt.Errorf("a %s repository does not keep the bits %#o of mode %#o", mode, extra, fi.Mode)
	}
	return nil
}

// tinyFile is the size up to which one block with the fixed code is as small as
// what a better compressor makes.
const tinyFile = 128

// hashHeader begins the checksum of a file.
func hashHeader(fi FileInfo) hash.Hash {
	h := sha256.New()
	h.Write(appendHeader(make([]byte, 0, 256), fi)) // a hash never fails
	return h
}

func sumOf(h hash.Hash) Checksum {
	var c Checksum
	h.Sum(c[:0])
	return c
}

func (w *Writer) writeSymlink(fi FileInfo) (Checksum, error) {
	c := sumOf(hashHeader(fi))
	name := ObjectName{c, ObjectFile}
	if ok, err := w.published(name); ok || err != nil {
		return c, err
	}
	created, err := w.stageSymlink(name, fi)
	return w.finish(name, fi, created, err)
}

// writeSmall stores a file that is in memory: nothing is created for one that
// the repository has.
func (w *Writer) writeSmall(ctx context.Context, fi FileInfo, data []byte) (Checksum, error) {
	h := hashHeader(fi)
	h.Write(data)
	name := ObjectName{sumOf(h), ObjectFile}
	has := w.published
	if w.store.mode == ModeArchive {
		has = w.store.has // compressing costs more than another look
	}
	if ok, err := has(name); ok || err != nil {
		return name.Checksum, errors.Join(err, w.linkStored(name, data))
	}
	fi.Size = int64(len(data))
	if err := w.space.take(fi.Size); err != nil {
		return Checksum{}, objectError(name, err)
	}
	created, err := w.stageSmall(ctx, name, fi, data)
	return w.finish(name, fi, created, err)
}

func (w *Writer) stageSmall(ctx context.Context, name ObjectName, fi FileInfo, data []byte) (bool, error) {
	if w.store.mode == ModeArchive {
		return w.stageArchived(name, fi, data)
	}
	if w.linksPayloads(fi.Size) {
		return w.putPayload(ctx, name, fi, data)
	}
	return w.put(name, data, inodeMode(fi, w.store.mode), func(fd int) error { return w.setInode(fd, fi) })
}

// stageArchived compresses a file in memory.
func (w *Writer) stageArchived(name ObjectName, fi FileInfo, data []byte) (bool, error) {
	if len(data) <= tinyFile {
		header := appendArchiveHeader(make([]byte, 0, 2*tinyFile), fi)
		return w.stageBytes(name, tinyflate.Append(header, data))
	}
	a := w.repo.pools.deflates.Get().(*archiver)
	defer w.repo.pools.deflates.Put(a)
	packed, err := a.pack(appendArchiveHeader(nil, fi), data)
	if err != nil {
		return false, err
	}
	return w.stageBytes(name, packed)
}

// writeLarge stores a file of which the first part is in memory.
func (w *Writer) writeLarge(ctx context.Context, fi FileInfo, first []byte, rest io.Reader) (Checksum, error) {
	known, err := w.knownLarge(ctx, fi, first, rest)
	if err != nil {
		return Checksum{}, err
	}
	if !known.IsZero() {
		if ok, err := w.store.has(ObjectName{known, ObjectFile}); ok || err != nil {
			return known, err
		}
	}
	f, err := w.newContentTemp(fi)
	if err != nil {
		return Checksum{}, err
	}
	c, size, err := w.copyLarge(ctx, f, fi, first, rest)
	if err == nil && !known.IsZero() && c != known {
		err = errors.New("the content changed while it was read")
	}
	if err != nil {
		w.space.give(size)
		return Checksum{}, f.abandon(err)
	}
	fi.Size = size
	return w.stageLarge(ctx, f, ObjectName{c, ObjectFile}, fi)
}

func (w *Writer) stageLarge(ctx context.Context, f *contentTemp, name ObjectName, fi FileInfo) (Checksum, error) {
	if ok, err := w.published(name); ok || err != nil {
		w.space.give(fi.Size)
		if err == nil {
			err = f.linkTo(name, fi.Size)
		}
		return name.Checksum, f.abandon(err)
	}
	created, err := f.stageContent(ctx, name, fi)
	return w.finish(name, fi, created, err)
}

// knownLarge finds the checksum before anything is written, where that is worth
// reading the content twice: compressing costs many times more than hashing.
// It is zero where it is not, or where the reader cannot go back.
func (w *Writer) knownLarge(ctx context.Context, fi FileInfo, first []byte, rest io.Reader) (Checksum, error) {
	seeker, ok := rest.(io.Seeker)
	if !ok || w.store.mode != ModeArchive {
		return Checksum{}, nil
	}
	here, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return Checksum{}, nil //nolint:nilerr // a pipe is a Seeker that cannot seek; it is read once
	}
	h := hashHeader(fi)
	h.Write(first)
	if _, err := copyBuffer(ctx, h, rest, w.repo.pools, nil); err != nil {
		return Checksum{}, err
	}
	_, err = seeker.Seek(here, io.SeekStart)
	return sumOf(h), err
}

// copyLarge writes content while it hashes it. It returns the size also when it
// fails, for what was taken of the free space.
func (w *Writer) copyLarge(ctx context.Context, f *contentTemp, fi FileInfo, first []byte, rest io.Reader) (Checksum, int64, error) {
	h := hashHeader(fi)
	dst := io.MultiWriter(h, f)
	if err := w.space.take(int64(len(first))); err != nil {
		return Checksum{}, 0, err
	}
	size := int64(len(first))
	if _, err := dst.Write(first); err != nil {
		return Checksum{}, size, err
	}
	n, err := copyBuffer(ctx, dst, rest, w.repo.pools, w.space)
	return sumOf(h), size + n, err
}

// copyBuffer is io.Copy that ends with ctx and counts free space.
func copyBuffer(ctx context.Context, dst io.Writer, src io.Reader, p *pools, s *space) (int64, error) {
	pooled := p.buffers.Get().(*[]byte)
	defer p.buffers.Put(pooled)
	for size := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return size, err
		}
		n, err := readFull(src, *pooled)
		if s != nil {
			if err := s.take(int64(n)); err != nil {
				return size, err
			}
		}
		size += int64(n)
		if _, err := dst.Write((*pooled)[:n]); err != nil {
			return size, err
		}
		if atEnd(err) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
	}
}

// finish counts what was staged and names the object in an error.
func (w *Writer) finish(name ObjectName, fi FileInfo, created bool, err error) (Checksum, error) {
	switch {
	case err != nil:
		w.space.give(fi.Size)
		return Checksum{}, objectError(name, err)
	case created:
		w.stats.contentWritten.Add(1)
		w.stats.contentBytes.Add(fi.Size)
	default:
		w.space.give(fi.Size)
	}
	return name.Checksum, nil
}

func objectError(name ObjectName, err error) error { return fmt.Errorf("%s: %w", name, err) }
