package ostree

import (
	"context"
	"fmt"
	"path"
	"slices"
)

// AddTree adds a tree, such as that of a commit, to another one at a path.
// Directories that exist are merged and take the metadata of those added; any
// other entry that exists is replaced. The objects of the tree must be in this
// repository or its parents, as they are when the tree was loaded with
// [Writer.LoadTree].
//
// Without options nothing is read that exists on one side only. With options
// that change metadata, files whose metadata change are stored anew. The options
// about files on disk have no effect.
func (w *Writer) AddTree(ctx context.Context, t *Tree, at string, from *Tree, opts AddOptions) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if !opts.changesMeta() {
		if err := t.merge(at, from, opts.RefuseReplace); err != nil {
			return fmt.Errorf("add tree: %w", err)
		}
		return nil
	}
	opts.NoXattrs = opts.NoXattrs || opts.CanonicalPermissions
	c := &treeAdder{adder: newAdder(w, t, opts), from: from}
	err := c.run(ctx, func(ctx context.Context) error { return c.directory(ctx, from.root, clean(at)) })
	if err != nil {
		return fmt.Errorf("add tree: %w", err)
	}
	return nil
}

// changesMeta tells whether an option may change metadata or skip entries.
func (o *AddOptions) changesMeta() bool {
	return o.changesXattrs() || o.CanonicalPermissions || o.UID != nil || o.GID != nil || o.ReadOnlyExecutables ||
		o.StatOverrides != nil || o.SkipList != nil
}

// treeAdder adds what is in a tree with changed metadata.
type treeAdder struct {
	*adder
	from *Tree
}

func (c *treeAdder) directory(ctx context.Context, n *node, at string) error {
	if err := n.loadMeta(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	at = "/" + clean(at)
	if at == "/." {
		at = "/"
	}
	fi := FileInfo{UID: n.meta.UID, GID: n.meta.GID, Mode: n.meta.Mode, Xattrs: n.meta.Xattrs}
	if action, err := c.modify(at, &fi); err != nil || action == Skip {
		return err
	}
	if err := c.putDir(at, DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode, Xattrs: fi.Xattrs}); err != nil {
		return err
	}
	if err := n.load(); err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	// The tree added to may be this one.
	for _, child := range slices.Clone(n.children) {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(at, child.name)
		if child.dir == nil {
			c.workers.run(func() error { return c.file(ctx, child.file, name) })
		} else if err := c.directory(ctx, child.dir, name); err != nil {
			return err
		}
	}
	return nil
}

func (c *treeAdder) file(ctx context.Context, sum Checksum, at string) error {
	object, err := c.w.store.fileInfo(sum)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	fi := object
	fi.Xattrs = slices.Clone(object.Xattrs)
	action, err := c.modify(at, &fi)
	if err != nil || action == Skip {
		return err
	}
	if !fi.SameMeta(object) {
		if sum, err = c.rewrite(ctx, fi, sum); err != nil {
			return fmt.Errorf("%s: %w", at, err)
		}
	}
	return c.putFile(at, sum)
}
