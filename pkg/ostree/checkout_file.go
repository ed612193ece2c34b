package ostree

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// PassthroughWhiteoutPrefix begins the name of a file that stands for an overlay's whiteout, see
// [CheckoutOptions].
const PassthroughWhiteoutPrefix = ".ostree-wh."

// Names that stand for removed ones in container layers.
const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = whiteoutPrefix + whiteoutPrefix + ".opq"
)

// entry writes one file of a directory, or does what its name asks for. at is what
// labelPath gives.
func (c *checkout) entry(ctx context.Context, d *os.File, name, at string, sum Checksum) error {
	if target, ok := strings.CutPrefix(name, whiteoutPrefix); ok && c.opts.Whiteouts {
		return c.whiteout(d, name, target)
	}
	if target, ok := strings.CutPrefix(name, PassthroughWhiteoutPrefix); ok && c.opts.PassthroughWhiteouts {
		return c.passthroughWhiteout(ctx, d, target, path.Join(path.Dir(at), target), sum)
	}
	if c.opts.Union == UnionAdd {
		if _, err := fsx.StatAt(int(d.Fd()), name); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	switch {
	case c.link:
		linked, err := c.linkFile(ctx, d, name, sum)
		if linked || err != nil {
			return err
		}
	case c.cache != nil:
		linked, err := c.linkCached(ctx, d, name, sum)
		if linked || err != nil {
			return err
		}
	}
	return c.copyFile(ctx, d, name, at, sum)
}

// linkFile makes a hard link to the object. It tells whether that is done, and
// not to be done by a copy.
func (c *checkout) linkFile(ctx context.Context, d *os.File, name string, sum Checksum) (linked bool, err error) {
	err = c.repo.store.find(ObjectName{sum, ObjectFile}, func(s *store, path string) error {
		st, wanted, err := c.wantsLink(s, path)
		if err != nil || !wanted {
			return err
		}
		if err := c.verify(ctx, sum); err != nil {
			return err
		}
		linked, err = c.linkTo(ctx, d, name, sum, s.fd, path)
		if linked && err == nil && c.opts.DevIno != nil {
			c.opts.DevIno.Add(st.Dev, st.Ino, sum)
		}
		return err
	})
	return linked, err
}

// linkTo makes a hard link. It tells whether that is done, and not to be done by
// a copy.
func (c *checkout) linkTo(ctx context.Context, d *os.File, name string, sum Checksum, fromfd int, from string) (bool, error) {
	err := c.place(ctx, d, name, sum, func(to string) error { return fsx.LinkAt(fromfd, from, int(d.Fd()), to) })
	if !c.opts.RequireHardlinks && isLinkRefused(err) {
		return false, nil
	}
	return true, err
}

// isLinkRefused recognises the reasons for which a file system makes no link:
// another file system, too many links, not allowed.
func isLinkRefused(err error) bool {
	return errors.Is(err, unix.EXDEV) || errors.Is(err, unix.EMLINK) || errors.Is(err, unix.EPERM)
}

// wantsLink tells whether the object's inode is what the checkout wants. An
// empty file never is: there are many, and a lock file must not be shared.
// Neither is, in user mode, a file that its user may not read.
func (c *checkout) wantsLink(s *store, path string) (unix.Stat_t, bool, error) {
	if s.mode != c.repo.Mode() {
		return unix.Stat_t{}, false, nil
	}
	st, err := fsx.StatAt(s.fd, path)
	if err != nil {
		return st, false, err
	}
	switch {
	case st.Mode&unix.S_IFMT == unix.S_IFLNK:
		return st, true, nil
	case st.Size == 0:
		return st, false, nil
	case s.mode != ModeBareUser:
		return st, !c.opts.UserMode || st.Mode&unix.S_IRUSR != 0, nil
	}
	mode, err := s.bareUserMode(path)
	return st, mode&unix.S_IFMT != unix.S_IFLNK && mode&unix.S_IRUSR != 0, err
}

// copyFile writes a file of its own.
func (c *checkout) copyFile(ctx context.Context, d *os.File, name, at string, sum Checksum) error {
	fi, content, err := c.repo.OpenFile(ctx, sum)
	if err != nil {
		return err
	}
	defer content.Close()
	if err := c.label(at, &fi); err != nil {
		return err
	}
	if fi.IsSymlink() {
		if err := c.verify(ctx, sum); err != nil {
			return err
		}
		return c.place(ctx, d, name, sum, func(to string) error { return c.copySymlink(d, to, fi) })
	}
	return c.place(ctx, d, name, sum, func(to string) error {
		return c.copyRegular(ctx, d, to, ObjectName{sum, ObjectFile}, fi, content)
	})
}

func (c *checkout) copySymlink(d *os.File, name string, fi FileInfo) error {
	if err := unix.Symlinkat(fi.Target, int(d.Fd()), name); err != nil {
		return &fs.PathError{Op: "symlink", Path: name, Err: err}
	}
	return c.finishPath(d, name, fi)
}

// finishPath sets the metadata of what cannot be opened.
func (c *checkout) finishPath(d *os.File, name string, fi FileInfo) error {
	fd := int(d.Fd())
	if !c.opts.UserMode {
		if err := unix.Fchownat(fd, name, int(fi.UID), int(fi.GID), unix.AT_SYMLINK_NOFOLLOW); err != nil {
			return &fs.PathError{Op: "chown", Path: name, Err: err}
		}
		if err := fsx.LSetXattrsAt(fd, name, toDisk(fi.Xattrs)); err != nil {
			return err
		}
	}
	return c.finishTime(fd, name)
}

func (c *checkout) copyRegular(ctx context.Context, d *os.File, name string, n ObjectName, fi FileInfo, content io.Reader) error {
	f, err := fsx.OpenAt(int(d.Fd()), name, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return err
	}
	if err = c.copyContent(ctx, f, n, fi, content); err == nil {
		err = c.finishFile(f, fi)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, fsx.RemoveAllAt(int(d.Fd()), name))
	}
	return nil
}

