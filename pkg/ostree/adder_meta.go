package ostree

import (
	"encoding/binary"
	"fmt"
	"os"
	"unicode/utf8"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// inspect reads the metadata of an open file or directory.
func (a *adder) inspect(fd int) (*unix.Stat_t, []fsx.Xattr, error) {
	st, err := fsx.StatAt(fd, "")
	if err != nil || a.opts.NoXattrs && !a.overlay {
		return &st, nil, err
	}
	attrs, err := fsx.AllXattrs(fd)
	return &st, attrs, err
}

// dirMeta reads the metadata of an open directory and asks the filter.
func (a *adder) dirMeta(d *os.File, at string) (DirMeta, Action, error) {
	st, attrs, err := a.inspect(int(d.Fd()))
	if err != nil {
		return DirMeta{}, Skip, fmt.Errorf("%s: %w", at, err)
	}
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode, Xattrs: a.committed(attrs)}
	action, err := a.modify(at, &fi)
	return DirMeta{UID: fi.UID, GID: fi.GID, Mode: fi.Mode, Xattrs: fi.Xattrs}, action, err
}

func (a *adder) symlinkInfo(d *os.File, name string) (FileInfo, error) {
	st, err := fsx.StatAt(int(d.Fd()), name)
	if err != nil {
		return FileInfo{}, err
	}
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode}
	if fi.Target, err = fsx.ReadLinkAt(int(d.Fd()), name); err != nil {
		return FileInfo{}, err
	}
	if !utf8.ValidString(fi.Target) {
		return FileInfo{}, fmt.Errorf("the target %q of the symbolic link is not UTF-8, which a commit requires", fi.Target)
	}
	if a.opts.NoXattrs {
		return fi, nil
	}
	attrs, err := fsx.LXattrsAt(int(d.Fd()), name)
	fi.Xattrs = a.committed(attrs)
	return fi, err
}

// committed converts attributes as they are on disk to those of the commit.
func (a *adder) committed(attrs []fsx.Xattr) []Xattr {
	if a.opts.NoXattrs {
		return nil
	}
	return a.kept(fromDisk(attrs))
}

// kept drops attributes that describe the storage and not the file: metadata of
// a bare-user repository, and what an overlay notes in its upper directory.
// Those without value go too: libostree never records them. It changes the list.
func (a *adder) kept(attrs []Xattr) []Xattr {
	kept := attrs[:0]
	for _, x := range attrs {
		_, mark := overlayMark(x.Name)
		if len(x.Value) == 0 || x.Name == userMetaXattr || a.overlay && mark {
			continue
		}
		if x.Name == "security.capability" {
			x.Value = plainCapability(x.Value)
		}
		kept = append(kept, x)
	}
	return kept
}

// plainCapability turns a capability that holds only in one user namespace
// (version 3 of struct vfs_ns_cap_data in linux/capability.h, which names the
// namespace's root) into one that holds where the tree is booted (version 2).
func plainCapability(value []byte) []byte {
	const revisionMask, revision2, revision3 = 0xff000000, 0x02000000, 0x03000000
	if len(value) != 24 {
		return value
	}
	magic := binary.LittleEndian.Uint32(value)
	if magic&revisionMask != revision3 {
		return value
	}
	plain := binary.LittleEndian.AppendUint32(nil, magic&^revisionMask|revision2)
	return append(plain, value[4:20]...)
}
