package ostree

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// ChangeCheckout makes the checkout of one tree into that of another, which takes as long as the
// trees differ. The directory must be as [Repo.CheckoutTree] has left it, without options. What both
// trees have is not looked at.
//
// An error leaves a mixture of both. Nothing is synced to disk.
func (r *Repo) ChangeCheckout(ctx context.Context, dir string, from, to TreeID) error {
	c := &checkout{repo: r, link: r.linkable(false)}
	dir = filepath.Clean(dir)
	parent, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	defer parent.Close()
	if err := c.change(ctx, parent, filepath.Base(dir), from, to); err != nil {
		return fmt.Errorf("change checkout %s: %w", dir, err)
	}
	return nil
}

// change makes one directory and all below into another.
func (c *checkout) change(ctx context.Context, parent *os.File, name string, from, to TreeID) error {
	if err := ctx.Err(); err != nil || from == to {
		return err
	}
	d, err := fsx.OpenDirAt(int(parent.Fd()), name)
	if err != nil {
		return err
	}
	defer d.Close()
	if from.Contents != to.Contents {
		if err := c.changeEntries(ctx, d, from.Contents, to.Contents); err != nil {
			return err
		}
	}
	meta, err := c.loadMeta(ctx, to.Meta)
	if err != nil {
		return err
	}
	if from.Meta != to.Meta {
		if err := c.dropXattrs(ctx, d, from.Meta, meta); err != nil {
			return err
		}
	}
	return c.finishDir(d, meta)
}

// changeEntries removes first, so that a file can take the place of a directory.
func (c *checkout) changeEntries(ctx context.Context, d *os.File, from, to Checksum) error {
	before, err := c.repo.LoadDirTree(ctx, from)
	if err != nil {
		return err
	}
	after, err := c.repo.LoadDirTree(ctx, to)
	if err != nil {
		return err
	}
	stay := common(before, after)
	for _, name := range names(before) {
		if _, ok := stay[name]; !ok {
			if err := fsx.RemoveAllAt(int(d.Fd()), name); err != nil {
				return err
			}
		}
	}
	for _, f := range after.Files {
		if _, ok := stay[f.Name]; !ok {
			if err := c.entry(ctx, d, f.Name, "", f.Checksum); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
	}
	for _, sub := range after.Dirs {
		if old, ok := stay[sub.Name]; ok {
			err = c.change(ctx, d, sub.Name, old, sub.Tree)
		} else {
			err = c.tree(ctx, d, sub.Name, sub.Tree)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", sub.Name, err)
		}
	}
	return nil
}

// names lists the entries of a directory.
func names(t *DirTree) []string {
	all := make([]string, 0, len(t.Files)+len(t.Dirs))
	for _, f := range t.Files {
		all = append(all, f.Name)
	}
	for _, sub := range t.Dirs {
		all = append(all, sub.Name)
	}
	return all
}

// common are the entries that stay: files that are the same, and directories, with what they were.
func common(before, after *DirTree) map[string]TreeID {
	files := make(map[DirTreeFile]bool, len(before.Files))
	for _, f := range before.Files {
		files[f] = true
	}
	dirs := make(map[string]TreeID, len(before.Dirs))
	for _, sub := range before.Dirs {
		dirs[sub.Name] = sub.Tree
	}
	stay := make(map[string]TreeID)
	for _, f := range after.Files {
		if files[f] {
			stay[f.Name] = TreeID{}
		}
	}
	for _, sub := range after.Dirs {
		if old, ok := dirs[sub.Name]; ok {
			stay[sub.Name] = old
		}
	}
	return stay
}

// dropXattrs removes the attributes that a directory has no more.
func (c *checkout) dropXattrs(ctx context.Context, d *os.File, from Checksum, to DirMeta) error {
	before, err := c.loadMeta(ctx, from)
	if err != nil {
		return err
	}
	for _, x := range before.Xattrs {
		if slices.ContainsFunc(to.Xattrs, func(y Xattr) bool { return x.Name == y.Name }) {
			continue
		}
		if err := fsx.RemoveXattr(int(d.Fd()), toDisk([]Xattr{x})[0].Name); err != nil {
			return err
		}
	}
	return nil
}
