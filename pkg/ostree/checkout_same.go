package ostree

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// isObject tells whether an existing file is what a checkout of an object would
// make: the same inode, or the same metadata and content.
func (c *checkout) isObject(ctx context.Context, d *os.File, name string, sum Checksum) (bool, error) {
	st, err := fsx.StatAt(int(d.Fd()), name)
	if err != nil {
		return false, err
	}
	if c.link && c.isLinkOf(st, sum) {
		return true, nil
	}
	fi, content, err := c.repo.OpenFile(ctx, sum)
	if err != nil {
		return false, err
	}
	defer content.Close()
	same, err := c.sameMeta(d, name, st, fi)
	if err != nil || !same {
		return false, err
	}
	if fi.IsSymlink() {
		target, err := fsx.ReadLinkAt(int(d.Fd()), name)
		return target == fi.Target, err
	}
	f, err := fsx.OpenAt(int(d.Fd()), name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, err
	}
	defer f.Close()
	return sameContent(f, content)
}

func (c *checkout) isLinkOf(st unix.Stat_t, sum Checksum) bool {
	same := false
	err := c.repo.store.find(ObjectName{sum, ObjectFile}, func(s *store, path string) error {
		object, err := fsx.StatAt(s.fd, path)
		same = err == nil && object.Dev == st.Dev && object.Ino == st.Ino
		return err
	})
	return err == nil && same
}

func (c *checkout) sameMeta(d *os.File, name string, st unix.Stat_t, fi FileInfo) (bool, error) {
	if st.Mode&unix.S_IFMT != fi.Mode&unix.S_IFMT || !fi.IsSymlink() && st.Size != fi.Size {
		return false, nil
	}
	if c.opts.UserMode {
		return fi.IsSymlink() || st.Mode == userMode(fi.Mode), nil
	}
	if st.Mode != fi.Mode || st.Uid != fi.UID || st.Gid != fi.GID {
		return false, nil
	}
	attrs, err := fsx.LXattrsAt(int(d.Fd()), name)
	return equalXattrs(fromDisk(attrs), fi.Xattrs), err
}

func sameContent(a, b io.Reader) (bool, error) {
	const size = 64 << 10
	bufA, bufB := make([]byte, size), make([]byte, size)
	for {
		n, errA := readFull(a, bufA)
		m, errB := readFull(b, bufB)
		if err := errors.Join(notEOF(errA), notEOF(errB)); err != nil {
			return false, err
		}
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false, nil
		}
		if n < size {
			return true, nil
		}
	}
}

func notEOF(err error) error {
	if atEnd(err) {
		return nil
	}
	return err
}