// copyContent shares blocks if the file system can.
func (c *checkout) copyContent(ctx context.Context, f *os.File, n ObjectName, fi FileInfo, content io.Reader) error {
	if c.verified != nil {
		return c.copyVerified(ctx, f, n, fi, content)
	}
	if src, ok := content.(*os.File); ok && !c.noClone.Load() {
		if unix.IoctlFileClone(int(f.Fd()), int(src.Fd())) == nil {
			return nil
		}
		c.noClone.Store(true)
	}
	_, err := io.Copy(f, content) // between files it is the kernel that copies
	return err
}

// finishFile sets owner, mode and attributes in this order: a change of owner
// clears set-id bits and file capabilities.
func (c *checkout) finishFile(f *os.File, fi FileInfo) error {
	fd, mode := int(f.Fd()), fi.Mode&0o7777
	if c.opts.UserMode {
		mode = userMode(mode)
	} else if err := unix.Fchown(fd, int(fi.UID), int(fi.GID)); err != nil {
		return &fs.PathError{Op: "chown", Path: f.Name(), Err: err}
	}
	if err := unix.Fchmod(fd, mode); err != nil {
		return &fs.PathError{Op: "chmod", Path: f.Name(), Err: err}
	}
	if !c.opts.UserMode {
		if err := fsx.SetXattrs(fd, toDisk(fi.Xattrs)); err != nil {
			return err
		}
	}
	return c.finishTime(fd, "")
}

// finishTime sets a modification time of 0, as a hard link has: what compilers
// and caches make of it is then reproducible. Copies that were asked for are for
// /etc, where 1970 would look odd.
func (c *checkout) finishTime(dirfd int, name string) error {
	if c.opts.ForceCopy {
		return nil
	}
	return fsx.LUtimesAt(dirfd, name, 0)
}

// userMode is the mode of a copy in user mode: without set-id bits, and readable.
func userMode(mode uint32) uint32 {
	return mode&^(unix.S_ISUID|unix.S_ISGID) | unix.S_IRUSR
}

// whiteout removes what a lower container layer had.
func (c *checkout) whiteout(d *os.File, name, target string) error {
	if name == whiteoutOpaque {
		return nil // done before the directory was filled
	}
	if !fsx.IsName(target) {
		return fmt.Errorf("%q is not a whiteout of a name", name)
	}
	return fsx.RemoveAllAt(int(d.Fd()), target)
}

// passthroughWhiteout makes the whiteout of an overlay.
func (c *checkout) passthroughWhiteout(ctx context.Context, d *os.File, target, at string, sum Checksum) error {
	if !fsx.IsName(target) {
		return fmt.Errorf("%q is not a whiteout of a name", PassthroughWhiteoutPrefix+target)
	}
	fi, err := c.repo.FileInfo(ctx, sum)
	if err != nil {
		return err
	}
	fi.Mode = unix.S_IFCHR | fi.Mode&0o7777
	if err := c.label(at, &fi); err != nil {
		return err
	}
	return c.place(ctx, d, target, sum, func(to string) error {
		if err := unix.Mknodat(int(d.Fd()), to, fi.Mode, 0); err != nil {
			return &fs.PathError{Op: "mknod", Path: to, Err: err}
		}
		// Unlike that of mknod this mode is not subject to the umask.
		if err := unix.Fchmodat(int(d.Fd()), to, fi.Mode&0o7777, 0); err != nil {
			return &fs.PathError{Op: "chmod", Path: to, Err: err}
		}
		return c.finishPath(d, to, fi)
	})
}

// place makes an entry by the given function, which must not replace, and
// settles what happens if the name is taken.
func (c *checkout) place(ctx context.Context, d *os.File, name string, sum Checksum, create func(to string) error) error {
	err := create(name)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	switch c.opts.Union {
	case UnionNone:
	case UnionAdd:
		return nil
	case UnionIdentical:
		same, compareErr := c.isObject(ctx, d, name, sum)
		if same || compareErr != nil {
			return compareErr
		}
	case UnionFiles:
		return c.replace(d, name, create)
	}
	return err
}

// replace makes an entry under another name and renames it. In container layers
// a file may take the place of a directory.
func (c *checkout) replace(d *os.File, name string, create func(to string) error) error {
	temporary := ".checkout-" + rand.Text()
	if err := create(temporary); err != nil {
		return err
	}
	fd := int(d.Fd())
	err := unix.Renameat(fd, temporary, fd, name)
	if errors.Is(err, unix.EISDIR) && c.opts.Whiteouts {
		if err = fsx.RemoveAllAt(fd, name); err == nil {
			err = unix.Renameat(fd, temporary, fd, name)
		}
	}
	if err != nil {
		err = &os.LinkError{Op: "rename", Old: temporary, New: name, Err: err}
		return errors.Join(err, fsx.RemoveAllAt(fd, temporary))
	}
	// If both were the same inode, renaming did nothing.
	return fsx.RemoveAllAt(fd, temporary)
}
