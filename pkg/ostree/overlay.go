package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// ApplyOverlay changes a tree as an overlay's upper directory says: the tree is
// what the overlay had as its lower directory, the result what a process saw at
// the mount. Only the upper directory is read.
//
// Whiteouts remove, opaque directories hide, redirected directories take their
// content from where it was in the lower tree. A file that was copied up
// without being changed becomes the object it was before. Attributes of the
// overlay itself never reach the tree. The mount must have had metacopy=off,
// since a file without data cannot be committed, and index=off. The rules are
// those of Documentation/filesystems/overlayfs.rst of Linux.
//
// The upper directory's own owner, mode and attributes become those of the
// root, as they are at the mount. An entry that the filter skips is taken as
// absent from the upper directory. The options DevIno and Consume have no effect.
func (w *Writer) ApplyOverlay(ctx context.Context, t *Tree, upper string, opts AddOptions) error {
	f, err := fsx.OpenDir(upper)
	if err != nil {
		return fmt.Errorf("apply overlay %s: %w", upper, err)
	}
	o := &overlay{adder: newAdder(w, t, opts), lower: t.clone()}
	o.overlay, o.opts.DevIno, o.opts.Consume = true, nil, false
	err = o.run(ctx, func(ctx context.Context) error {
		d := newSourceDir(f)
		defer d.release()
		meta, action, err := o.dirMeta(d.File, "/")
		if err != nil || action == Skip {
			return err
		}
		return o.merge(ctx, d, meta, "/", "/")
	})
	if err != nil {
		return fmt.Errorf("apply overlay %s: %w", upper, err)
	}
	return nil
}

// overlay walks an upper directory. While it walks, the tree below a path is
// already what the lower layer shows there, so that names the upper directory
// does not mention need no work.
type overlay struct {
	*adder
	lower *Tree // as it was before
}

// merge applies an open upper directory. lower is where its lower part is in
// the lower tree, or "" if it has none.
func (o *overlay) merge(ctx context.Context, d *sourceDir, meta DirMeta, at, lower string) error {
	if err := o.putDir(at, meta); err != nil {
		return err
	}
	entries, err := readDir(d.File)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := o.upperEntry(ctx, d, e, path.Join(at, e.Name()), lower); err != nil {
			return err
		}
	}
	return nil
}

func (o *overlay) upperEntry(ctx context.Context, d *sourceDir, e fs.DirEntry, at, lower string) error {
	if e.IsDir() {
		return o.subdirectory(ctx, d, e.Name(), at, lower)
	}
	whiteout, err := isWhiteout(d.File, e)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	if whiteout {
		return o.change(at, func() error { return o.tree.drop(at) })
	}
	return o.leaf(ctx, d, e, at)
}

// subdirectory puts the lower part of a directory in place, then merges the
// upper part into it.
func (o *overlay) subdirectory(ctx context.Context, d *sourceDir, name, at, lower string) error {
	f, err := fsx.OpenDirAt(int(d.Fd()), name)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	sub := newSourceDir(f)
	defer sub.release()
	marks, err := readDirMarks(f)
	if err != nil {
		return fmt.Errorf("%s: %w", at, err)
	}
	meta, action, err := o.dirMeta(f, at)
	if err != nil || action == Skip {
		return err
	}
	from := marks.lowerPath(lower, name)
	if err := o.change(at, func() error { return o.place(at, &from, marks.redirect != "") }); err != nil {
		return err
	}
	return o.merge(ctx, sub, meta, at, from)
}

// place makes the tree show at a path what the lower tree has at from. If that
// is no directory the path has no lower part, and from becomes "".
func (o *overlay) place(at string, from *string, redirected bool) error {
	if *from != "" {
		e, err := o.lower.Lookup(*from)
		switch {
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		case err != nil, !e.Dir:
			*from = ""
		}
	}
	switch {
	case *from == "":
		return o.tree.drop(at)
	case redirected:
		return o.tree.graft(at, o.lower, *from)
	}
	return nil
}
