package live

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"time"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// isMissing tells whether an error says that a path does not exist, or that a file is where it has a
// directory.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) }

// tmpPrefix is that of files which are not complete.
const tmpPrefix = ".apt-ostree-live."

// put makes a path what it is in a tree. Files appear complete, in one step.
func put(root *os.Root, name string, tree fs.ReadLinkFS) error {
	info, err := tree.Lstat(name)
	if err != nil {
		return err
	}
	meta, ok := info.Sys().(*ostree.FileInfo)
	if !ok {
		return fmt.Errorf("%s: not of a repository", name)
	}
	now, err := root.Lstat(name)
	there := err == nil
	if err != nil && !isMissing(err) {
		return err
	}
	if there && now.IsDir() != info.IsDir() {
		if err := root.RemoveAll(name); err != nil {
			return err
		}
		there = false
	}
	switch {
	case info.IsDir():
		if !there {
			if err := root.Mkdir(name, 0o700); err != nil {
				return err
			}
		}
		return putDirMeta(root, name, meta)
	case info.Mode()&fs.ModeSymlink != 0:
		return putLink(root, name, tree, meta)
	}
	return putFile(root, name, tree, meta)
}

func putDirMeta(root *os.Root, name string, meta *ostree.FileInfo) error {
	dir, err := root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(setMeta(dir, meta), dir.Close())
}

func temporary(name string) string { return path.Join(path.Dir(name), tmpPrefix+path.Base(name)) }

func putLink(root *os.Root, name string, tree fs.ReadLinkFS, meta *ostree.FileInfo) error {
	target, err := tree.ReadLink(name)
	if err != nil {
		return err
	}
	tmp := temporary(name)
	if err := root.RemoveAll(tmp); err != nil {
		return err
	}
	if err := root.Symlink(target, tmp); err != nil {
		return err
	}
	if err := root.Lchown(tmp, int(meta.UID), int(meta.GID)); err != nil {
		return err
	}
	return root.Rename(tmp, name)
}

func putFile(root *os.Root, name string, tree fs.FS, meta *ostree.FileInfo) error {
	content, err := tree.Open(name)
	if err != nil {
		return err
	}
	defer content.Close()
	tmp := temporary(name)
	if err := root.RemoveAll(tmp); err != nil {
		return err
	}
	f, err := root.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := io.Copy(f, content); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(setMeta(f, meta), f.Close()); err != nil {
		return err
	}
	if err := root.Chtimes(tmp, time.Unix(0, 0), time.Unix(0, 0)); err != nil { // as in a deployment
		return err
	}
	return root.Rename(tmp, name)
}

// setMeta gives an open file or directory its owner, mode and extended attributes.
func setMeta(f *os.File, meta *ostree.FileInfo) error {
	if err := f.Chown(int(meta.UID), int(meta.GID)); err != nil {
		return err
	}
	if err := unix.Fchmod(int(f.Fd()), meta.Mode&0o7777); err != nil {
		return &fs.PathError{Op: "chmod", Path: f.Name(), Err: err}
	}
	for _, x := range meta.Xattrs {
		if err := unix.Fsetxattr(int(f.Fd()), x.Name, x.Value, 0); err != nil {
			return &fs.PathError{Op: "setxattr " + x.Name, Path: f.Name(), Err: err}
		}
	}
	return nil
}

// remove removes a path if it is there, a directory only if it is empty: what else is in it is not ours.
func remove(root *os.Root, name string) error {
	if err := root.Remove(temporary(name)); err != nil && !isMissing(err) {
		return err
	}
	err := root.Remove(name)
	if isMissing(err) || errors.Is(err, unix.ENOTEMPTY) {
		return nil
	}
	return err
}
