package ostree

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Sizes lists the sizes of all objects of a tree, for the metadata of its commit
// under [MetadataSizes]: clients then know how much a pull will fetch. Only in a
// ModeArchive repository are these the sizes that they fetch; in another mode it
// is an error.
//
// An entry is the checksum, the size in the repository and that of the content
// as LEB128 numbers, and a byte with the type of the object.
func (w *Writer) Sizes(ctx context.Context, id TreeID) (gvariant.Value, error) {
	if err := w.begin(ctx); err != nil {
		return gvariant.Value{}, err
	}
	if w.store.mode != ModeArchive {
		return gvariant.Value{}, errors.New("sizes of objects: only a repository of mode archive has those that clients fetch")
	}
	s := sizeLister{ctx: ctx, store: w.store, seen: make(map[ObjectName]bool)}
	if err := s.tree(id); err != nil {
		return gvariant.Value{}, fmt.Errorf("sizes of objects: %w", err)
	}
	slices.SortFunc(s.entries, func(a, b []byte) int { return slices.Compare(a[:32], b[:32]) })
	values := make([]gvariant.Value, len(s.entries))
	for i, e := range s.entries {
		values[i] = gvariant.Bytes(e)
	}
	return gvariant.Array("ay", values...), nil
}

type sizeLister struct {
	ctx     context.Context //nolint:containedctx // lives as long as one call of Sizes
	store   *store
	seen    map[ObjectName]bool
	entries [][]byte
}

func (s *sizeLister) add(name ObjectName, stored, content int64) {
	e := append(make([]byte, 0, 48), name.Checksum[:]...)
	e = binary.AppendUvarint(e, uint64(stored))
	e = binary.AppendUvarint(e, uint64(content))
	s.entries = append(s.entries, append(e, byte(name.Type)))
}

// first tells whether an object is met for the first time.
func (s *sizeLister) first(name ObjectName) bool {
	if s.seen[name] {
		return false
	}
	s.seen[name] = true
	return true
}

func (s *sizeLister) tree(id TreeID) error {
	if err := s.ctx.Err(); err != nil {
		return err
	}
	if name := (ObjectName{id.Meta, ObjectDirMeta}); s.first(name) {
		data, err := s.store.readMeta(name)
		if err != nil {
			return err
		}
		s.add(name, int64(len(data)), int64(len(data)))
	}
	name := ObjectName{id.Contents, ObjectDirTree}
	if !s.first(name) {
		return nil
	}
	data, err := s.store.readMeta(name)
	if err != nil {
		return err
	}
	s.add(name, int64(len(data)), int64(len(data)))
	t, err := decodeDirTree(data)
	if err != nil {
		return &CorruptError{What: name.String(), Err: err}
	}
	for _, f := range t.Files {
		if err := s.file(f.Checksum); err != nil {
			return err
		}
	}
	for _, d := range t.Dirs {
		if err := s.tree(d.Tree); err != nil {
			return err
		}
	}
	return nil
}

func (s *sizeLister) file(c Checksum) error {
	name := ObjectName{c, ObjectFile}
	if !s.first(name) {
		return nil
	}
	var stored, content int64
	err := s.store.find(name, func(s *store, path string) error {
		f, err := s.open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		st, err := fsx.StatAt(int(f.Fd()), "")
		if err != nil {
			return err
		}
		fi, err := readArchiveHeader(f)
		stored, content = st.Size, fi.Size+int64(len(fi.Target)) // only one of the two is not zero
		return corrupt(path, err)
	})
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	s.add(name, stored, content)
	return nil
}
