package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// With core.payload-link-threshold a payload link tells, for the checksum of the
// content of a large file alone, which file object has that content. A file
// with the same content and other metadata then shares its blocks, on a file
// system that can.

const (
	noPayloadLinks    = math.MaxUint64 // core.payload-link-threshold=-1
	payloadLinkPrefix = "../"          // of the target: an object as seen from a directory of objects
)

// linksPayloads tells whether payload links are made for files of a size.
func (w *Writer) linksPayloads(size int64) bool {
	return w.mayLinkPayloads && uint64(size) >= w.repo.settings.payloadThreshold && w.canClone()
}

// wantsPayloads tells whether the configuration asks for payload links.
func (r *Repo) wantsPayloads() bool {
	switch r.settings.mode {
	case ModeBare, ModeBareUser, ModeBareUserOnly:
		return r.settings.payloadThreshold != noPayloadLinks
	case ModeArchive, ModeBareSplitXattrs:
	}
	return false
}

// probeClone tells whether files in the repository can share blocks.
func (w *Writer) probeClone() bool {
	src, err := fsx.OpenAt(w.repo.fd, "config", unix.O_RDONLY, 0)
	if err != nil {
		return false
	}
	defer src.Close()
	dst, err := fsx.TempFile(w.staging.fd, 0o600)
	if err != nil {
		return false
	}
	defer dst.Close()
	return unix.IoctlFileClone(int(dst.Fd()), int(src.Fd())) == nil
}

// lockPayload waits until nobody else stages an object with the same payload, so
// that of two at the same time the second finds the first.
func (w *Writer) lockPayload(payload Checksum) (unlock func()) {
	lock := &w.payloads[payload[0]]
	lock.Lock()
	return lock.Unlock
}

// findPayload opens a file that has the content with a checksum and size, or
// returns nil if none is known. Its content has been checked: what is wrong in
// one object must not come into others.
func (w *Writer) findPayload(ctx context.Context, payload Checksum, size int64) (*os.File, error) {
	f, err := w.openPayload(payload)
	if f == nil || err != nil {
		return nil, err
	}
	h := sha256.New()
	n, err := copyBuffer(ctx, h, io.LimitReader(f, size+1), w.repo.pools, nil)
	if err == nil && n == size && sumOf(h) == payload {
		return f, nil
	}
	return nil, errors.Join(err, f.Close())
}

func (w *Writer) openPayload(payload Checksum) (*os.File, error) {
	link := ObjectName{payload, ObjectPayloadLink}
	for s := w.store; s != nil; s = s.next {
		target, err := s.payloadTarget(link)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		f, err := w.store.openPlain(target)
		if !errors.Is(err, ErrObjectNotFound) {
			return f, err
		}
		if s == w.repo.store { // its object was pruned; one that follows takes its place
			if err := ignoreNotExist(unlinkAt(s.fd, objectPath(link, s.mode))); err != nil {
				return nil, err
			}
		}
	}
	return nil, nil
}

// payloadTarget reads the link itself, in this store only.
func (s *store) payloadTarget(link ObjectName) (ObjectName, error) {
	var target ObjectName
	if s.lacks(link) {
		return target, fs.ErrNotExist
	}
	err := s.visit(link, func(p string) error {
		text, err := fsx.ReadLinkAt(s.fd, p)
		if errors.Is(err, unix.EINVAL) {
			return corrupt(p, errors.New("not a symbolic link"))
		}
		if err != nil {
			return err
		}
		rest, prefixed := strings.CutPrefix(text, payloadLinkPrefix)
		dir, file := path.Split(rest)
		var ok bool
		target, ok = parseObjectPath(strings.TrimSuffix(dir, "/"), file, s.mode)
		if !prefixed || !ok || target.Type != ObjectFile {
			return corrupt(p, fmt.Errorf("%q is not the path of a file object", text))
		}
		return nil
	})
	return target, err
}

