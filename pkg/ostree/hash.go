package ostree

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// HashOptions say what counts of a file on disk. The zero value is everything.
type HashOptions struct {
	// NoXattrs leaves extended attributes out.
	NoXattrs bool
	// UID and GID, if set, take the place of the owner.
	UID, GID *uint32
}

// HashFile computes the checksum that a file on disk would have as an object: a
// file object for a regular file or symbolic link, the dirmeta object for a
// directory. A device, pipe or socket, which no commit can hold, is hashed like
// an empty file of its mode.
func HashFile(ctx context.Context, path string, o HashOptions) (Checksum, error) {
	c, err := hashPath(ctx, path, o, newPools(1))
	if err != nil {
		return Checksum{}, fmt.Errorf("checksum of %s: %w", path, err)
	}
	return c, nil
}

func hashPath(ctx context.Context, name string, o HashOptions, p *pools) (Checksum, error) {
	const at = unix.AT_FDCWD
	st, err := fsx.StatAt(at, name)
	if err != nil {
		return Checksum{}, err
	}
	fi := o.fileInfo(&st)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return hashRegular(ctx, name, fi, o, p)
	case unix.S_IFDIR:
		d, err := fsx.OpenDirAt(at, name)
		if err != nil {
			return Checksum{}, err
		}
		defer d.Close()
		return hashDirMeta(d, o)
	case unix.S_IFLNK:
		if fi.Target, err = fsx.ReadLinkAt(at, name); err != nil {
			return Checksum{}, err
		}
	}
	if !o.NoXattrs {
		attrs, err := fsx.LXattrs(name)
		if err != nil {
			return Checksum{}, err
		}
		fi.Xattrs = o.xattrs(attrs)
	}
	return sha256.Sum256(appendHeader(nil, fi)), nil
}

func hashRegular(ctx context.Context, name string, fi FileInfo, o HashOptions, p *pools) (Checksum, error) {
	f, err := fsx.OpenAt(unix.AT_FDCWD, name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return Checksum{}, err
	}
	defer f.Close()
	if !o.NoXattrs {
		attrs, err := fsx.AllXattrs(int(f.Fd()))
		if err != nil {
			return Checksum{}, err
		}
		fi.Xattrs = o.xattrs(attrs)
	}
	c, _, err := hashFile(ctx, fi, f, p)
	return c, err
}

func hashDirMeta(d *os.File, o HashOptions) (Checksum, error) {
	st, err := fsx.StatAt(int(d.Fd()), "")
	if err != nil {
		return Checksum{}, err
	}
	fi := o.fileInfo(&st)
	m := DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode}
	if !o.NoXattrs {
		attrs, err := fsx.AllXattrs(int(d.Fd()))
		if err != nil {
			return Checksum{}, err
		}
		m.Xattrs = o.xattrs(attrs)
	}
	data, err := encodeDirMeta(m)
	return sha256.Sum256(data), err
}

func (o HashOptions) fileInfo(st *unix.Stat_t) FileInfo {
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode}
	if o.UID != nil {
		fi.UID = *o.UID
	}
	if o.GID != nil {
		fi.GID = *o.GID
	}
	return fi
}

// xattrs are those that a commit of the file would record.
func (o HashOptions) xattrs(attrs []fsx.Xattr) []Xattr {
	return (&adder{opts: AddOptions{NoXattrs: o.NoXattrs}}).committed(attrs)
}
