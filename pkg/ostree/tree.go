package ostree

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"
)

// A Tree is a file tree in memory that can be changed and then written with
// [Writer.WriteTree]. Directories are loaded when they are looked at, so that
// moving /usr costs as much as moving a file, and what was not changed keeps its
// checksums and is not written again.
//
// Paths are separated by slashes and always start at the root of the tree, with
// a leading slash or without; "", "." and "/" are the root itself. Symbolic links
// are not followed: something below one does not exist. Errors are
// [*fs.PathError] with [fs.ErrNotExist], [fs.ErrExist], ENOTDIR, EISDIR or
// EINVAL inside.
//
// A Tree is not safe for concurrent use.
type Tree struct {
	root   *node
	source *treeSource // nil for a tree that began empty
}

// An Entry describes what a path in a [Tree] is.
type Entry struct {
	Name string   // last element of the path, "." for the root
	Dir  bool     // a directory; else a regular file or symbolic link
	File Checksum // the file object, unless it is a directory
	Meta DirMeta  // of a directory
}

// NewTree returns a tree that is an empty directory.
func NewTree(meta DirMeta) *Tree {
	return &Tree{root: newDirNode(meta)}
}

// LoadTree returns the tree that a commit or another directory names.
func (r *Repo) LoadTree(ctx context.Context, id TreeID) (*Tree, error) {
	return loadTree(ctx, r.store, id)
}

// LoadTree is like [Repo.LoadTree]. The tree must not be used when the update
// is over.
func (w *Writer) LoadTree(ctx context.Context, id TreeID) (*Tree, error) {
	if err := w.begin(ctx); err != nil {
		return nil, err
	}
	return loadTree(ctx, w.store, id)
}

func loadTree(ctx context.Context, s *store, id TreeID) (*Tree, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	t := &Tree{source: &treeSource{store: s, metas: make(map[Checksum]DirMeta)}}
	t.root = &node{id: id, source: t.source}
	return t, t.root.load() // now, so that a missing tree is not a surprise later
}

// Lookup describes what is at a path.
func (t *Tree) Lookup(name string) (Entry, error) {
	n, c, err := t.find(name)
	if err != nil {
		return Entry{}, pathError("lookup", name, err)
	}
	if n == nil {
		return c.entry(), nil
	}
	e, err := n.entry(base(name))
	return e, pathError("lookup", name, err)
}

// Exists reports whether something is at a path. What cannot be read counts as
// existing.
func (t *Tree) Exists(name string) bool {
	_, _, err := t.find(name)
	return err == nil || !errors.Is(err, fs.ErrNotExist)
}

// ReadDir lists a directory, sorted by name.
func (t *Tree) ReadDir(name string) ([]Entry, error) {
	n, err := t.dir(name)
	if err != nil {
		return nil, pathError("readdir", name, err)
	}
	entries := make([]Entry, 0, len(n.children))
	for _, c := range n.children {
		e := c.entry()
		if c.dir != nil {
			if e, err = c.dir.entry(c.name); err != nil {
				return nil, pathError("readdir", path.Join(name, c.name), err)
			}
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Walk calls fn for what is at a path and then, if it is a directory, for
// everything below it, in the order of names. The path that fn gets has no
// leading slash; that of the root is ".". If fn returns [fs.SkipDir] for a
// directory, what is below is left out, for a file the rest of its directory;
// [fs.SkipAll] ends the walk. Any other error ends it too and is returned. Fn may
// change the tree at and below the path that it was called with.
func (t *Tree) Walk(name string, fn func(path string, e Entry) error) error {
	e, err := t.Lookup(name)
	if err != nil {
		return err
	}
	err = t.walk(clean(name), e, fn)
	if errors.Is(err, fs.SkipDir) || errors.Is(err, fs.SkipAll) {
		return nil
	}
	return err
}

func (t *Tree) walk(name string, e Entry, fn func(string, Entry) error) error {
	if err := fn(name, e); err != nil || !e.Dir {
		if errors.Is(err, fs.SkipDir) && e.Dir {
			return nil
		}
		return err
	}
	entries, err := t.ReadDir(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // fn removed it
	}
	if err != nil {
		return err
	}
	for _, child := range entries {
		err := t.walk(path.Join(name, child.Name), child, fn)
		if errors.Is(err, fs.SkipDir) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clean turns a path into the form that Walk reports.
func clean(name string) string {
	name = strings.TrimPrefix(path.Clean("/"+name), "/")
	if name == "" {
		return "."
	}
	return name
}

func base(name string) string { return path.Base(clean(name)) }

// pathElements splits a path; the root has none.
func pathElements(name string) []string {
	name = clean(name)
	if name == "." {
		return nil
	}
	return strings.Split(name, "/")
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: clean(name), Err: err}
}
