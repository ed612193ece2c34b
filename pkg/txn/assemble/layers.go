package assemble

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

// A layer is a stage of a tree under construction: files that were put there by
// hard link, and what programs have written since. The first one begins with
// nothing but the base below it. A layer that is not the last is never written
// to again, because the kernel allows no changes below an overlay.
type layer struct {
	tree  ostree.TreeID // what it begins with; zero for the first
	dir   string        // where that is checked out; "" for the first
	upper string
	work  string
}

// maxLayers is how many layers there may be. The kernel looks for a file in one
// after the other, and takes their names in one page.
const maxLayers = 32

// mountLayers mounts the overlay of all layers.
func (c *Cage) mountLayers(ctx context.Context) error {
	top := c.layers[len(c.layers)-1]
	overlay := sandbox.Overlay{
		Upper: c.path(top.upper), Work: c.path(top.work), Target: c.path("root"),
		Volatile: true, // the repository syncs what it takes over
	}
	for i, l := range slices.Backward(c.layers) {
		if i < len(c.layers)-1 {
			overlay.Lower = append(overlay.Lower, c.path(l.upper))
		}
		if l.dir != "" {
			overlay.Lower = append(overlay.Lower, c.path(l.dir))
		}
	}
	overlay.Lower = append(overlay.Lower, c.path(c.lower))
	var err error
	c.mounted, err = overlay.Mount(ctx)
	return err
}

// addLayer puts a tree over what there is. Whatever is in the tree hides what was
// at its path; directories are merged and take the tree's owners and modes.
func (c *Cage) addLayer(ctx context.Context, repo *ostree.Repo, tree ostree.TreeID) error {
	info, err := fsStat(c.Root())
	if err != nil {
		return err
	}
	if err := c.unmount(); err != nil {
		return err
	}
	n := c.countLayers()
	l := layer{tree: tree, dir: fmt.Sprintf("tree-%d", n)}
	if err := repo.CheckoutTree(ctx, tree, c.path(l.dir), ostree.CheckoutOptions{}); err != nil {
		return err
	}
	if err := c.makeUpper(&l, info); err != nil {
		return err
	}
	c.layers = append(c.layers, l)
	return c.mountLayers(ctx)
}

// countLayers counts the layers there are and were.
func (c *Cage) countLayers() int { return len(c.settled) + len(c.layers) }

// startOver puts a tree in place of everything: it is what was at the mount.
func (c *Cage) startOver(ctx context.Context, repo *ostree.Repo, tree ostree.TreeID) error {
	if err := c.unmount(); err != nil {
		return err
	}
	n := c.countLayers()
	c.lower = fmt.Sprintf("lower-%d", n)
	if err := repo.CheckoutTree(ctx, tree, c.path(c.lower), ostree.CheckoutOptions{}); err != nil {
		return err
	}
	info, err := fsStat(c.path(c.lower))
	if err != nil {
		return err
	}
	c.settled, c.layers = append(c.settled, c.layers...), nil
	var l layer
	if err := c.makeUpper(&l, info); err != nil {
		return err
	}
	c.layers = append(c.layers, l)
	return c.mountLayers(ctx)
}

// makeUpper makes the directories of a layer to be that programs write to.
func (c *Cage) makeUpper(l *layer, info unix.Stat_t) error {
	n := c.countLayers()
	l.upper, l.work = fmt.Sprintf("upper-%d", n), fmt.Sprintf("work-%d", n)
	for _, dir := range []string{l.upper, l.work} {
		if err := os.Mkdir(c.path(dir), 0o700); err != nil {
			return err
		}
	}
	// The upper directory's own owner and mode are those of the merged root.
	if err := os.Chown(c.path(l.upper), int(info.Uid), int(info.Gid)); err != nil {
		return err
	}
	if err := unix.Chmod(c.path(l.upper), info.Mode&0o7777); err != nil {
		return &fs.PathError{Op: "chmod", Path: c.path(l.upper), Err: err}
	}
	return nil
}

// settle makes one lower directory of all layers, which holds what was at the mount.
func (b *builder) settle(ctx context.Context) error {
	return b.settleWith(ctx, func(*ostree.Writer, *ostree.Tree) error { return nil })
}

