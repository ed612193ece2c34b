package ostree

import (
	"path"
	"syscall"
)

// merge puts a copy of a tree at a path of another one. Directories that both
// have are merged and take the metadata of the copy, else the copy wins, unless
// it is refused that a file and a directory replace each other.
func (t *Tree) merge(at string, from *Tree, refuse bool) error {
	if len(pathElements(at)) == 0 {
		m := merger{refuse: refuse}
		root, err := m.merge(t.root, from.root, "/")
		if err == nil {
			t.root = root
		}
		return err
	}
	return t.change("merge", at, func(dir *node, last string) error {
		m := merger{refuse: refuse}
		old, ok := dir.get(last)
		switch {
		case !ok:
			dir.put(child{name: last, dir: from.root.clone()})
			return nil
		case old.dir == nil && refuse:
			return &ReplaceError{Path: at}
		case old.dir == nil:
			return syscall.ENOTDIR
		}
		merged, err := m.merge(old.dir, from.root, at)
		if err == nil {
			dir.put(child{name: last, dir: merged})
		}
		return err
	})
}

type merger struct{ refuse bool }

// merge returns the directory that two together are. It may be the first one,
// changed.
func (m merger) merge(dst, src *node, at string) (*node, error) {
	if dst.isNew() || dst.same(src) {
		return src.clone(), nil
	}
	if err := dst.load(); err != nil {
		return nil, err
	}
	if err := src.load(); err != nil {
		return nil, err
	}
	for _, c := range src.children {
		if err := m.mergeChild(dst, c, path.Join(at, c.name)); err != nil {
			return nil, err
		}
	}
	dst.changed = true
	return dst, dst.takeMeta(src)
}

func (m merger) mergeChild(dst *node, c child, at string) error {
	old, ok := dst.get(c.name)
	switch {
	case ok && old.dir != nil && c.dir != nil:
		merged, err := m.merge(old.dir, c.dir, at)
		if err != nil {
			return err
		}
		c.dir = merged
	case ok && m.refuse && (old.dir != nil) != (c.dir != nil):
		return &ReplaceError{Path: at, Dir: old.dir != nil}
	case c.dir != nil:
		c.dir = c.dir.clone()
	}
	dst.put(c)
	return nil
}

// isNew tells whether a directory began empty and still is.
func (n *node) isNew() bool { return n.source == nil && n.loaded && len(n.children) == 0 }

// same tells whether two directories are stored under one name.
func (n *node) same(other *node) bool {
	stored := func(n *node) bool { return n.source != nil && !n.changed && !n.metaChanged }
	return stored(n) && stored(other) && n.id == other.id
}

// takeMeta gives a directory the metadata of another one.
func (n *node) takeMeta(from *node) error {
	if err := n.loadMeta(); err != nil {
		return err
	}
	if err := from.loadMeta(); err != nil {
		return err
	}
	if !n.meta.Equal(from.meta) {
		n.meta, n.metaChanged = from.meta, true
	}
	return nil
}
