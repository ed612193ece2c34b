package ostree

import (
	"io/fs"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Errors of paths have no exported name in package io/fs; these are the ones of
// package os.
var (
	errIsDir   error = unix.EISDIR
	errNotDir  error = unix.ENOTDIR
	errTooMany error = unix.ELOOP
)

// maxLinks is how many symbolic links one path may have, as in Linux.
const maxLinks = 40

// treeNode is a place in a tree: a directory, or a file of one.
type treeNode struct {
	name string
	dir  TreeID   // zero for a file
	file Checksum // zero for a directory
}

func (n treeNode) isDir() bool { return n.file.IsZero() }

// find resolves a path of package io/fs.
func (f *TreeFS) find(op, name string, follow bool) (treeNode, error) {
	if !fs.ValidPath(name) {
		return treeNode{}, &fs.PathError{Op: op, Path: name, Err: fs.ErrInvalid}
	}
	n, err := f.resolve(name, follow)
	if err != nil {
		return treeNode{}, &fs.PathError{Op: op, Path: name, Err: err}
	}
	n.name = path.Base(name) // also if a symbolic link led elsewhere
	return n, nil
}

// resolve walks a path from the root. Each directory on the way is kept, so
// that ".." of a link goes back to where the link is.
func (f *TreeFS) resolve(name string, follow bool) (treeNode, error) {
	stack := []treeNode{{dir: f.root}}
	todo := linkElements(name)
	for links := 0; len(todo) > 0; {
		next := todo[0]
		todo = todo[1:]
		if next == ".." {
			stack = stack[:max(1, len(stack)-1)]
			continue
		}
		n, err := f.child(stack[len(stack)-1], next)
		if err != nil {
			return treeNode{}, err
		}
		if n.isDir() {
			if err := checkDepth(len(stack), n.dir.Contents); err != nil {
				return treeNode{}, err
			}
			stack = append(stack, n)
			continue
		}
		target, err := f.linkTarget(n, follow || len(todo) > 0)
		switch {
		case err != nil:
			return treeNode{}, err
		case target == "" && len(todo) > 0:
			return treeNode{}, errNotDir
		case target == "":
			return n, nil
		}
		if links++; links > maxLinks {
			return treeNode{}, errTooMany
		}
		if strings.HasPrefix(target, "/") {
			stack = stack[:1]
		}
		todo = append(linkElements(target), todo...)
	}
	return stack[len(stack)-1], nil
}

// linkTarget returns where a file leads if it is a symbolic link to be followed.
func (f *TreeFS) linkTarget(n treeNode, follow bool) (string, error) {
	if !follow {
		return "", nil
	}
	fi, err := f.fileInfo(n.file)
	return fi.Target, err
}

// child finds a name in a directory.
func (f *TreeFS) child(parent treeNode, name string) (treeNode, error) {
	t, err := f.load(parent.dir.Contents)
	if err != nil {
		return treeNode{}, err
	}
	n := treeNode{name: name}
	if i, ok := slices.BinarySearchFunc(t.Dirs, name, func(d DirTreeDir, s string) int { return strings.Compare(d.Name, s) }); ok {
		n.dir = t.Dirs[i].Tree
		return n, nil
	}
	if i, ok := slices.BinarySearchFunc(t.Files, name, func(d DirTreeFile, s string) int { return strings.Compare(d.Name, s) }); ok {
		n.file = t.Files[i].Checksum
		return n, nil
	}
	return n, fs.ErrNotExist
}

// linkElements splits a path or link target into the names that matter.
func linkElements(p string) []string {
	return slices.DeleteFunc(strings.Split(p, "/"), func(e string) bool { return e == "" || e == "." })
}
