package ostree

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// canAdopt tells whether a file on disk is what its object would be, so that a
// link can take the place of a copy. Only the time of the last change differs,
// which nothing depends on.
func (a *adder) canAdopt(f fdFile, st *unix.Stat_t, fi FileInfo, attrs []fsx.Xattr) (bool, error) {
	// fs-verity would forbid writing to a file that is still somebody's if the
	// update fails.
	if !a.opts.Consume || fi.Mode != st.Mode || a.w.repo.settings.verity != verityNo {
		return false, nil
	}
	switch a.w.store.mode {
	case ModeBareUserOnly:
		return true, nil
	case ModeBare:
		if fi.UID != st.Uid || fi.GID != st.Gid {
			return false, nil
		}
		if a.opts.NoXattrs && !a.overlay { // they were not read
			var err error
			if attrs, err = fsx.AllXattrs(int(f)); err != nil {
				return false, err
			}
		}
		return equalXattrs(fi.Xattrs, fromDisk(attrs)), nil
	case ModeArchive, ModeBareUser, ModeBareSplitXattrs:
	}
	return false, nil
}

// adoptFile stores an open regular file, the given name in a directory, by a
// hard link to it where that is possible.
func (w *Writer) adoptFile(ctx context.Context, fi FileInfo, f fdFile, dir int, name string) (Checksum, error) {
	h := hashHeader(fi)
	size, err := copyBuffer(ctx, h, f, w.repo.pools, nil)
	if err != nil {
		return Checksum{}, err
	}
	object := ObjectName{sumOf(h), ObjectFile}
	if ok, err := w.store.has(object); ok || err != nil {
		w.stats.content.Add(1)
		return object.Checksum, err
	}
	tmp := w.tempName()
	err = fsx.LinkAt(dir, name, w.staging.fd, tmp)
	if isLinkRefused(err) {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return Checksum{}, err
		}
		return w.WriteFile(ctx, fi, f)
	}
	if err == nil {
		err = w.stageAdopted(f, tmp, object, size)
	}
	if err != nil {
		return Checksum{}, fmt.Errorf("write file object to %s: %w", w.repo.path, objectError(object, err))
	}
	return object.Checksum, nil
}

// stageAdopted stages a link to a file. It takes no space: the content is on the
// disk already.
func (w *Writer) stageAdopted(f fdFile, tmp string, object ObjectName, size int64) error {
	w.stats.content.Add(1)
	if w.each {
		if err := syncFD(int(f), tmp); err != nil {
			return errors.Join(err, unix.Unlinkat(w.staging.fd, tmp, 0))
		}
	}
	created, err := w.stageName(tmp, object)
	if err != nil || !created {
		return err
	}
	w.stats.contentWritten.Add(1)
	w.stats.contentBytes.Add(size)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.adopted = append(w.adopted, object)
	return nil
}

// disown removes objects from the staging directory that are links to files of
// somebody else, who may change them before it is resumed.
func (w *Writer) disown() error {
	var errs []error
	for _, object := range w.adopted {
		errs = append(errs, ignoreNotExist(unlinkAt(w.staging.fd, objectPath(object, w.store.mode))))
	}
	return errors.Join(errs...)
}
