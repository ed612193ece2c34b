package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// UnionMode says what a checkout does where something exists.
type UnionMode int

const (
	// UnionNone refuses a destination that exists.
	UnionNone UnionMode = iota
	// UnionFiles keeps directories and replaces everything else.
	UnionFiles
	// UnionAdd keeps whatever exists.
	UnionAdd
	// UnionIdentical keeps directories and files that are the same object, and
	// refuses others.
	UnionIdentical
)

// CheckoutOptions says how a tree becomes files. The zero value makes a new
// directory with owners, modes and attributes, by hard links where the
// repository's mode permits.
type CheckoutOptions struct {
	// UserMode leaves out owners, extended attributes and set-id bits, as an
	// unprivileged user must.
	UserMode bool
	// Subpath is the part of the tree to check out; a file goes into the
	// destination under its own name. Empty means all.
	Subpath string
	// ForceCopy makes files of their own, which may be written to. Blocks are
	// shared if the file system can.
	ForceCopy bool
	// RequireHardlinks refuses to copy a file because it cannot be linked.
	RequireHardlinks bool
	// Union allows the destination to exist.
	Union UnionMode
	// Whiteouts takes files named .wh.NAME as an order to remove NAME, and
	// .wh..wh..opq to empty the directory, as in container layers.
	Whiteouts bool
	// PassthroughWhiteouts makes a file named .ostree-wh.NAME into an overlay's
	// whiteout, the character device 0:0 called NAME.
	PassthroughWhiteouts bool
	// AllowMissing makes a Subpath that does not exist an empty checkout, of which
	// not even the directory is made.
	AllowMissing bool
	// Skip, if set, leaves out what it returns true for, a directory with all
	// below. The path starts with a slash, at the root of the checkout. It is called
	// by several goroutines.
	Skip func(path string) bool
	// BareUserOnlyDirs takes away the mode bits of directories outside of 0775, as
	// a ModeBareUserOnly repository does with those of files when it stores them. A
	// checkout of such a repository always does that.
	BareUserOnlyDirs bool
	// Verify reads every object and compares it with its checksum before it is
	// linked or while it is copied. A corrupt one gives a [*CorruptError].
	Verify bool
	// DevIno, if set, is told of every hard link.
	DevIno *DevInoCache
	// UncompressedCache keeps files of a ModeArchive repository that are checked
	// out in user mode in the repository also without compression, in the directory
	// uncompressed-objects-cache, and makes hard links to those. Prune removes them
	// from there when no checkout has them any more. The setting
	// core.enable-uncompressed-cache=false forbids it.
	UncompressedCache bool
	// Labels, if set, gives every file its attribute security.selinux in place of
	// that of the commit, unless there is none for it. All files are copied then. It
	// has no effect in user mode.
	Labels Labeler
	// LabelPrefix is the path as which the destination is labelled. Empty means
	// Subpath.
	LabelPrefix string
	// Sync writes everything to disk before Checkout returns.
	Sync bool
}

// Checkout writes the tree of a commit to a directory.
//
// Hard links are made if the objects are what is wanted: in a bare repository
// without user mode, in a bare-user or bare-user-only one with it. Such files
// must not be written to, they are the repository's. Empty files, and what a
// bare-user repository stores for symbolic links, are always copied.
// Modification times are 0, except with ForceCopy. A bare-user-only repository
// knows user mode only, whatever UserMode says.
//
// The last element of dst may be a symbolic link to a directory; below, what
// exists and is a symbolic link is not followed.
//
// An error leaves what was written so far. Nothing is synced to disk unless Sync
// is set.
func (r *Repo) Checkout(ctx context.Context, c Checksum, dst string, o CheckoutOptions) error {
	if o.Verify {
		if _, err := r.store.verify(ctx, ObjectName{c, ObjectCommit}); err != nil {
			return fmt.Errorf("checkout to %s: %w", dst, err)
		}
	}
	commit, err := r.LoadCommit(ctx, c)
	if err != nil {
		return err
	}
	return r.CheckoutTree(ctx, commit.Tree, dst, o)
}

// CheckoutTree writes a tree to a directory, like [Repo.Checkout].
func (r *Repo) CheckoutTree(ctx context.Context, id TreeID, dst string, o CheckoutOptions) error {
	c := &checkout{repo: r, opts: o}
	c.opts.UserMode = o.UserMode || r.Mode() == ModeBareUserOnly
	c.link = !o.ForceCopy && o.Labels == nil && r.linkable(c.opts.UserMode)
	if err := c.checkHardlinks(dst); err != nil {
		return fmt.Errorf("checkout to %s: %w", dst, err)
	}
	if o.Verify {
		c.verified = newObjectSet(nil)
	}
	err := c.openCache(ctx)
	if err == nil {
		err = c.run(ctx, id, dst)
		err = errors.Join(err, c.cache.close(err == nil))
	}
	if err != nil {
		return fmt.Errorf("checkout to %s: %w", dst, err)
	}
	return nil
}

