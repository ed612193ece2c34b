package ostree

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// canAdopt tells whether a file on disk is what its object would be, so that a
// link can take the place of a copy. Only the time of the last change differs,
// which nothing depends on.
func (a *adder) canAdopt(st *unix.Stat_t, fi FileInfo, attrs []fsx.Xattr) bool {
	// fs-verity would forbid writing to a file that is still somebody's if the
	// update fails.
	if !a.opts.Consume || fi.Mode != st.Mode || a.w.repo.settings.verity != verityNo {
		return false
	}
	switch a.w.store.mode {
	case ModeBareUserOnly:
		return true
	case ModeBare:
		return fi.UID == st.Uid && fi.GID == st.Gid && !a.opts.NoXattrs && equalXattrs(fi.Xattrs, fromDisk(attrs))
	case ModeArchive, ModeBareUser, ModeBareSplitXattrs:
	}
	return false
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
	if err != nil {
		return Checksum{}, fmt.Errorf("write file object to %s: %w", w.repo.path, err)
	}
	w.stats.content.Add(1)
	fi.Size = size
	if err := w.space.take(size); err != nil {
		return Checksum{}, errors.Join(err, unix.Unlinkat(w.staging.fd, tmp, 0))
	}
	created, err := w.stageName(tmp, object)
	return w.finish(object, fi, created, err)
}

// consume removes a directory that was added. The current directory stays, what
// is in it goes.
func consume(dir string) error {
	if filepath.Clean(dir) != "." {
		return ignoreNotExist(fsx.RemoveAll(dir))
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var errs []error
	for _, e := range entries {
		errs = append(errs, fsx.RemoveAll(e.Name()))
	}
	return errors.Join(errs...)
}
