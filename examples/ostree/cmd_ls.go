package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// lister prints the entries of a tree.
type lister struct {
	dirOnly, recursive, checksum, xattrs, nul bool

	e    *env
	repo *ostree.Repo
}

// lsEntry is a file, or a directory if it has a dirtree.
type lsEntry struct {
	path string
	file ostree.Checksum
	dir  ostree.TreeID
}

func (n lsEntry) isDir() bool { return !n.dir.Contents.IsZero() }

func cmdLs() *command {
	var l lister
	return &command{
		name: "ls", operands: "COMMIT [PATH...]", summary: "List file paths",
		flags: func(f *flags) {
			f.Bool(&l.dirOnly, "dironly", "d", "Do not recurse into directory arguments")
			f.Bool(&l.recursive, "recursive", "R", "Print directories recursively")
			f.Bool(&l.checksum, "checksum", "C", "Print checksum")
			f.Bool(&l.xattrs, "xattrs", "X", "Print extended attributes")
			f.Bool(&l.nul, "nul-filenames-only", "", "Print only filenames, NUL separated")
		},
		run: func(ctx context.Context, e *env, args []string) error {
			var err error
			l.e = e
			if l.repo, err = e.openRepo(); err != nil {
				return err
			}
			if len(args) < 1 {
				return usagef("An COMMIT argument is required")
			}
			c, err := l.repo.Resolve(ctx, args[0])
			if err != nil {
				return err
			}
			commit, err := l.repo.LoadCommit(ctx, c)
			if err != nil {
				return err
			}
			paths := args[1:]
			if len(paths) == 0 {
				paths = []string{"/"}
			}
			for _, p := range paths {
				if err := l.list(ctx, lsEntry{path: "/", dir: commit.Tree}, p); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// list prints a path, and the entries of the directory that it may be.
func (l *lister) list(ctx context.Context, root lsEntry, name string) error {
	found, err := l.lookup(ctx, root, name)
	if err != nil {
		return err
	}
	if !found.isDir() || l.dirOnly {
		return l.print(ctx, found)
	}
	return l.dir(ctx, found)
}

// lookup does not follow symbolic links.
func (l *lister) lookup(ctx context.Context, at lsEntry, name string) (lsEntry, error) {
	for element := range strings.SplitSeq(strings.Trim(path.Clean("/"+name), "/"), "/") {
		if element == "" {
			break
		}
		if !at.isDir() {
			return lsEntry{}, &lookupError{name, unix.ENOTDIR}
		}
		entries, err := l.entries(ctx, at)
		if err != nil {
			return lsEntry{}, err
		}
		found := lsEntry{}
		for _, entry := range entries {
			if path.Base(entry.path) == element {
				found = entry
			}
		}
		if found.path == "" {
			return lsEntry{}, &lookupError{name, fs.ErrNotExist}
		}
		at = found
	}
	return at, nil
}

// entries lists a directory, files before directories.
func (l *lister) entries(ctx context.Context, dir lsEntry) ([]lsEntry, error) {
	if strings.Count(dir.path, "/") > ostree.MaxTreeDepth {
		return nil, fmt.Errorf("%s: more than %d directories inside each other", dir.dir.Contents, ostree.MaxTreeDepth)
	}
	t, err := l.repo.LoadDirTree(ctx, dir.dir.Contents)
	if err != nil {
		return nil, err
	}
	entries := make([]lsEntry, 0, len(t.Files)+len(t.Dirs))
	for _, f := range t.Files {
		entries = append(entries, lsEntry{path: path.Join(dir.path, f.Name), file: f.Checksum})
	}
	for _, d := range t.Dirs {
		entries = append(entries, lsEntry{path: path.Join(dir.path, d.Name), dir: d.Tree})
	}
	return entries, nil
}

func (l *lister) dir(ctx context.Context, dir lsEntry) error {
	if err := l.print(ctx, dir); err != nil {
		return err
	}
	entries, err := l.entries(ctx, dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		show := l.print
		if entry.isDir() && l.recursive {
			show = l.dir
		}
		if err := show(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

func (l *lister) print(ctx context.Context, entry lsEntry) error {
	if l.nul {
		l.e.printf("%s\x00", entry.path)
		return nil
	}
	fi, err := l.info(ctx, entry)
	if err != nil {
		return err
	}
	l.e.printf("%c0%04o %d %d %6d ", typeLetter(fi.Mode), fi.Mode&^uint32(unix.S_IFMT), fi.UID, fi.GID, fi.Size)
	if l.checksum {
		if entry.isDir() {
			l.e.printf("%s ", entry.dir.Contents)
		}
		l.e.printf("%s ", cmp.Or(entry.file, entry.dir.Meta))
	}
	if l.xattrs {
		l.e.printf("{ %s } ", xattrsText(fi.Xattrs))
	}
	l.e.printf("%s", entry.path)
	if fi.IsSymlink() {
		l.e.printf(" -> %s", fi.Target)
	}
	l.e.println()
	return nil
}

func (l *lister) info(ctx context.Context, entry lsEntry) (ostree.FileInfo, error) {
	if !entry.isDir() {
		return l.repo.FileInfo(ctx, entry.file)
	}
	m, err := l.repo.LoadDirMeta(ctx, entry.dir.Meta)
	return ostree.FileInfo{UID: m.UID, GID: m.GID, Mode: m.Mode, Xattrs: m.Xattrs}, err
}

func typeLetter(mode uint32) byte {
	switch mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return 'd'
	case unix.S_IFLNK:
		return 'l'
	}
	return '-'
}

// lookupError says that a tree has no such path.
type lookupError struct {
	path string
	err  error
}

func (e *lookupError) Error() string {
	if e.err == fs.ErrNotExist { //nolint:errorlint // it is made above and not wrapped
		return "Inspecting path '" + e.path + "': No such file or directory: /" + strings.TrimPrefix(e.path, "/")
	}
	return "Inspecting path '" + e.path + "': Not a directory"
}