// checkHardlinks finds out before anything is made that RequireHardlinks asks
// for too much. A directory above dst that does not exist is found out later.
func (c *checkout) checkHardlinks(dst string) error {
	if !c.opts.RequireHardlinks {
		return nil
	}
	refused := &HardlinkError{Mode: c.repo.Mode(), UserMode: c.opts.UserMode}
	objects, err := fsx.StatAt(c.repo.store.fd, "")
	if err != nil {
		return err
	}
	if above, err := fsx.StatAt(unix.AT_FDCWD, filepath.Dir(filepath.Clean(dst))); err == nil && above.Dev != objects.Dev {
		refused.OtherDevice = true
		return refused
	}
	if !c.link {
		return refused
	}
	return nil
}

// A HardlinkError says that a checkout cannot consist of hard links, because
// objects are not like the files that it would have or are on another device.
type HardlinkError struct {
	Mode        Mode // of the repository
	UserMode    bool
	OtherDevice bool // the destination is not on the repository's file system
}

// Error implements error.
func (e *HardlinkError) Error() string {
	if e.OtherDevice {
		return "objects cannot be hard-linked to another file system; copy them, or check out beside the repository"
	}
	way := "with"
	if e.UserMode {
		way = "without"
	}
	if e.Mode == ModeArchive || e.Mode == ModeBareSplitXattrs {
		return fmt.Sprintf("mode %s: objects are not files that could be hard-linked; copy them, or use a repository of another mode", e.Mode)
	}
	return fmt.Sprintf("mode %s: objects can only be hard-linked %s user mode", e.Mode, way)
}

// linkable tells whether objects have the metadata that a checkout wants.
func (r *Repo) linkable(userMode bool) bool {
	switch r.Mode() {
	case ModeBare:
		return !userMode
	case ModeBareUser, ModeBareUserOnly:
		return userMode
	case ModeArchive, ModeBareSplitXattrs:
	}
	return false
}

// checkout is one run.
type checkout struct {
	repo     *Repo
	opts     CheckoutOptions
	link     bool          // objects may be hard-linked
	cache    *uncompressed // or files of this cache, if it is not nil
	metas    metaCache
	verified *objectSet  // objects that were compared with their checksums, nil if none are
	noClone  atomic.Bool // the file system cannot share blocks
}

func (c *checkout) run(ctx context.Context, id TreeID, dst string) error {
	node, err := c.subpath(ctx, id)
	if c.opts.AllowMissing && errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	dst = filepath.Clean(dst)
	parent, err := os.Open(filepath.Dir(dst))
	if err != nil {
		return err
	}
	defer parent.Close()
	if node.isDir() {
		err = c.tree(ctx, parent, filepath.Base(dst), node.dir)
	} else {
		err = c.single(ctx, parent, filepath.Base(dst), node)
	}
	if err != nil || !c.opts.Sync {
		return err
	}
	return c.sync(dst)
}

func (c *checkout) subpath(ctx context.Context, id TreeID) (treeNode, error) {
	view, err := c.repo.FSTree(ctx, id)
	if err != nil {
		return treeNode{}, err
	}
	if c.verified != nil {
		view.dirTree = func(sum Checksum) (*DirTree, error) {
			return readVerified(c.repo.store, ObjectName{sum, ObjectDirTree}, decodeDirTree)
		}
	}
	name := strings.Trim(filepath.Clean("/"+c.opts.Subpath), "/")
	if name == "" {
		name = "."
	}
	return view.find("subpath", name, false)
}

// single writes one file into a directory, which it makes if needed.
func (c *checkout) single(ctx context.Context, parent *os.File, name string, node treeNode) error {
	err := unix.Mkdirat(int(parent.Fd()), name, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	d, err := openTop(parent, name)
	if err != nil {
		return err
	}
	defer d.Close()
	if c.opts.Skip != nil && c.opts.Skip("/"+node.name) {
		return nil
	}
	c.opts.Subpath = path.Dir(path.Clean("/" + c.opts.Subpath)) // the file is not below itself
	return c.entry(ctx, d, node.name, "/"+node.name, node.file)
}

// openTop opens the directory that the user named, which may be a link to one.
func openTop(parent *os.File, name string) (*os.File, error) {
	return fsx.OpenAt(int(parent.Fd()), name, unix.O_RDONLY|unix.O_DIRECTORY, 0)
}

// sync writes the whole file system to disk: for a tree with thousands of new
// names that is cheaper than each of its directories.
func (c *checkout) sync(dst string) error {
	d, err := os.Open(dst)
	if err != nil {
		return err
	}
	return errors.Join(fsx.SyncFS(d), d.Close())
}
