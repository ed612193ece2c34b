package ostree

import (
	"cmp"
	"io"
	"io/fs"
	"slices"
	"time"
)

// treeInfo describes a file or directory of a [TreeFS].
type treeInfo struct {
	name string
	fi   FileInfo
}

func (i treeInfo) Name() string       { return i.name }
func (i treeInfo) Size() int64        { return i.fi.Size + int64(len(i.fi.Target)) }
func (i treeInfo) Mode() fs.FileMode  { return fsMode(i.fi.Mode) }
func (i treeInfo) ModTime() time.Time { return time.Unix(0, 0).UTC() }
func (i treeInfo) IsDir() bool        { return i.Mode().IsDir() }
func (i treeInfo) Sys() any           { return &i.fi }

func (f *TreeFS) info(n treeNode) (treeInfo, error) {
	if !n.isDir() {
		fi, err := f.fileInfo(n.file)
		return treeInfo{name: n.name, fi: fi}, err
	}
	meta, err := f.dirMeta(n.dir.Meta)
	return treeInfo{name: n.name, fi: FileInfo{UID: meta.UID, GID: meta.GID, Mode: meta.Mode, Xattrs: meta.Xattrs}}, err
}

// entries lists a directory. The kind of a file is known only to its object, so
// every object is looked at.
func (f *TreeFS) entries(n treeNode) ([]fs.DirEntry, error) {
	t, err := f.load(n.dir.Contents)
	if err != nil {
		return nil, err
	}
	entries := make([]fs.DirEntry, 0, len(t.Dirs)+len(t.Files))
	for _, d := range t.Dirs {
		info, err := f.info(treeNode{name: d.Name, dir: d.Tree})
		if err != nil {
			return nil, err
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	for _, file := range t.Files {
		info, err := f.info(treeNode{name: file.Name, file: file.Checksum})
		if err != nil {
			return nil, err
		}
		entries = append(entries, fs.FileInfoToDirEntry(info))
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(a.Name(), b.Name()) })
	return entries, nil
}

// treeFile is an open file.
type treeFile struct {
	io.ReadCloser
	info treeInfo
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// treeDir is an open directory.
type treeDir struct {
	info    treeInfo
	entries []fs.DirEntry // not yet read
}

func (f *TreeFS) openDir(name string, n treeNode) (fs.File, error) {
	info, err := f.info(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	entries, err := f.entries(n)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	return &treeDir{info: info, entries: entries}, nil
}

func (d *treeDir) Stat() (fs.FileInfo, error) { return d.info, nil }
func (d *treeDir) Close() error               { return nil }

func (d *treeDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: d.info.name, Err: errIsDir}
}

// ReadDir returns the next n entries, or all that are left if n is not positive.
func (d *treeDir) ReadDir(n int) ([]fs.DirEntry, error) {
	if n <= 0 {
		n = len(d.entries)
	} else if len(d.entries) == 0 {
		return nil, io.EOF
	}
	n = min(n, len(d.entries))
	entries := d.entries[:n:n]
	d.entries = d.entries[n:]
	return entries, nil
}
