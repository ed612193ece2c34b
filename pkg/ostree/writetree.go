package ostree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// WriteTree stores the directories of a tree that have changed and returns the
// name of its root. The files that it refers to must exist. Afterwards the tree
// counts as unchanged.
func (w *Writer) WriteTree(ctx context.Context, t *Tree) (TreeID, error) {
	if err := w.begin(ctx); err != nil {
		return TreeID{}, err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(2 * runtime.GOMAXPROCS(0)) // mostly waiting for the file system
	tw := &treeWriter{w: w, ctx: ctx, group: group, metas: make(map[Checksum]bool)}
	id, err := tw.write(t.root, ".")
	if groupErr := group.Wait(); groupErr != nil {
		err = groupErr
	}
	if err != nil {
		return TreeID{}, fmt.Errorf("write tree: %w", err)
	}
	t.root.settle()
	return id, nil
}

// A treeWriter finds the checksums of directories one after the other, since
// each depends on those below, and stores the objects beside that.
type treeWriter struct {
	w     *Writer
	ctx   context.Context //nolint:containedctx // lives as long as one call of WriteTree
	group *errgroup.Group
	metas map[Checksum]bool // dirmeta objects on their way
}

func (tw *treeWriter) write(n *node, name string) (TreeID, error) {
	if err := tw.ctx.Err(); err != nil {
		return TreeID{}, err
	}
	if n.changed {
		if err := tw.writeContents(n, name); err != nil {
			return TreeID{}, err
		}
	}
	if n.metaChanged {
		if err := tw.writeMeta(n); err != nil {
			return TreeID{}, fmt.Errorf("%s: %w", name, err)
		}
	}
	return n.id, nil
}

func (tw *treeWriter) writeContents(n *node, name string) error {
	if err := n.load(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	var t DirTree
	var unsure []DirTreeFile
	for _, c := range n.children {
		if c.dir == nil {
			f := DirTreeFile{c.name, c.file}
			t.Files = append(t.Files, f)
			if c.by != tw.w {
				unsure = append(unsure, f)
			}
			continue
		}
		id, err := tw.write(c.dir, path.Join(name, c.name))
		if err != nil {
			return err
		}
		t.Dirs = append(t.Dirs, DirTreeDir{c.name, id})
	}
	data, err := encodeDirTree(&t)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	n.id.Contents = sha256.Sum256(data)
	object := ObjectName{n.id.Contents, ObjectDirTree}
	kept := unchanged(n)
	tw.group.Go(func() error {
		if err := tw.needAll(unsure, kept); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return tw.w.putMetaAs(object, data)
	})
	return nil
}

// unchanged lists the directories in n that are not written because they exist.
func unchanged(n *node) []DirTreeDir {
	var dirs []DirTreeDir
	for _, c := range n.children {
		if c.dir != nil && !c.dir.changed && !c.dir.metaChanged {
			dirs = append(dirs, DirTreeDir{c.name, c.dir.id})
		}
	}
	return dirs
}

// needAll checks that a directory refers to nothing that does not exist, such as
// a part of a tree of another repository.
func (tw *treeWriter) needAll(files []DirTreeFile, dirs []DirTreeDir) error {
	for _, f := range files {
		if err := tw.w.need(ObjectName{f.Checksum, ObjectFile}); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	for _, d := range dirs {
		for _, name := range []ObjectName{{d.Tree.Contents, ObjectDirTree}, {d.Tree.Meta, ObjectDirMeta}} {
			if err := tw.w.need(name); err != nil {
				return fmt.Errorf("%s: %w", d.Name, err)
			}
		}
	}
	return nil
}

// writeMeta stores the dirmeta object, each only once.
func (tw *treeWriter) writeMeta(n *node) error {
	data, err := encodeDirMeta(n.meta)
	if err != nil {
		return err
	}
	n.id.Meta = sha256.Sum256(data)
	if tw.metas[n.id.Meta] {
		tw.w.stats.metadata.Add(1)
		return nil
	}
	tw.metas[n.id.Meta] = true
	object := ObjectName{n.id.Meta, ObjectDirMeta}
	tw.group.Go(func() error { return tw.w.putMetaAs(object, data) })
	return nil
}

// settle notes that a directory is stored as its id says.
func (n *node) settle() {
	if n.changed {
		for _, c := range n.children {
			if c.dir != nil {
				c.dir.settle()
			}
		}
	}
	n.changed, n.metaChanged = false, false
}
