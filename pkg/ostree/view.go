package ostree

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"sync"
)

// TreeFS is a tree as a read-only [fs.FS], without a checkout. It implements
// [fs.ReadLinkFS], [fs.ReadFileFS], [fs.StatFS] and [fs.ReadDirFS].
//
// Paths are resolved as in a chroot: symbolic links are followed, an absolute
// one starts at the root of the tree, and ".." does not lead out of it. Lstat
// and ReadLink do not follow the last element. Sys of a [fs.FileInfo] is a
// [*FileInfo] with owner, mode and attributes; modification times are those of
// 1970, since OSTree records none.
//
// Only directories that are asked for are read, each once. A TreeFS is safe for
// concurrent use. It is bound to the context it was made with, and to the
// repository being open.
type TreeFS struct {
	root TreeID
	objects

	mu   sync.Mutex
	dirs map[Checksum]*DirTree
}

// objects are the reads a TreeFS needs, bound to a repository and a context.
type objects struct {
	dirTree  func(Checksum) (*DirTree, error)
	dirMeta  func(Checksum) (DirMeta, error)
	fileInfo func(Checksum) (FileInfo, error)
	openFile func(Checksum) (FileInfo, io.ReadCloser, error)
}

var _ interface {
	fs.ReadLinkFS
	fs.ReadFileFS
	fs.StatFS
	fs.ReadDirFS
} = (*TreeFS)(nil)

// FS returns the tree of a commit as a file system.
func (r *Repo) FS(ctx context.Context, c Checksum) (*TreeFS, error) {
	commit, err := r.LoadCommit(ctx, c)
	if err != nil {
		return nil, err
	}
	return r.FSTree(ctx, commit.Tree)
}

// FSTree returns a tree as a file system.
func (r *Repo) FSTree(ctx context.Context, id TreeID) (*TreeFS, error) {
	f := &TreeFS{root: id, dirs: map[Checksum]*DirTree{}, objects: objects{
		dirTree:  func(c Checksum) (*DirTree, error) { return r.LoadDirTree(ctx, c) },
		dirMeta:  func(c Checksum) (DirMeta, error) { return r.LoadDirMeta(ctx, c) },
		fileInfo: func(c Checksum) (FileInfo, error) { return r.FileInfo(ctx, c) },
		openFile: func(c Checksum) (FileInfo, io.ReadCloser, error) { return r.OpenFile(ctx, c) },
	}}
	if _, err := f.load(id.Contents); err != nil {
		return nil, err
	}
	return f, nil
}

// Open opens a file or directory.
func (f *TreeFS) Open(name string) (fs.File, error) {
	n, err := f.find("open", name, true)
	if err != nil {
		return nil, err
	}
	if n.isDir() {
		return f.openDir(name, n)
	}
	info, content, err := f.openFile(n.file)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &treeFile{ReadCloser: content, info: treeInfo{name: n.name, fi: info}}, nil
}

// ReadFile returns the content of a file.
func (f *TreeFS) ReadFile(name string) ([]byte, error) {
	n, err := f.find("read", name, true)
	if err != nil {
		return nil, err
	}
	if n.isDir() {
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIsDir}
	}
	_, content, err := f.openFile(n.file)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	defer content.Close()
	data, err := io.ReadAll(content)
	if err != nil {
		return nil, &fs.PathError{Op: "read", Path: name, Err: err}
	}
	return data, nil
}

// ReadDir lists a directory by name.
func (f *TreeFS) ReadDir(name string) ([]fs.DirEntry, error) {
	n, err := f.find("readdir", name, true)
	if err != nil {
		return nil, err
	}
	if !n.isDir() {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: errNotDir}
	}
	entries, err := f.entries(n)
	if err != nil {
		return nil, &fs.PathError{Op: "readdir", Path: name, Err: err}
	}
	return entries, nil
}

// Stat describes what a path leads to.
func (f *TreeFS) Stat(name string) (fs.FileInfo, error) { return f.stat("stat", name, true) }

// Lstat describes a path itself, even if it is a symbolic link.
func (f *TreeFS) Lstat(name string) (fs.FileInfo, error) { return f.stat("lstat", name, false) }

// ReadLink returns the target of a symbolic link as it is stored.
func (f *TreeFS) ReadLink(name string) (string, error) {
	n, err := f.find("readlink", name, false)
	if err != nil {
		return "", err
	}
	info, err := f.info(n)
	if err == nil && !info.fi.IsSymlink() {
		err = fs.ErrInvalid
	}
	if err != nil {
		return "", &fs.PathError{Op: "readlink", Path: name, Err: err}
	}
	return info.fi.Target, nil
}

func (f *TreeFS) stat(op, name string, follow bool) (fs.FileInfo, error) {
	n, err := f.find(op, name, follow)
	if err != nil {
		return nil, err
	}
	info, err := f.info(n)
	if err != nil {
		return nil, &fs.PathError{Op: op, Path: name, Err: err}
	}
	return info, nil
}

// load returns a dirtree, which is read once.
func (f *TreeFS) load(c Checksum) (*DirTree, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.dirs[c]; t != nil {
		return t, nil
	}
	t, err := f.dirTree(c)
	if err != nil {
		return nil, fmt.Errorf("load directory: %w", err)
	}
	f.dirs[c] = t
	return t, nil
}
