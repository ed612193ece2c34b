package ostree

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A contentTemp is a regular file on its way into the repository, in the form
// that the mode of the repository wants.
type contentTemp struct {
	tmp     *temp
	archive *archiver // in archives; writes to the file
	size    int64     // that is in the header of an archived file
	payload hash.Hash // of the content alone, nil if nobody wants it
}

func (w *Writer) newContentTemp(fi FileInfo) (*contentTemp, error) {
	t, err := w.newTemp()
	if err != nil {
		return nil, err
	}
	f := &contentTemp{tmp: t, size: fi.Size}
	if w.mayLinkPayloads && w.canClone() {
		f.payload = sha256.New()
	}
	if w.store.mode != ModeArchive {
		return f, nil
	}
	f.archive = w.repo.pools.deflates.Get().(*archiver)
	f.archive.out.Reset(t.File)
	f.archive.deflate.Reset(f.archive.out)
	if _, err := f.archive.out.Write(appendArchiveHeader(make([]byte, 0, 256), fi)); err != nil {
		return nil, f.abandon(err)
	}
	return f, nil
}

// Write implements io.Writer.
func (f *contentTemp) Write(p []byte) (int, error) {
	if f.archive != nil {
		return f.archive.deflate.Write(p)
	}
	if f.payload != nil {
		f.payload.Write(p) // a hash never fails
	}
	return f.tmp.Write(p)
}

// abandon removes the file after an error.
func (f *contentTemp) abandon(cause error) error {
	f.release()
	return f.tmp.abandon(cause)
}

func (f *contentTemp) release() {
	if f.archive != nil {
		f.tmp.w.repo.pools.deflates.Put(f.archive)
		f.archive = nil
	}
}

// stageContent ends the content, gives the file its metadata and stages it.
func (f *contentTemp) stageContent(ctx context.Context, name ObjectName, fi FileInfo) (bool, error) {
	if f.payload != nil {
		defer f.tmp.w.lockPayload(sumOf(f.payload))()
	}
	err := f.share(ctx, fi)
	if err == nil {
		err = f.complete(fi)
	}
	if err != nil {
		return false, f.abandon(err)
	}
	f.release()
	created, err := f.tmp.stage(name)
	if err != nil {
		return created, err
	}
	return created, f.linkTo(name, fi.Size)
}

func (f *contentTemp) complete(fi FileInfo) error {
	file, w := f.tmp.File, f.tmp.w
	if fi.Size > smallFile && w.sync {
		// Lets the disk work while the next file is read. Only a hint: the sync
		// at the end reports what cannot be written.
		_ = unix.SyncFileRange(int(file.Fd()), 0, 0, unix.SYNC_FILE_RANGE_WRITE)
	}
	if w.store.mode == ModeArchive {
		return f.completeArchive(fi)
	}
	return w.setInode(int(file.Fd()), fi)
}

// setInode gives a regular file on disk what the mode of the repository wants.
func (w *Writer) setInode(fd int, fi FileInfo) error {
	switch w.store.mode {
	case ModeBareUser:
		return setUserMeta(fd, fi, inodeMode(fi, w.store.mode))
	case ModeBareUserOnly:
		return setMode(fd, fi.Mode)
	case ModeBareSplitXattrs:
		fi.Xattrs = nil // they are in an object of their own
	case ModeBare, ModeArchive:
	}
	return setOwner(fd, fi)
}

// inodeMode is the mode of the file on disk.
func inodeMode(fi FileInfo, mode Mode) uint32 {
	if mode == ModeBareUser {
		return fi.Mode&0o775 | 0o400
	}
	return fi.Mode
}

// completeArchive ends the compression, and writes the header again if the size
// turned out to be another one.
func (f *contentTemp) completeArchive(fi FileInfo) error {
	if err := f.archive.deflate.Close(); err != nil {
		return err
	}
	if err := f.archive.out.Flush(); err != nil {
		return err
	}
	if fi.Size != f.size {
		if _, err := f.tmp.WriteAt(appendArchiveHeader(nil, fi), 0); err != nil {
			return err
		}
	}
	return f.tmp.Chmod(0o644)
}

// stageSymlink stages a symbolic link in the form that the mode wants.
func (w *Writer) stageSymlink(name ObjectName, fi FileInfo) (bool, error) {
	switch w.store.mode {
	case ModeArchive:
		return w.stageBytes(name, appendArchiveHeader(nil, fi))
	case ModeBareUser:
		return w.stageUserSymlink(name, fi)
	}
	return w.create(name, func(path string) error {
		if err := unix.Symlinkat(fi.Target, w.staging.fd, path); err != nil {
			return &os.PathError{Op: "symlink", Path: path, Err: err}
		}
		err := w.setLink(path, fi)
		if err != nil {
			err = errors.Join(err, unix.Unlinkat(w.staging.fd, path, 0))
		}
		return err
	})
}

// stageUserSymlink stages a symbolic link as a file with the target and a NUL.
func (w *Writer) stageUserSymlink(name ObjectName, fi FileInfo) (bool, error) {
	return w.put(name, append([]byte(fi.Target), 0), 0o644, func(fd int) error { return setUserMeta(fd, fi, 0o644) })
}

// setLink gives a symbolic link its owner, attributes and time.
func (w *Writer) setLink(path string, fi FileInfo) error {
	if w.store.mode != ModeBareUserOnly {
		if err := w.setLinkOwner(path, fi); err != nil {
			return err
		}
	}
	return fsx.LUtimesAt(w.staging.fd, path, 0)
}

func (w *Writer) setLinkOwner(path string, fi FileInfo) error {
	err := unix.Fchownat(w.staging.fd, path, int(fi.UID), int(fi.GID), unix.AT_SYMLINK_NOFOLLOW)
	if err != nil {
		return ownerError(&os.PathError{Op: "chown", Path: path, Err: err})
	}
	if len(fi.Xattrs) == 0 || w.store.mode == ModeBareSplitXattrs {
		return nil
	}
	full := filepath.Join("/proc/self/fd", strconv.Itoa(w.staging.fd), path)
	return fsx.LSetXattrs(full, toDisk(fi.Xattrs))
}
