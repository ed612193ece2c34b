package layout

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// Store reads and writes the file objects a tree names; [ostree.Writer] is one.
type Store interface {
	WriteFile(ctx context.Context, info ostree.FileInfo, r io.Reader) (ostree.Checksum, error)
	FileInfo(ctx context.Context, c ostree.Checksum) (ostree.FileInfo, error)
	OpenFile(ctx context.Context, c ostree.Checksum) (ostree.FileInfo, io.ReadCloser, error)
}

// File types of st_mode, inode(7).
const (
	typeMask = 0o170000
	typeDir  = 0o040000
	typeFile = 0o100000
	typeLink = 0o120000
	permMask = 0o7777
)

// maxText bounds what is read of a file that is parsed as a whole. The largest in a system of a
// thousand packages is dpkg's status, 3 MB.
const maxText = 64 << 20

// files is a tree together with the store of its file objects. Paths are relative to the root, no
// slash in front.
type files struct {
	store Store
	tree  *ostree.Tree
}

// entry looks up a path; a missing one is not an error.
func (f *files) entry(name string) (ostree.Entry, bool, error) {
	e, err := f.tree.Lookup(name)
	if errors.Is(err, fs.ErrNotExist) {
		return ostree.Entry{}, false, nil
	}
	return e, err == nil, err
}

// isDir tells whether there is a real directory (not a link to one) at name.
func (f *files) isDir(name string) (bool, error) {
	e, ok, err := f.entry(name)
	return ok && e.Dir, err
}

// children lists a directory; a path without one has none.
func (f *files) children(name string) ([]ostree.Entry, error) {
	ok, err := f.isDir(name)
	if err != nil || !ok {
		return nil, err
	}
	return f.tree.ReadDir(name)
}

// info describes the file or symbolic link at name.
func (f *files) info(ctx context.Context, name string) (ostree.FileInfo, bool, error) {
	e, ok, err := f.entry(name)
	if err != nil || !ok || e.Dir {
		return ostree.FileInfo{}, false, err
	}
	info, err := f.store.FileInfo(ctx, e.File)
	if err != nil {
		return ostree.FileInfo{}, false, fmt.Errorf("/%s: %w", name, err)
	}
	return info, true, nil
}

// target returns where the symbolic link at name points; ok is false if there is none.
func (f *files) target(ctx context.Context, name string) (target string, ok bool, err error) {
	info, ok, err := f.info(ctx, name)
	if err != nil || !ok || info.Mode&typeMask != typeLink {
		return "", false, err
	}
	return info.Target, true, nil
}

// read returns the content of the regular file at name; ok is false if there is none.
func (f *files) read(ctx context.Context, name string) (data []byte, info ostree.FileInfo, ok bool, err error) {
	e, ok, err := f.entry(name)
	if err != nil || !ok || e.Dir {
		return nil, info, false, err
	}
	info, r, err := f.store.OpenFile(ctx, e.File)
	if err != nil {
		return nil, info, false, fmt.Errorf("/%s: %w", name, err)
	}
	if info.Mode&typeMask != typeFile {
		return nil, info, false, closeEmpty(r)
	}
	data, err = io.ReadAll(io.LimitReader(r, maxText+1))
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, info, false, fmt.Errorf("/%s: %w", name, err)
	}
	if len(data) > maxText {
		return nil, info, false, fmt.Errorf("/%s: larger than %d MiB", name, maxText>>20)
	}
	return data, info, true, nil
}

// closeEmpty closes the reader of a symbolic link, which a store may leave nil.
func closeEmpty(r io.Closer) error {
	if r == nil {
		return nil
	}
	return r.Close()
}

// write puts a regular file of root at name, making parent directories as needed.
func (f *files) write(ctx context.Context, name string, data []byte, mode uint32) error {
	return f.put(ctx, name, data, ostree.FileInfo{Mode: typeFile | mode, Size: int64(len(data))})
}

// link puts a symbolic link of root at name, making parent directories as needed.
func (f *files) link(ctx context.Context, name, target string) error {
	return f.put(ctx, name, nil, ostree.FileInfo{Mode: typeLink | 0o777, Target: target})
}

func (f *files) put(ctx context.Context, name string, data []byte, info ostree.FileInfo) error {
	c, err := f.store.WriteFile(ctx, info, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("/%s: %w", name, err)
	}
	if err := f.mkdirAll(path.Dir(name)); err != nil {
		return err
	}
	return f.tree.SetFile(name, c)
}