// openPlain opens the file of an object whose bytes are the content.
func (s *store) openPlain(object ObjectName) (*os.File, error) {
	var f *os.File
	err := s.find(object, func(s *store, p string) error {
		if s.mode == ModeArchive {
			return fs.ErrNotExist
		}
		var err error
		f, err = fsx.OpenAt(s.fd, p, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
		return err
	})
	return f, err
}

// shareBlocks makes a file with the same content use the blocks of another. It
// returns false where the file system has a reason not to.
func shareBlocks(fd int, src *os.File) (bool, error) {
	err := unix.IoctlFileClone(fd, int(src.Fd()))
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.EXDEV), errors.Is(err, unix.EINVAL):
		return false, nil
	}
	return false, &os.PathError{Op: "clone", Path: src.Name(), Err: err}
}

// linkPayload notes which object has a content.
func (w *Writer) linkPayload(payload Checksum, object ObjectName) error {
	link := ObjectName{payload, ObjectPayloadLink}
	if ok, err := w.store.has(link); ok || err != nil {
		return err
	}
	_, err := w.create(link, func(p string) error {
		return unix.Symlinkat(payloadLinkPrefix+objectPath(object, w.store.mode), w.staging.fd, p)
	})
	if err != nil {
		return fmt.Errorf("payload link to %s: %w", object, err)
	}
	return nil
}

// putPayload is put for a file in memory whose content another may have.
func (w *Writer) putPayload(ctx context.Context, name ObjectName, fi FileInfo, data []byte) (bool, error) {
	payload := Checksum(sha256.Sum256(data))
	defer w.lockPayload(payload)()
	src, err := w.findPayload(ctx, payload, int64(len(data)))
	if err != nil {
		return false, err
	}
	shared := false
	created, err := w.put(name, data, inodeMode(fi, w.store.mode), func(fd int) error {
		if src != nil {
			var err error
			if shared, err = shareBlocks(fd, src); err != nil {
				return err
			}
		}
		return w.setInode(fd, fi)
	})
	if src != nil {
		err = errors.Join(err, src.Close())
	}
	if err != nil {
		return created, err
	}
	if created && shared {
		w.space.give(fi.Size)
	}
	return created, w.linkPayload(payload, name)
}

// share makes a file that is complete use the blocks of another one with its
// content.
func (f *contentTemp) share(ctx context.Context, fi FileInfo) error {
	w := f.tmp.w
	if f.payload == nil || !w.linksPayloads(fi.Size) {
		return nil
	}
	src, err := w.findPayload(ctx, sumOf(f.payload), fi.Size)
	if src == nil || err != nil {
		return err
	}
	shared, err := shareBlocks(int(f.tmp.Fd()), src)
	if shared {
		w.space.give(fi.Size)
	}
	return errors.Join(err, src.Close())
}

// linkTo notes that the object has the content of the file.
func (f *contentTemp) linkTo(object ObjectName, size int64) error {
	if f.payload == nil || !f.tmp.w.linksPayloads(size) {
		return nil
	}
	return f.tmp.w.linkPayload(sumOf(f.payload), object)
}

// linkStored notes the content of an object that is there already.
func (w *Writer) linkStored(object ObjectName, data []byte) error {
	if !w.linksPayloads(int64(len(data))) {
		return nil
	}
	return w.linkPayload(sha256.Sum256(data), object)
}

// linkImported reads a file object, that came as a hard link, for its content.
func (w *Writer) linkImported(ctx context.Context, object ObjectName) error {
	if !w.mayLinkPayloads || !w.canClone() {
		return nil
	}
	fi, content, err := w.store.openFile(object.Checksum)
	if err != nil {
		return err
	}
	defer content.Close()
	if fi.IsSymlink() || !w.linksPayloads(fi.Size) {
		return nil
	}
	h := sha256.New()
	if _, err := copyBuffer(ctx, h, content, w.repo.pools, nil); err != nil {
		return err
	}
	return w.linkPayload(sumOf(h), object)
}
