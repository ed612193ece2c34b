package ostree

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strings"
)

// DiffKind says what happened to a path between two trees.
type DiffKind int

const (
	// Added is a path that only the second tree has.
	Added DiffKind = iota + 1
	// Removed is a path that only the first tree has.
	Removed
	// Modified is a path whose content, kind or metadata differ. A directory
	// is modified only if its own metadata are.
	Modified
)

// String returns the letter that ostree diff prints.
func (k DiffKind) String() string {
	switch k {
	case Added:
		return "A"
	case Removed:
		return "D"
	case Modified:
		return "M"
	}
	return fmt.Sprintf("DiffKind(%d)", int(k))
}

// DiffEntry is one difference between two trees.
type DiffEntry struct {
	Kind DiffKind
	Path string // absolute
}

// Diff lists the differences between two trees, sorted by path. Everything
// below an added or removed directory is listed too. Equal subtrees are not
// read.
func (r *Repo) Diff(ctx context.Context, from, to TreeID) ([]DiffEntry, error) {
	d := differ{load: func(c Checksum) (*DirTree, error) { return r.LoadDirTree(ctx, c) }}
	return d.run(from, to)
}

type differ struct {
	load    func(Checksum) (*DirTree, error)
	entries []DiffEntry
}

func (d *differ) run(from, to TreeID) ([]DiffEntry, error) {
	if from.Meta != to.Meta {
		d.add(Modified, "/")
	}
	if err := d.dirs(from.Contents, to.Contents, "/"); err != nil {
		return nil, fmt.Errorf("diff: %w", err)
	}
	slices.SortFunc(d.entries, func(a, b DiffEntry) int { return strings.Compare(a.Path, b.Path) })
	return d.entries, nil
}

func (d *differ) add(kind DiffKind, p string) {
	d.entries = append(d.entries, DiffEntry{Kind: kind, Path: p})
}

// dirs compares two directories by their dirtrees; the zero checksum stands for
// one that is not there.
func (d *differ) dirs(from, to Checksum, at string) error {
	if from == to {
		return nil
	}
	if err := checkDepth(strings.Count(at, "/"), to); err != nil {
		return err
	}
	a, err := d.names(from)
	if err != nil {
		return err
	}
	b, err := d.names(to)
	if err != nil {
		return err
	}
	for name, was := range a {
		if err := d.entry(was, b[name], path.Join(at, name)); err != nil {
			return err
		}
	}
	for name, is := range b {
		if _, ok := a[name]; !ok {
			if err := d.entry(diffNode{}, is, path.Join(at, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// diffNode is what a name stands for: a file, a directory, or nothing.
type diffNode struct {
	file Checksum
	dir  TreeID
}

func (d *differ) entry(was, is diffNode, at string) error {
	switch {
	case was == (diffNode{}):
		d.add(Added, at)
	case is == (diffNode{}):
		d.add(Removed, at)
	case was.file != is.file || was.dir.Meta != is.dir.Meta:
		d.add(Modified, at)
	}
	return d.dirs(was.dir.Contents, is.dir.Contents, at)
}

func (d *differ) names(c Checksum) (map[string]diffNode, error) {
	if c.IsZero() {
		return nil, nil
	}
	t, err := d.load(c)
	if err != nil {
		return nil, err
	}
	names := make(map[string]diffNode, len(t.Files)+len(t.Dirs))
	for _, f := range t.Files {
		names[f.Name] = diffNode{file: f.Checksum}
	}
	for _, sub := range t.Dirs {
		names[sub.Name] = diffNode{dir: sub.Tree}
	}
	return names, nil
}