// rewrite changes the content of the regular file at name, if there is one, and keeps its owner,
// mode and extended attributes.
func (f *files) rewrite(ctx context.Context, name string, change func([]byte) []byte) error {
	data, info, ok, err := f.read(ctx, name)
	if err != nil || !ok {
		return err
	}
	changed := change(data)
	if bytes.Equal(data, changed) {
		return nil
	}
	info.Size = int64(len(changed))
	return f.put(ctx, name, changed, info)
}

// dirMeta is a directory of root.
func dirMeta(mode uint32) ostree.DirMeta { return ostree.DirMeta{Mode: typeDir | mode} }

func plainDir(m ostree.DirMeta) bool {
	return m.Mode == typeDir|0o755 && m.UID == 0 && m.GID == 0 && len(m.Xattrs) == 0
}

func (f *files) mkdirAll(name string) error {
	if name == "." || name == "" {
		return nil
	}
	return f.tree.MkdirAll(name, dirMeta(0o755))
}

// move renames an entry, making the parents of the new name as needed. It replaces nothing.
func (f *files) move(from, to string) error {
	if err := f.absent(to, from); err != nil {
		return err
	}
	if err := f.mkdirAll(path.Dir(to)); err != nil {
		return err
	}
	return f.tree.Move(from, to)
}

// absent makes sure that nothing is where something else goes.
func (f *files) absent(name, comes string) error {
	_, taken, err := f.entry(name)
	if err == nil && taken {
		return fmt.Errorf("/%s is in the tree, but it is where /%s goes: remove it, or move what is in it there", name, comes)
	}
	return err
}

// removeIfThere removes what is at name with all below it, if anything.
func (f *files) removeIfThere(name string) error {
	_, ok, err := f.entry(name)
	if err != nil || !ok {
		return err
	}
	return f.tree.Remove(name)
}

// removeEmpty removes the directory at name and those above it, as long as they are empty and like
// those that mkdirAll makes: an exact inverse must not take what somebody made on purpose.
func (f *files) removeEmpty(name string) error {
	for ; name != "." && name != "usr"; name = path.Dir(name) {
		e, ok, err := f.entry(name)
		if err != nil || !ok || !e.Dir || !plainDir(e.Meta) {
			return err
		}
		list, err := f.tree.ReadDir(name)
		if err != nil || len(list) > 0 {
			return err
		}
		if err := f.tree.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// glob lists what matches a pattern, component by component in the syntax of [path.Match]. It does
// not follow symbolic links.
func (f *files) glob(pattern string) ([]string, error) {
	found := []string{""}
	for part := range strings.SplitSeq(pattern, "/") {
		var next []string
		for _, dir := range found {
			matches, err := f.globIn(dir, part)
			if err != nil {
				return nil, err
			}
			next = append(next, matches...)
		}
		found = next
	}
	return found, nil
}

func (f *files) globIn(dir, part string) ([]string, error) {
	if !strings.ContainsAny(part, `*?[\`) {
		name := path.Join(dir, part)
		_, ok, err := f.entry(name)
		if err != nil || !ok {
			return nil, err
		}
		return []string{name}, nil
	}
	list, err := f.list(dir)
	if err != nil {
		return nil, err
	}
	var found []string
	for _, e := range list {
		ok, err := path.Match(part, e.Name)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", part, err)
		}
		if ok {
			found = append(found, path.Join(dir, e.Name))
		}
	}
	return found, nil
}

// list is children for the root as well.
func (f *files) list(dir string) ([]ostree.Entry, error) {
	if dir == "" {
		return f.tree.ReadDir(".")
	}
	return f.children(dir)
}

// walk calls fn for everything below the directory at name, parents first.
func (f *files) walk(name string, fn func(name string, e ostree.Entry) error) error {
	list, err := f.list(name)
	if err != nil {
		return err
	}
	for _, e := range list {
		child := path.Join(name, e.Name)
		err := fn(child, e)
		if errors.Is(err, fs.SkipDir) {
			continue
		}
		if err != nil {
			return err
		}
		if e.Dir {
			if err := f.walk(child, fn); err != nil {
				return err
			}
		}
	}
	return nil
}