// settleWith is settle with a change to what the directory is made of.
func (b *builder) settleWith(ctx context.Context, change func(*ostree.Writer, *ostree.Tree) error) error {
	if _, err := b.leftovers(); err != nil { // sockets cannot be in a tree
		return err
	}
	if err := b.cage.unmount(); err != nil {
		return err
	}
	err := b.in.Repo.Update(ctx, func(w *ostree.Writer) error {
		tree, err := b.mergedTree(ctx, w)
		if err != nil {
			return err
		}
		if err := change(w, tree); err != nil {
			return err
		}
		b.lower, err = w.WriteTree(ctx, tree)
		return err
	})
	if err != nil {
		return err
	}
	return b.cage.startOver(ctx, b.in.Repo, b.lower)
}

// forgetTimes gives everything that is above the base the time that files of a
// checkout have. The kernel allows no changes below a mount, so that goes for as
// long.
func (c *Cage) forgetTimes(ctx context.Context) error {
	if err := c.unmount(); err != nil {
		return err
	}
	for _, l := range c.layers {
		err := filepath.WalkDir(c.path(l.upper), func(file string, _ fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			err = unix.UtimesNanoAt(unix.AT_FDCWD, file, make([]unix.Timespec, 2), unix.AT_SYMLINK_NOFOLLOW)
			if err != nil {
				return &fs.PathError{Op: "utimensat", Path: file, Err: err}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return c.mountLayers(ctx)
}

// inAnyLayer tells whether something above the base is at a path: placed, changed
// or removed.
func (c *Cage) inAnyLayer(name string) (bool, error) {
	for _, l := range slices.Concat(c.settled, c.layers) {
		for _, dir := range []string{l.upper, l.dir} {
			if dir == "" {
				continue
			}
			_, err := os.Lstat(filepath.Join(c.path(dir), name))
			if err == nil {
				return true, nil
			}
			if ignoreMissing(err) != nil {
				return false, err
			}
		}
	}
	return false, nil
}

// merge makes a tree in memory, which holds the base, what is at the mount. Only
// the upper directories are read.
func (c *Cage) merge(ctx context.Context, w *ostree.Writer, tree *ostree.Tree) error {
	for i, l := range c.layers {
		if l.dir != "" {
			placed, err := w.LoadTree(ctx, l.tree)
			if err != nil {
				return err
			}
			if err := w.AddTree(ctx, tree, "/", placed, ostree.AddOptions{}); err != nil {
				return err
			}
		}
		// What a later layer has in its place need not be read. Sockets and the
		// like may be there still, but in no later layer: verify has seen to it.
		var opts ostree.AddOptions
		if i < len(c.layers)-1 {
			opts.SkipSpecial = true
			opts.Filter = func(path string, info *ostree.FileInfo) ostree.Action {
				if info.Mode&unix.S_IFMT != unix.S_IFDIR && c.replacedAfter(i, path) {
					return ostree.Skip
				}
				return ostree.Keep
			}
		}
		if err := w.ApplyOverlay(ctx, tree, c.path(l.upper), opts); err != nil {
			return err
		}
	}
	return nil
}

// replacedAfter tells whether a layer after the i-th has a file, a link or a
// removal at a path.
func (c *Cage) replacedAfter(i int, name string) bool {
	for _, l := range c.layers[i+1:] {
		for _, dir := range []string{l.upper, l.dir} {
			st, err := statNoLinks(c.path(dir), name)
			if err == nil && st.Mode&unix.S_IFMT != unix.S_IFDIR {
				return true
			}
		}
	}
	return false
}

// statNoLinks describes a path below a directory without following any link.
func statNoLinks(dir, name string) (unix.Stat_t, error) {
	var st unix.Stat_t
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_NOFOLLOW | unix.O_CLOEXEC, Resolve: unix.RESOLVE_NO_SYMLINKS | unix.RESOLVE_BENEATH}
	root, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return st, err
	}
	defer unix.Close(root) //nolint:errcheck // nothing was written
	fd, err := unix.Openat2(root, "."+name, &how)
	if err != nil {
		return st, err
	}
	defer unix.Close(fd) //nolint:errcheck // nothing was written
	return st, unix.Fstat(fd, &st)
}

// fsStat is lstat(2).
func fsStat(path string) (unix.Stat_t, error) {
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		return st, &fs.PathError{Op: "lstat", Path: path, Err: err}
	}
	return st, nil
}
