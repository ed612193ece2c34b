package ostree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
)

// WriteNamed stores a file object whose checksum is known. Content or metadata
// with another checksum are a [*CorruptError] and leave nothing behind. The
// content is what the reader yields, whatever fi.Size says; that of a symbolic
// link may be nil. An object that exists already is not read.
func (w *Writer) WriteNamed(ctx context.Context, c Checksum, fi FileInfo, content io.Reader) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	name := ObjectName{c, ObjectFile}
	if ok, err := w.store.has(name); ok || err != nil {
		return err
	}
	return w.writeNamed(ctx, name, fi, content, true)
}

// WriteMetadata stores the bytes of a commit, dirtree or dirmeta object. Bytes
// with another checksum, and those that are not such an object, are a
// [*CorruptError]. What the object refers to need not exist yet; who makes a
// commit visible sees to that, see [Writer.Missing].
func (w *Writer) WriteMetadata(ctx context.Context, name ObjectName, data []byte) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	if err := sameChecksum(name, sha256.Sum256(data)); err != nil {
		return err
	}
	if err := checkMetadata(name, data); err != nil {
		return err
	}
	return w.putMetaAs(name, data)
}

// Missing finds an object that a tree needs and that neither the repository nor
// this Writer has. It returns nil if there is none.
func (w *Writer) Missing(ctx context.Context, tree TreeID) (*ObjectName, error) {
	m := missing{w: w, seen: make(map[ObjectName]bool)}
	return m.tree(ctx, tree, 0)
}

type missing struct {
	w    *Writer
	seen map[ObjectName]bool
}

func (m *missing) tree(ctx context.Context, id TreeID, depth int) (*ObjectName, error) {
	if depth > MaxTreeDepth {
		return nil, fmt.Errorf("tree is deeper than %d directories", MaxTreeDepth)
	}
	contents := ObjectName{id.Contents, ObjectDirTree}
	if m.seen[contents] {
		return m.object(ctx, ObjectName{id.Meta, ObjectDirMeta})
	}
	for _, name := range []ObjectName{{id.Meta, ObjectDirMeta}, contents} {
		if lost, err := m.object(ctx, name); lost != nil || err != nil {
			return lost, err
		}
	}
	t, err := m.w.LoadDirTree(ctx, id.Contents)
	if err != nil {
		return nil, err
	}
	for _, f := range t.Files {
		if lost, err := m.object(ctx, ObjectName{f.Checksum, ObjectFile}); lost != nil || err != nil {
			return lost, err
		}
	}
	for _, d := range t.Dirs {
		if lost, err := m.tree(ctx, d.Tree, depth+1); lost != nil || err != nil {
			return lost, err
		}
	}
	return nil, nil
}

// object looks for one object, once.
func (m *missing) object(ctx context.Context, name ObjectName) (*ObjectName, error) {
	if m.seen[name] {
		return nil, nil
	}
	ok, err := m.w.Has(ctx, name)
	if err != nil {
		return nil, err
	}
	if !ok {
		return &name, nil
	}
	m.seen[name] = true
	return nil, nil
}
