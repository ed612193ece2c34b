package ostree

import (
	"io/fs"
	"slices"
	"strings"
	"syscall"
)

// A node is a directory of a [Tree].
type node struct {
	id     TreeID      // of what is stored, as far as it was not changed
	source *treeSource // where it is stored
	depth  int         // in the tree that it was loaded from

	loaded   bool
	children []child // sorted by name; valid when loaded
	changed  bool    // children, or something below them, are not those of id

	metaLoaded  bool
	meta        DirMeta // valid when metaLoaded
	metaChanged bool
}

// A child is an entry of a directory: another one, or a file.
type child struct {
	name string
	file Checksum
	dir  *node
	by   *Writer // that has just stored the file, nil if the object may not exist
}

// A treeSource loads what a tree consists of. Most directories share a few
// dirmeta objects.
type treeSource struct {
	store *store
	metas map[Checksum]DirMeta
}

func (s *treeSource) meta(c Checksum) (DirMeta, error) {
	if m, ok := s.metas[c]; ok {
		return m, nil
	}
	m, err := s.store.loadDirMeta(c)
	if err == nil {
		s.metas[c] = m
	}
	return m, err
}

func newDirNode(meta DirMeta) *node {
	return &node{loaded: true, changed: true, meta: meta, metaLoaded: true, metaChanged: true}
}

// load reads the entries of the directory.
func (n *node) load() error {
	if n.loaded {
		return nil
	}
	if err := checkDepth(n.depth, n.id.Contents); err != nil {
		return err
	}
	t, err := n.source.store.loadDirTree(n.id.Contents)
	if err != nil {
		return err
	}
	n.children = make([]child, 0, len(t.Files)+len(t.Dirs))
	dirs := t.Dirs
	for _, f := range t.Files {
		for len(dirs) > 0 && dirs[0].Name < f.Name {
			n.addLoaded(dirs[0])
			dirs = dirs[1:]
		}
		n.children = append(n.children, child{name: f.Name, file: f.Checksum})
	}
	for _, d := range dirs {
		n.addLoaded(d)
	}
	n.loaded = true
	return nil
}

func (n *node) addLoaded(d DirTreeDir) {
	n.children = append(n.children, child{name: d.Name, dir: &node{id: d.Tree, source: n.source, depth: n.depth + 1}})
}

// loadMeta reads owner, mode and attributes of the directory.
func (n *node) loadMeta() error {
	if n.metaLoaded {
		return nil
	}
	m, err := n.source.meta(n.id.Meta)
	if err != nil {
		return err
	}
	n.meta, n.metaLoaded = m, true
	return nil
}

func (n *node) entry(name string) (Entry, error) {
	err := n.loadMeta()
	return Entry{Name: name, Dir: true, Meta: n.meta}, err
}

// entry is that of a file.
func (c child) entry() Entry { return Entry{Name: c.name, File: c.file} }

// search finds a name among the children, or where it would have to be.
func (n *node) search(name string) (int, bool) {
	return slices.BinarySearchFunc(n.children, name, func(c child, name string) int { return strings.Compare(c.name, name) })
}

// get returns the child of a name.
func (n *node) get(name string) (child, bool) {
	at, ok := n.search(name)
	if !ok {
		return child{}, false
	}
	return n.children[at], true
}

// put adds a child or replaces the one of that name.
func (n *node) put(c child) {
	at, ok := n.search(c.name)
	if ok {
		n.children[at] = c
	} else {
		n.children = slices.Insert(n.children, at, c)
	}
}

func (n *node) remove(name string) {
	if at, ok := n.search(name); ok {
		n.children = slices.Delete(n.children, at, at+1)
	}
}

// clone copies a directory with what is loaded of it.
func (n *node) clone() *node {
	dup := *n
	dup.children = slices.Clone(n.children)
	for i, c := range dup.children {
		if c.dir != nil {
			dup.children[i].dir = c.dir.clone()
		}
	}
	return &dup
}

// find returns the directory at a path, or else the file.
func (t *Tree) find(name string) (*node, child, error) {
	n := t.root
	names := pathElements(name)
	for i, element := range names {
		if err := n.load(); err != nil {
			return nil, child{}, err
		}
		at, ok := n.search(element)
		switch {
		case !ok:
			return nil, child{}, fs.ErrNotExist
		case n.children[at].dir != nil:
			n = n.children[at].dir
		case i == len(names)-1:
			return nil, n.children[at], nil
		default:
			return nil, child{}, fs.ErrNotExist
		}
	}
	return n, child{}, nil
}

// dir returns the directory at a path, loaded.
func (t *Tree) dir(name string) (*node, error) {
	n, _, err := t.find(name)
	if err != nil {
		return nil, err
	}
	if n == nil {
		return nil, syscall.ENOTDIR
	}
	return n, n.load()
}

// trail returns the directories on the way to a path, the root first, for
// changing an entry of the last.
func (t *Tree) trail(names []string) ([]*node, error) {
	n := t.root
	trail := []*node{n}
	for _, element := range names[:len(names)-1] {
		if err := n.load(); err != nil {
			return nil, err
		}
		at, ok := n.search(element)
		if !ok {
			return nil, fs.ErrNotExist
		}
		if n = n.children[at].dir; n == nil {
			return nil, syscall.ENOTDIR
		}
		trail = append(trail, n)
	}
	return trail, n.load()
}

// parent is trail for a path that must not be the root. It marks nothing.
func (t *Tree) parent(name string) (trail []*node, last string, err error) {
	names := pathElements(name)
	if len(names) == 0 {
		return nil, "", syscall.EINVAL
	}
	trail, err = t.trail(names)
	return trail, names[len(names)-1], err
}
