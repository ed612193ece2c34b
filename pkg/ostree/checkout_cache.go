package ostree

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// uncompressedCache is where an archive keeps files that were checked out
// without compression, laid out like the objects of a bare repository.
const uncompressedCache = "uncompressed-objects-cache"

// uncompressed is that cache in use by a checkout. What the checkout adds gets
// its name at the end, when it is on disk: files in the cache are never looked at
// again. The repository is locked, so that prune does not remove them meanwhile.
type uncompressed struct {
	repo   *Repo
	dir    *os.File
	unlock func() error
	prefix string // of the names of new files

	mu    sync.Mutex
	added map[Checksum]string // names in dir
}

// openCache opens the cache, if the options and the repository permit it. It is
// not used to verify: what is in it has no checksum.
func (c *checkout) openCache(ctx context.Context) error {
	r := c.repo
	setting, _ := r.ConfigValue("core", "enable-uncompressed-cache")
	if !c.opts.UncompressedCache || !c.opts.UserMode || c.opts.ForceCopy || c.opts.Verify ||
		r.Mode() != ModeArchive || !r.writable || setting == "false" || setting == "0" {
		return nil
	}
	unlock, err := r.Lock(ctx, Shared)
	if err != nil {
		return err
	}
	u := &uncompressed{repo: r, unlock: unlock, prefix: "new-" + rand.Text() + "-", added: make(map[Checksum]string)}
	if err := makeObjectDir(r.fd, uncompressedCache); err != nil {
		return errors.Join(err, unlock())
	}
	if u.dir, err = fsx.OpenDirAt(r.fd, uncompressedCache); err != nil {
		return errors.Join(err, unlock())
	}
	c.cache = u
	return nil
}

// close ends the use of the cache and keeps what was added, if the checkout was
// a success.
func (u *uncompressed) close(success bool) error {
	if u == nil {
		return nil
	}
	var err error
	if success {
		err = u.publish()
	}
	for _, name := range u.added { // those that have no name of their own now
		err = errors.Join(err, ignoreNotExist(unlinkAt(int(u.dir.Fd()), name)))
	}
	return errors.Join(err, u.dir.Close(), u.unlock())
}

func (u *uncompressed) publish() error {
	fd := int(u.dir.Fd())
	if len(u.added) > 0 && u.repo.settings.sync && !u.repo.opts.NoSync {
		if err := fsx.SyncFS(u.dir); err != nil {
			return err
		}
	}
	for sum, name := range u.added {
		path := objectPath(ObjectName{sum, ObjectFile}, ModeBare)
		if err := makeObjectDir(fd, path[:2]); err != nil {
			return err
		}
		if err := unix.Renameat(fd, name, fd, path); err != nil {
			return &os.LinkError{Op: "rename", Old: name, New: path, Err: err}
		}
	}
	return nil
}

// linkCached makes a hard link to a file in the cache, where it puts the file
// first if it is not there. It tells whether that is done, and not to be done by
// a copy.
func (c *checkout) linkCached(ctx context.Context, d *os.File, name string, sum Checksum) (bool, error) {
	cache := int(c.cache.dir.Fd())
	linked, err := c.linkTo(ctx, d, name, sum, cache, objectPath(ObjectName{sum, ObjectFile}, ModeBare))
	if !errors.Is(err, fs.ErrNotExist) {
		return linked, err
	}
	added, err := c.addCached(ctx, sum)
	if err != nil || added == "" {
		return false, err
	}
	return c.linkTo(ctx, d, name, sum, cache, added)
}

// addCached puts a file into the cache, unless it is one that is always copied,
// and returns its name for the time being.
func (c *checkout) addCached(ctx context.Context, sum Checksum) (string, error) {
	u := c.cache
	u.mu.Lock()
	name := u.added[sum]
	u.mu.Unlock()
	if name != "" {
		return name, nil
	}
	fi, content, err := c.repo.OpenFile(ctx, sum)
	if err != nil {
		return "", err
	}
	defer content.Close()
	if fi.IsSymlink() || fi.Size == 0 || fi.Mode&unix.S_IRUSR == 0 {
		return "", nil
	}
	f, err := fsx.TempFile(int(u.dir.Fd()), 0o600)
	if err != nil {
		return "", err
	}
	if _, err = io.Copy(f, content); err == nil {
		err = c.finishFile(f, fi)
	}
	if err == nil {
		name, err = u.name(f, sum)
	}
	return name, errors.Join(err, f.Close())
}

// name gives a complete file a name, unless another goroutine was faster.
func (u *uncompressed) name(f *os.File, sum Checksum) (string, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if name, ok := u.added[sum]; ok {
		return name, nil
	}
	name := fmt.Sprint(u.prefix, len(u.added))
	if err := fsx.LinkTemp(f, int(u.dir.Fd()), name); err != nil {
		return "", err
	}
	u.added[sum] = name
	return name, nil
}

// pruneUncompressed removes files from the cache that no checkout has, and what
// an interrupted one has left.
func (r *Repo) pruneUncompressed(ctx context.Context) error {
	top, err := fsx.OpenDirAt(r.fd, uncompressedCache)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer top.Close()
	cache := &store{fd: int(top.Fd()), mode: ModeBare}
	err = cache.each(ctx, func(n ObjectName) error {
		path := objectPath(n, ModeBare)
		st, err := fsx.StatAt(cache.fd, path)
		if err != nil || st.Nlink > 1 {
			return err
		}
		return unlinkAt(cache.fd, path)
	})
	if err != nil {
		return err
	}
	names, err := readNames(r.fd, uncompressedCache)
	if err != nil {
		return err
	}
	for _, name := range names {
		if _, isDir := hexByte(name); isDir && len(name) == 2 {
			continue
		}
		if err := unlinkAt(cache.fd, name); err != nil {
			return err
		}
	}
	return nil
}
