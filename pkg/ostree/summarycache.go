package ostree

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A summaryCache keeps the last summary of each remote with its signatures, as
// libostree does: DIR/summaries/REMOTE and REMOTE.sig. What the server said about
// their versions is in the modification time and the attribute user.etag. Nil
// keeps nothing.
type summaryCache struct{ dir string }

// A cachedFile is a file of the cache, or one that may go there.
type cachedFile struct {
	data     []byte
	etag     string
	modified time.Time
}

const (
	etagXattr  = "user.etag"
	maxETag    = 4 << 10
	sigSuffix  = ".sig"
	summaryDir = "summaries"
)

// summaryCache returns the cache for a remote, nil if there is none.
func (r *Repo) summaryCache(remote string, o FetchOptions) (*summaryCache, error) {
	if !isFragment(remote) {
		return nil, nil //nolint:nilnil // a cache may be nil
	}
	dir := o.CacheDir
	switch {
	case dir != "":
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("directory for the cache: %w", err)
		}
	case r.opts.SkipCache || !r.writable:
		return nil, nil //nolint:nilnil // see above
	default:
		dir = filepath.Join(r.path, "tmp", "cache")
	}
	return &summaryCache{dir: filepath.Join(dir, summaryDir)}, nil
}

// load reads a file, nil if there is none. A cache that cannot be read is no
// reason not to go on.
func (c *summaryCache) load(name string) *cachedFile {
	if c == nil {
		return nil
	}
	f, err := os.Open(filepath.Join(c.dir, name))
	if err != nil {
		return nil
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil
	}
	data, err := readBounded(f, maxMetadataSize)
	if err != nil || len(data) == 0 {
		return nil
	}
	etag := make([]byte, maxETag)
	n, err := unix.Fgetxattr(int(f.Fd()), etagXattr, etag)
	if err != nil {
		n = 0
	}
	return &cachedFile{data: data, etag: string(etag[:n]), modified: st.ModTime()}
}

// store writes a file or replaces it.
func (c *summaryCache) store(name string, file *cachedFile) (err error) {
	if c == nil {
		return nil
	}
	if err := os.MkdirAll(c.dir, 0o775); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.dir, ".tmp-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := file.write(f); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := os.Chtimes(f.Name(), time.Time{}, file.modified); err != nil {
		return err
	}
	return os.Rename(f.Name(), filepath.Join(c.dir, name))
}

func (file *cachedFile) write(f *os.File) error {
	if _, err := f.Write(file.data); err != nil {
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		return err
	}
	if file.etag == "" || len(file.etag) > maxETag {
		return nil
	}
	err := fsx.SetXattrs(int(f.Fd()), []fsx.Xattr{{Name: etagXattr, Value: []byte(file.etag)}})
	if errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, fs.ErrPermission) {
		return nil // the modification time must do
	}
	return err
}
