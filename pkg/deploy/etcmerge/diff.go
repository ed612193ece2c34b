package etcmerge

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"syscall"
)

// Kind is how a path differs between two trees.
type Kind string

// The kinds, with the names they have in JSON.
const (
	Modified Kind = "modified"
	Removed  Kind = "removed"
	Added    Kind = "added"
)

// Letter returns the letter by which ostree prints a kind: M, D or A.
func (k Kind) Letter() string {
	switch k {
	case Modified:
		return "M"
	case Removed:
		return "D"
	default:
		return "A"
	}
}

// Change is one path that differs.
type Change struct {
	// Path is relative to the root of both trees.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
}

// Owner tells the owner of a file from what a file system says about it. The default understands
// what package os returns.
type Owner func(fs.FileInfo) (uid, gid uint32)

// Diff lists what has to change in a to get b, sorted by path. Both file systems must be able to
// read symbolic links ([fs.ReadLinkFS]), as those of [os.DirFS] and [os.Root] are. A directory that
// was removed is listed without its contents; one that was added with them. If a path is a
// directory in one tree only, nothing below it is listed.
func Diff(ctx context.Context, a, b fs.FS, owner Owner) ([]Change, error) {
	if owner == nil {
		owner = OwnerOnDisk
	}
	d := differ{a: a, b: b, owner: owner}
	if err := d.dir(ctx, "."); err != nil {
		return nil, err
	}
	slices.SortFunc(d.changes, func(x, y Change) int { return cmp.Compare(x.Path, y.Path) })
	return d.changes, nil
}

type differ struct {
	a, b    fs.FS
	owner   Owner
	changes []Change
}

// dir compares the contents of a directory that is in both trees.
func (d *differ) dir(ctx context.Context, dir string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	inA, err := fs.ReadDir(d.a, dir)
	if err != nil {
		return err
	}
	inB, err := fs.ReadDir(d.b, dir)
	if err != nil {
		return err
	}
	names := make(map[string]bool, len(inA))
	for _, e := range inA {
		names[e.Name()] = true
		if err := d.entry(ctx, path.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	for _, e := range inB {
		if names[e.Name()] {
			continue
		}
		if err := d.added(ctx, path.Join(dir, e.Name()), e.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

// entry compares a path of tree a with the same path of tree b.
func (d *differ) entry(ctx context.Context, name string) error {
	infoA, err := fs.Lstat(d.a, name)
	if err != nil {
		return err
	}
	infoB, err := fs.Lstat(d.b, name)
	if errors.Is(err, fs.ErrNotExist) {
		d.note(name, Removed)
		return nil
	}
	if err != nil {
		return err
	}
	same, err := sameFile(file{d.a, name, infoA}, file{d.b, name, infoB}, d.owner)
	if err != nil {
		return err
	}
	if !same {
		d.note(name, Modified)
	}
	if infoA.IsDir() && infoB.IsDir() {
		return d.dir(ctx, name)
	}
	return nil
}

// added notes a path that only tree b has, and all below it.
func (d *differ) added(ctx context.Context, name string, isDir bool) error {
	d.note(name, Added)
	if !isDir {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	children, err := fs.ReadDir(d.b, name)
	if err != nil {
		return err
	}
	for _, e := range children {
		if err := d.added(ctx, path.Join(name, e.Name()), e.IsDir()); err != nil {
			return err
		}
	}
	return nil
}

func (d *differ) note(name string, kind Kind) {
	d.changes = append(d.changes, Change{Path: name, Kind: kind})
}

// file is a path of a tree together with what is known about it.
type file struct {
	tree fs.FS
	name string
	info fs.FileInfo
}

// sameFile compares two files as far as a merge cares: type, mode, owner, and the content of
// regular files and symbolic links.
func sameFile(a, b file, owner Owner) (bool, error) {
	if a.info.Mode() != b.info.Mode() {
		// Permissions of a link mean nothing, and file systems differ in what they report.
		if a.info.Mode().Type() != fs.ModeSymlink || b.info.Mode().Type() != fs.ModeSymlink {
			return false, nil
		}
	}
	uidA, gidA := owner(a.info)
	uidB, gidB := owner(b.info)
	if uidA != uidB || gidA != gidB {
		return false, nil
	}
	switch a.info.Mode().Type() {
	case fs.ModeSymlink:
		return sameTarget(a, b)
	case 0:
		if a.info.Size() != b.info.Size() {
			return false, nil
		}
		return sameContent(a, b)
	}
	return true, nil
}

func sameTarget(a, b file) (bool, error) {
	targetA, err := fs.ReadLink(a.tree, a.name)
	if err != nil {
		return false, err
	}
	targetB, err := fs.ReadLink(b.tree, b.name)
	return targetA == targetB, err
}

func sameContent(a, b file) (bool, error) {
	readerA, err := a.tree.Open(a.name)
	if err != nil {
		return false, err
	}
	defer readerA.Close()
	readerB, err := b.tree.Open(b.name)
	if err != nil {
		return false, err
	}
	defer readerB.Close()
	same, err := sameBytes(readerA, readerB)
	if err != nil {
		return false, fmt.Errorf("compare %s: %w", a.name, err)
	}
	return same, nil
}

// sameBytes compares two streams to their ends.
func sameBytes(a, b io.Reader) (bool, error) {
	bufA, bufB := make([]byte, 16<<10), make([]byte, 16<<10)
	for {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if string(bufA[:n]) != string(bufB[:m]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				return false, err
			}
		}
		if errA != nil || errB != nil {
			return errA != nil && errB != nil, nil
		}
	}
}

// OwnerOnDisk is the default [Owner]: it understands what package os returns.
func OwnerOnDisk(info fs.FileInfo) (uid, gid uint32) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Uid, st.Gid
	}
	return 0, 0
}
