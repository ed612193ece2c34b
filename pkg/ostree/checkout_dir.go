package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// A checkoutDir is a directory that is being filled. Its mode and owner come
// last, so that they cannot get in the way.
type checkoutDir struct {
	parent  *checkoutDir // nil for the top
	name    string
	id      TreeID
	file    *os.File
	meta    DirMeta
	created bool
	pending atomic.Int32 // directories below and itself that are not finished
}

// tree makes a directory and everything below it.
func (c *checkout) tree(ctx context.Context, parent *os.File, name string, id TreeID) error {
	open := openDirs{dirs: make(map[*checkoutDir]bool)}
	defer open.close()
	var stack workStack[*checkoutDir]
	return stack.run([]*checkoutDir{{name: name, id: id}}, func() func(*checkoutDir, []*checkoutDir) ([]*checkoutDir, error) {
		read := c.newTreeReader()
		return func(d *checkoutDir, add []*checkoutDir) ([]*checkoutDir, error) {
			add, err := c.dir(ctx, parent, d, read, &open, add)
			if err != nil {
				err = d.where(err)
			}
			return add, err
		}
	})
}

// where prepends the names on the way to the directory.
func (d *checkoutDir) where(err error) error {
	for ; d.parent != nil; d = d.parent {
		err = fmt.Errorf("%s: %w", d.name, err)
	}
	return err
}

// path is the way from the root of the checkout, which is "".
func (d *checkoutDir) path() string {
	if d.parent == nil {
		return ""
	}
	return d.parent.path() + "/" + d.name
}

// openDirs are the directories to be closed if something fails.
type openDirs struct {
	mu   sync.Mutex
	dirs map[*checkoutDir]bool
}

func (o *openDirs) add(d *checkoutDir) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dirs[d] = true
}

func (o *openDirs) remove(d *checkoutDir) error {
	o.mu.Lock()
	delete(o.dirs, d)
	o.mu.Unlock()
	return d.file.Close()
}

func (o *openDirs) close() {
	for d := range o.dirs {
		d.file.Close()
	}
}

// dir makes a directory, writes its files and returns its directories.
func (c *checkout) dir(ctx context.Context, top *os.File, d *checkoutDir, read *dirTreeReader, open *openDirs, add []*checkoutDir) ([]*checkoutDir, error) {
	if err := ctx.Err(); err != nil {
		return add, err
	}
	tree, err := read.load(c.repo.store, ObjectName{d.id.Contents, ObjectDirTree})
	if err != nil {
		return add, err
	}
	if d.meta, err = c.metas.load(d.id.Meta, func() (DirMeta, error) { return c.loadMeta(ctx, d.id.Meta) }); err != nil {
		return add, err
	}
	in := top
	if d.parent != nil {
		in = d.parent.file
	}
	if d.file, d.created, err = c.makeDir(in, d.name, d.parent == nil); err != nil {
		return add, err
	}
	open.add(d)
	if err := c.files(ctx, d, tree); err != nil {
		return add, err
	}
	for _, sub := range tree.dirs {
		name := string(sub.name)
		if c.opts.Skip == nil || !c.opts.Skip(d.path()+"/"+name) {
			id := TreeID{Contents: Checksum(sub.contents), Meta: Checksum(sub.meta)}
			add = append(add, &checkoutDir{parent: d, name: name, id: id})
		}
	}
	d.pending.Store(int32(len(add)) + 1) //nolint:gosec // entries of a directory
	return add, c.finish(d, open)
}

// finish takes note that one of the things in a directory is done, and gives the
// directory its mode and owner after the last.
func (c *checkout) finish(d *checkoutDir, open *openDirs) error {
	for ; d != nil && d.pending.Add(-1) == 0; d = d.parent {
		if d.created {
			meta, err := c.labelledDir(d)
			if err == nil {
				err = c.finishDir(d.file, meta)
			}
			if err != nil {
				return err
			}
		}
		if err := open.remove(d); err != nil {
			return err
		}
	}
	return nil
}

