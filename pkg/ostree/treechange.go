package ostree

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
)

// SetFile puts a file object at a path, in place of a file that is there. The
// directory must exist; a directory at the path is EISDIR.
func (t *Tree) SetFile(name string, c Checksum) error {
	return t.change("set file", name, func(dir *node, last string) error {
		if old, ok := dir.get(last); ok && old.dir != nil {
			return syscall.EISDIR
		}
		dir.put(child{name: last, file: c})
		return nil
	})
}

// Mkdir makes an empty directory. Its parent must exist, and nothing must be at
// the path.
func (t *Tree) Mkdir(name string, meta DirMeta) error {
	return t.change("mkdir", name, func(dir *node, last string) error {
		if _, ok := dir.get(last); ok {
			return fs.ErrExist
		}
		dir.put(child{name: last, dir: newDirNode(meta)})
		return nil
	})
}

// MkdirAll makes a directory and those above it that are missing. Directories
// that exist stay as they are; a file on the way is ENOTDIR.
func (t *Tree) MkdirAll(name string, meta DirMeta) error {
	names := pathElements(name)
	for i := range names {
		at := strings.Join(names[:i+1], "/")
		n, _, err := t.find(at)
		switch {
		case err == nil && n == nil:
			return pathError("mkdir", at, syscall.ENOTDIR)
		case err == nil:
			continue
		}
		if err := t.Mkdir(at, meta); err != nil {
			return err
		}
	}
	return nil
}

// SetMeta changes owner, mode and attributes of a directory.
func (t *Tree) SetMeta(name string, meta DirMeta) error {
	n, err := t.dir(name)
	if err != nil {
		return pathError("set metadata", name, err)
	}
	if err := n.loadMeta(); err == nil && n.meta.Equal(meta) {
		return nil
	}
	if len(pathElements(name)) > 0 {
		trail, _, err := t.parent(name)
		if err != nil {
			return pathError("set metadata", name, err)
		}
		markChanged(trail)
	}
	n.meta, n.metaLoaded, n.metaChanged = meta, true, true
	return nil
}

// Remove removes what is at a path, a directory with everything below it.
func (t *Tree) Remove(name string) error {
	return t.change("remove", name, func(dir *node, last string) error {
		if _, ok := dir.get(last); !ok {
			return fs.ErrNotExist
		}
		dir.remove(last)
		return nil
	})
}

// Move gives a file or directory another path. The directory of the new path
// must exist, and nothing must be at it. A directory cannot move below itself.
func (t *Tree) Move(from, to string) error {
	if clean(from) == clean(to) {
		_, err := t.Lookup(from)
		return err
	}
	if strings.HasPrefix(clean(to), clean(from)+"/") {
		return pathError("move", from, syscall.EINVAL)
	}
	sources, name, err := t.parent(from)
	if err != nil {
		return pathError("move", from, err)
	}
	source := sources[len(sources)-1]
	moved, ok := source.get(name)
	if !ok {
		return pathError("move", from, fs.ErrNotExist)
	}
	err = t.change("move to", to, func(dir *node, last string) error {
		if _, ok := dir.get(last); ok {
			return fs.ErrExist
		}
		moved.name = last
		dir.put(moved)
		return nil
	})
	if err != nil {
		return err
	}
	source.remove(name)
	markChanged(sources)
	return nil
}

// change calls fn with the directory in which a path has its last element, and
// notes that the directory has changed unless fn fails.
func (t *Tree) change(op, name string, fn func(dir *node, last string) error) error {
	trail, last, err := t.parent(name)
	if err == nil {
		err = checkName(last)
	}
	if err == nil {
		err = fn(trail[len(trail)-1], last)
	}
	if err != nil {
		return pathError(op, name, err)
	}
	markChanged(trail)
	return nil
}

func markChanged(trail []*node) {
	for _, n := range trail {
		n.changed = true
	}
}

// clone returns a copy that later changes of either do not touch.
func (t *Tree) clone() *Tree { return &Tree{root: t.root.clone(), source: t.source} }

// putFile is SetFile that also replaces a directory. If the file was stored just
// now, by says by whom.
func (t *Tree) putFile(name string, c Checksum, by *Writer) error {
	return t.change("put file", name, func(dir *node, last string) error {
		dir.put(child{name: last, file: c, by: by})
		return nil
	})
}

// putDir makes a directory, in place of a file that is there. One that exists
// keeps its content and takes the metadata.
func (t *Tree) putDir(name string, meta DirMeta) error {
	if n, _, err := t.find(name); err == nil && n != nil {
		return t.SetMeta(name, meta)
	}
	return t.change("put directory", name, func(dir *node, last string) error {
		dir.put(child{name: last, dir: newDirNode(meta)})
		return nil
	})
}

// drop is Remove that does not mind when nothing is there.
func (t *Tree) drop(name string) error {
	if _, _, err := t.find(name); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return t.Remove(name)
}

// graft puts a copy of a directory of another tree at a path, in place of what
// is there.
func (t *Tree) graft(name string, from *Tree, source string) error {
	n, err := from.dir(source)
	if err != nil {
		return pathError("graft", source, err)
	}
	return t.change("graft", name, func(dir *node, last string) error {
		dir.put(child{name: last, dir: n.clone()})
		return nil
	})
}
