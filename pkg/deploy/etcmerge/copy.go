package etcmerge

import (
	"context"
	"io/fs"
	"os"
	"path"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// copyEntry copies a path from one open directory into another, where it does not exist. Only the
// last element of name matters for that; all of it is what errors and reports show.
func (m *merger) copyEntry(ctx context.Context, from, to *os.File, name string, st unix.Stat_t) error {
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		return m.copyDir(ctx, from, to, name)
	case unix.S_IFLNK:
		return copyLink(from, to, path.Base(name), st)
	case unix.S_IFREG:
		return copyFile(from, to, path.Base(name), st)
	}
	m.report.Skipped = append(m.report.Skipped, name)
	return nil
}

// copyDir copies a directory with all it holds.
func (m *merger) copyDir(ctx context.Context, from, to *os.File, name string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	source, err := fsx.OpenDirAt(int(from.Fd()), path.Base(name))
	if err != nil {
		return err
	}
	defer source.Close()
	if err := unix.Mkdirat(int(to.Fd()), path.Base(name), 0o700); err != nil {
		return &fs.PathError{Op: "mkdirat", Path: name, Err: err}
	}
	target, err := fsx.OpenDirAt(int(to.Fd()), path.Base(name))
	if err != nil {
		return err
	}
	defer target.Close()
	names, err := source.Readdirnames(-1)
	if err != nil {
		return err
	}
	for _, child := range names {
		st, err := fsx.StatAt(int(source.Fd()), child)
		if err != nil {
			return err
		}
		if err := m.copyEntry(ctx, source, target, path.Join(name, child), st); err != nil {
			return err
		}
	}
	return copyAttributes(source, target)
}

// copyFile copies a regular file with content, attributes, owner, mode and time.
func copyFile(from, to *os.File, name string, st unix.Stat_t) error {
	source, err := fsx.OpenAt(int(from.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return err
	}
	defer source.Close()
	target, err := fsx.TempFile(int(to.Fd()), 0o600)
	if err != nil {
		return err
	}
	defer target.Close()
	if err := fsx.CopyFile(target, source); err != nil {
		return err
	}
	if err := copyAttributes(source, target); err != nil {
		return err
	}
	if err := fsx.LinkTemp(target, int(to.Fd()), name); err != nil {
		return err
	}
	return setTimes(to, name, st)
}

// copyLink copies a symbolic link with attributes, owner and time.
func copyLink(from, to *os.File, name string, st unix.Stat_t) error {
	target, err := fsx.ReadLinkAt(int(from.Fd()), name)
	if err != nil {
		return err
	}
	attrs, err := fsx.LXattrsAt(int(from.Fd()), name)
	if err != nil {
		return err
	}
	if err := unix.Symlinkat(target, int(to.Fd()), name); err != nil {
		return &fs.PathError{Op: "symlinkat", Path: name, Err: err}
	}
	if err := unix.Fchownat(int(to.Fd()), name, int(st.Uid), int(st.Gid), unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "fchownat", Path: name, Err: err}
	}
	if err := fsx.LSetXattrsAt(int(to.Fd()), name, attrs); err != nil {
		return err
	}
	return setTimes(to, name, st)
}

// copyAttributes gives an open file or directory the owner, mode and extended attributes of
// another. The owner comes first, because a change of owner clears setuid bits and capabilities.
func copyAttributes(from, to *os.File) error {
	st, err := fsx.StatAt(int(from.Fd()), "")
	if err != nil {
		return err
	}
	attrs, err := fsx.Xattrs(int(from.Fd()))
	if err != nil {
		return err
	}
	if err := unix.Fchown(int(to.Fd()), int(st.Uid), int(st.Gid)); err != nil {
		return &fs.PathError{Op: "fchown", Path: to.Name(), Err: err}
	}
	if err := unix.Fchmod(int(to.Fd()), st.Mode&0o7777); err != nil {
		return &fs.PathError{Op: "fchmod", Path: to.Name(), Err: err}
	}
	return fsx.SetXattrs(int(to.Fd()), attrs)
}

func setTimes(dir *os.File, name string, st unix.Stat_t) error {
	times := []unix.Timespec{st.Atim, st.Mtim}
	if err := unix.UtimesNanoAt(int(dir.Fd()), name, times, unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return &fs.PathError{Op: "utimensat", Path: name, Err: err}
	}
	return nil
}
