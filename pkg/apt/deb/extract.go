package deb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"
)

// ExtractOptions configures [Reader.Extract].
type ExtractOptions struct {
	// KeepOwner leaves the owner of what is created to the system, for callers that are not root.
	KeepOwner bool
	// SkipSpecial leaves out devices and named pipes instead of failing with a [*SpecialFileError].
	SkipSpecial bool
}

// SpecialFileError says that a package ships a device or a named pipe, which an OSTree commit cannot
// hold.
type SpecialFileError struct {
	// Path is relative to the root.
	Path string
	// Type is CharDevice, BlockDevice or FIFO.
	Type Type
}

// Error implements error.
func (e *SpecialFileError) Error() string {
	return fmt.Sprintf("package ships the %s /%s, which a system image cannot hold", e.Type, e.Path)
}

// Extract writes the package's files into the tree at root, which exists. It is meant to fill an
// empty tree so that the tree's own dpkg can run and install the same packages properly; it replaces
// existing files, runs no script and records nothing.
//
// Paths are resolved inside root, following its symbolic links: with lib → usr/lib in the tree,
// lib/x is written to usr/lib/x, and no link leads outside. Existing directories keep owner and mode.
// Symbolic links are created last, and never replace a directory. Owners are resolved by name in the
// tree's etc/passwd and etc/group, else the numbers count.
//
// When Extract fails the tree holds a part of the package. The tree must not be changed by others
// meanwhile.
func (r *Reader) Extract(ctx context.Context, root string, opts ExtractOptions) error {
	t, err := openTree(root)
	if err != nil {
		return err
	}
	x := extractor{tree: t, opts: opts}
	if !opts.KeepOwner {
		if x.users, err = t.names("etc/passwd"); err == nil {
			x.groups, err = t.names("etc/group")
		}
	}
	if err == nil {
		err = x.run(r.Data(ctx))
	}
	return errors.Join(err, t.Close())
}

// extractor writes entries into a tree.
type extractor struct {
	tree          *tree
	opts          ExtractOptions
	users, groups map[string]int
	symlinks      []*Entry
}

// run writes all entries, symbolic links last.
func (x *extractor) run(entries func(func(*Entry, error) bool)) error {
	var failed error
	entries(func(e *Entry, err error) bool {
		if err == nil {
			err = x.place(e)
		}
		failed = err
		return err == nil
	})
	for _, e := range x.symlinks {
		if failed != nil {
			break
		}
		failed = x.at(e, x.symlink)
	}
	return failed
}

// place writes one entry, or keeps it for later.
func (x *extractor) place(e *Entry) error {
	switch e.Type {
	case File:
		return x.at(e, x.file)
	case HardLink:
		return x.at(e, x.hardLink)
	case Directory:
		return x.at(e, x.directory)
	case Symlink:
		x.symlinks = append(x.symlinks, e)
		return nil
	}
	if x.opts.SkipSpecial {
		return nil
	}
	return &SpecialFileError{Path: e.Path, Type: e.Type}
}

// at calls write with the directory that the entry belongs into and its name there.
func (x *extractor) at(e *Entry, write func(e *Entry, dir int, name string) error) error {
	dir, err := x.tree.directory(path.Dir(e.Path))
	if err == nil {
		err = write(e, dir, path.Base(e.Path))
	}
	if err != nil {
		return fmt.Errorf("extract /%s: %w", e.Path, err)
	}
	return nil
}

// directory creates a directory. What is one already, also through a symbolic link, stays as it is;
// where a link leads nowhere its target is created.
func (x *extractor) directory(e *Entry, dir int, name string) error {
	if e.Path == "." {
		return nil
	}
	found, err := x.tree.isDirectory(e.Path)
	if err != nil || found {
		return err
	}
	if _, err := readLink(dir, name); err == nil {
		// For example lib → usr/lib in a tree that has no usr/lib yet.
		if _, err := x.tree.directory(e.Path); !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.ELOOP) {
			return err
		}
		if dir, err = x.tree.directory(path.Dir(e.Path)); err != nil {
			return err
		}
	}
	if err := remove(dir, name); err != nil {
		return err
	}
	if err := unix.Mkdirat(dir, name, 0o700); err != nil {
		return err
	}
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	return errors.Join(x.finish(e, fd), unix.Close(fd))
}

// file creates a regular file.
func (x *extractor) file(e *Entry, dir int, name string) error {
	if err := remove(dir, name); err != nil {
		return err
	}
	fd, err := unix.Openat(dir, name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(fdWriter(fd), e)
	if err == nil {
		err = x.finish(e, fd)
	}
	return errors.Join(err, unix.Close(fd))
}

// hardLink links to a file that this package wrote before.
func (x *extractor) hardLink(e *Entry, dir int, name string) error {
	if e.Path == e.Target {
		return nil
	}
	// The tree caches one directory, so the other one needs a descriptor of its own.
	dir, err := unix.FcntlInt(uintptr(dir), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return err
	}
	from, err := x.tree.directory(path.Dir(e.Target))
	if err == nil {
		err = remove(dir, name)
	}
	if err == nil {
		err = unix.Linkat(from, path.Base(e.Target), dir, name, 0)
	}
	return errors.Join(err, unix.Close(dir))
}

// symlink creates a symbolic link unless a directory is in the way.
func (x *extractor) symlink(e *Entry, dir int, name string) error {
	if found, err := x.tree.isDirectory(e.Path); err != nil || found {
		return err
	}
	if err := remove(dir, name); err != nil {
		return err
	}
	if err := unix.Symlinkat(e.Target, dir, name); err != nil {
		return err
	}
	if !x.opts.KeepOwner {
		uid, gid := x.owner(e)
		if err := unix.Fchownat(dir, name, uid, gid, unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return err
		}
	}
	return unix.UtimesNanoAt(dir, name, times(e), unix.AT_SYMLINK_NOFOLLOW)
}

// finish sets owner, then mode because changing the owner clears the set-id bits, then time.
func (x *extractor) finish(e *Entry, fd int) error {
	if !x.opts.KeepOwner {
		uid, gid := x.owner(e)
		if err := unix.Fchown(fd, uid, gid); err != nil {
			return err
		}
	}
	if err := unix.Fchmod(fd, e.Mode); err != nil {
		return err
	}
	ts := times(e)
	return unix.Futimes(fd, []unix.Timeval{unix.NsecToTimeval(ts[0].Nano()), unix.NsecToTimeval(ts[1].Nano())})
}

// owner resolves the entry's owner in the tree.
func (x *extractor) owner(e *Entry) (uid, gid int) {
	uid, gid = e.UID, e.GID
	if id, ok := x.users[e.User]; ok {
		uid = id
	}
	if id, ok := x.groups[e.Group]; ok {
		gid = id
	}
	return uid, gid
}

// times returns access and modification time as the kernel wants them.
func times(e *Entry) []unix.Timespec {
	t := unix.Timespec{Sec: e.ModTime.Unix()}
	return []unix.Timespec{t, t}
}

// remove unlinks what has the name, unless that is a directory.
func remove(dir int, name string) error {
	err := unix.Unlinkat(dir, name, 0)
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	return err
}

// fdWriter writes to a file descriptor.
type fdWriter int

// Write implements io.Writer.
func (fd fdWriter) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n, err := unix.Write(int(fd), p[written:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}