// makeDir makes and opens a directory and tells whether it is new. A symbolic
// link in its place is refused, except at the top, and except where layers are
// put on each other like those of an overlay, in which the directory hides it.
func (c *checkout) makeDir(parent *os.File, name string, top bool) (*os.File, bool, error) {
	err := unix.Mkdirat(int(parent.Fd()), name, 0o700)
	if errors.Is(err, fs.ErrExist) && !top && c.opts.Whiteouts && c.opts.Union == UnionFiles {
		if err := removeFileAt(int(parent.Fd()), name); err != nil {
			return nil, false, err
		}
		err = unix.Mkdirat(int(parent.Fd()), name, 0o700)
	}
	exists := errors.Is(err, fs.ErrExist)
	if err != nil && (!exists || c.opts.Union == UnionNone) {
		return nil, false, &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	open := func(parent *os.File, name string) (*os.File, error) { return fsx.OpenDirAt(int(parent.Fd()), name) }
	if top {
		open = openTop
	}
	d, err := open(parent, name)
	return d, !exists, err
}

// removeFileAt removes what is no directory.
func removeFileAt(dirfd int, name string) error {
	st, err := fsx.StatAt(dirfd, name)
	if err != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR {
		return err
	}
	return fsx.RemoveAllAt(dirfd, name)
}

// files writes the files of a directory.
func (c *checkout) files(ctx context.Context, d *checkoutDir, tree *rawDirTree) error {
	if err := c.applyOpaque(d.file, tree, d.created); err != nil {
		return err
	}
	for _, f := range tree.files {
		name := string(f.name)
		if c.opts.Skip != nil && c.opts.Skip(d.path()+"/"+name) {
			continue
		}
		if err := c.entry(ctx, d.file, name, c.labelPath(d, name), Checksum(f.sum)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// applyOpaque empties a directory that existed, if the tree asks for it.
func (c *checkout) applyOpaque(d *os.File, tree *rawDirTree, created bool) error {
	if !c.opts.Whiteouts || created {
		return nil
	}
	if !slices.ContainsFunc(tree.files, func(f rawFile) bool { return string(f.name) == whiteoutOpaque }) {
		return nil
	}
	names, err := d.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := fsx.RemoveAllAt(int(d.Fd()), name); err != nil {
			return err
		}
	}
	return nil
}

func (c *checkout) finishDir(d *os.File, meta DirMeta) error {
	fd := int(d.Fd())
	if !c.opts.UserMode {
		if err := setDirOwner(d, meta); err != nil {
			return err
		}
	}
	mode := meta.Mode & 0o7777
	if c.opts.BareUserOnlyDirs || c.repo.Mode() == ModeBareUserOnly {
		mode &= 0o775
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return &fs.PathError{Op: "chmod", Path: d.Name(), Err: err}
	}
	if !c.opts.UserMode {
		if err := fsx.SetXattrs(fd, toDisk(meta.Xattrs)); err != nil {
			return err
		}
	}
	return c.finishTime(fd, "")
}

// setDirOwner looks first: most directories have the right owner already, and a
// change of the inode costs several times as much as a look.
func setDirOwner(d *os.File, meta DirMeta) error {
	fd := int(d.Fd())
	st, err := fsx.StatAt(fd, "")
	if err != nil || st.Uid == meta.UID && st.Gid == meta.GID {
		return err
	}
	if err := unix.Fchown(fd, int(meta.UID), int(meta.GID)); err != nil {
		return &fs.PathError{Op: "chown", Path: d.Name(), Err: err}
	}
	return nil
}

// metaCache keeps the few dirmeta objects that most directories share.
type metaCache struct {
	mu    sync.Mutex
	known map[Checksum]DirMeta
}

func (m *metaCache) load(c Checksum, read func() (DirMeta, error)) (DirMeta, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if meta, ok := m.known[c]; ok {
		return meta, nil
	}
	meta, err := read()
	if err != nil {
		return DirMeta{}, err
	}
	if m.known == nil {
		m.known = map[Checksum]DirMeta{}
	}
	m.known[c] = meta
	return meta, nil
}
