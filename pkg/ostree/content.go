package ostree

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// userMetaXattr is where bare-user repositories keep owner, mode and attributes.
const userMetaXattr = "user.ostreemeta"

// maxHeaderSize bounds the header of an archived file.
const maxHeaderSize = 1 << 20

// fileInfo describes a file object without reading its content.
func (s *store) fileInfo(c Checksum) (FileInfo, error) {
	var fi FileInfo
	name := ObjectName{c, ObjectFile}
	err := s.find(name, func(s *store, path string) error {
		var err error
		switch s.mode {
		case ModeBare, ModeBareUserOnly, ModeBareSplitXattrs:
			fi, err = s.infoFromInode(c, path)
		default:
			var content io.ReadCloser
			if fi, content, err = s.openHere(c, path); err == nil {
				err = content.Close()
			}
		}
		return err
	})
	if err != nil {
		return FileInfo{}, fmt.Errorf("file object %s: %w", c, err)
	}
	return fi, nil
}

// openFile describes a file object and opens its content.
func (s *store) openFile(c Checksum) (FileInfo, io.ReadCloser, error) {
	var fi FileInfo
	var content io.ReadCloser
	err := s.find(ObjectName{c, ObjectFile}, func(s *store, path string) error {
		var err error
		fi, content, err = s.openHere(c, path)
		return err
	})
	if err != nil {
		return FileInfo{}, nil, fmt.Errorf("file object %s: %w", c, err)
	}
	return fi, content, nil
}

func (s *store) openHere(c Checksum, path string) (FileInfo, io.ReadCloser, error) {
	if s.mode == ModeArchive || s.mode == ModeBareUser {
		f, err := s.open(path)
		if err != nil {
			return FileInfo{}, nil, err
		}
		var fi FileInfo
		var content io.ReadCloser
		if s.mode == ModeArchive {
			fi, content, err = s.openArchived(f)
		} else {
			fi, content, err = openBareUser(f)
		}
		if err != nil {
			return FileInfo{}, nil, errors.Join(err, f.Close())
		}
		return fi, content, nil
	}
	fi, err := s.infoFromInode(c, path)
	if err != nil || fi.IsSymlink() {
		return fi, noContent(), err
	}
	f, err := s.open(path)
	return fi, f, err
}

func noContent() io.ReadCloser { return io.NopCloser(strings.NewReader("")) }

// infoFromInode describes an object whose inode is like that of the file.
func (s *store) infoFromInode(c Checksum, path string) (FileInfo, error) {
	st, err := fsx.StatAt(s.fd, path)
	if err != nil {
		return FileInfo{}, err
	}
	fi := FileInfo{UID: st.Uid, GID: st.Gid, Mode: st.Mode}
	if fi.IsSymlink() {
		if fi.Target, err = fsx.ReadLinkAt(s.fd, path); err != nil {
			return fi, err
		}
	} else {
		fi.Size = st.Size
	}
	switch s.mode {
	case ModeBareUserOnly:
		fi.UID, fi.GID = 0, 0
	case ModeBareSplitXattrs:
		fi.Xattrs, err = s.splitXattrs(c)
	default:
		var attrs []fsx.Xattr
		attrs, err = fsx.LXattrsAt(s.fd, path)
		fi.Xattrs = fromDisk(attrs)
	}
	if err != nil {
		return fi, err
	}
	return fi, corrupt(path, checkFileInfo(fi))
}

func corrupt(what string, err error) error {
	if err == nil {
		return nil
	}
	return &CorruptError{What: what, Err: err}
}

// splitXattrs reads the attributes of a file from the object beside it.
func (s *store) splitXattrs(c Checksum) ([]Xattr, error) {
	path := objectPath(ObjectName{c, ObjectFileXattrsLink}, s.mode)
	f, err := s.open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := readBounded(f, maxMetadataSize)
	if err != nil {
		return nil, err
	}
	v, err := gvariant.Parse(xattrType, data)
	if err != nil {
		return nil, corrupt(path, err)
	}
	xattrs, err := decodeXattrs(v)
	return xattrs, corrupt(path, err)
}

// openBareUser reads the attribute that describes a file. The content of a
// symbolic link is its target and a NUL.
func openBareUser(f *os.File) (FileInfo, io.ReadCloser, error) {
	fi, err := bareUserInfo(f)
	if err != nil {
		return fi, nil, err
	}
	if !fi.IsSymlink() {
		return fi, f, corrupt(f.Name(), checkFileInfo(fi))
	}
	target, err := readBounded(f, unix.PathMax)
	if err != nil {
		return fi, nil, err
	}
	fi.Size, fi.Target = 0, strings.TrimSuffix(string(target), "\x00")
	if err := checkFileInfo(fi); err != nil {
		return fi, nil, corrupt(f.Name(), err)
	}
	return fi, noContent(), f.Close()
}

func bareUserInfo(f *os.File) (FileInfo, error) {
	meta, err := readUserMeta(f)
	if err != nil {
		return FileInfo{}, corrupt(f.Name(), err)
	}
	m, err := decodeOwnerMode(meta)
	if err != nil {
		return FileInfo{}, corrupt(f.Name()+" ("+userMetaXattr+")", err)
	}
	st, err := f.Stat()
	if err != nil {
		return FileInfo{}, err
	}
	return FileInfo{UID: m.UID, GID: m.GID, Mode: m.Mode, Size: st.Size(), Xattrs: m.Xattrs}, nil
}

// bareUserMode reads the mode of a bare-user object, without opening it.
func (s *store) bareUserMode(path string) (uint32, error) {
	get := func(buf []byte) (int, error) { return fsx.LGetXattrAt(s.fd, path, userMetaXattr, buf) }
	if s.path != "" { // that way is shorter
		get = func(buf []byte) (int, error) { return unix.Lgetxattr(s.path+"/"+path, userMetaXattr, buf) }
	}
	meta, err := growUserMeta(get)
	if err != nil {
		return 0, err
	}
	m, err := decodeOwnerMode(meta)
	return m.Mode, corrupt(path+" ("+userMetaXattr+")", err)
}

func readUserMeta(f *os.File) ([]byte, error) {
	return growUserMeta(func(buf []byte) (int, error) { return unix.Fgetxattr(int(f.Fd()), userMetaXattr, buf) })
}

func growUserMeta(get func([]byte) (int, error)) ([]byte, error) {
	for size := 256; ; size *= 4 {
		buf := make([]byte, size)
		n, err := get(buf)
		switch {
		case err == nil:
			return buf[:n], nil
		case errors.Is(err, unix.EINTR):
			size /= 4
		case !errors.Is(err, unix.ERANGE) || size > 1<<17:
			return nil, fmt.Errorf("attribute %s: %w", userMetaXattr, err)
		}
	}
}

// openArchived reads the header of an archived file and decompresses the rest.
func (s *store) openArchived(f *os.File) (FileInfo, io.ReadCloser, error) {
	fi, content, err := newArchiveReader(f, s.pools)
	if err != nil {
		return fi, nil, err
	}
	if fi.IsSymlink() {
		return fi, noContent(), content.Close()
	}
	return fi, content, nil
}

func readArchiveHeader(r io.Reader) (FileInfo, error) {
	var prefix [headerPrefix]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return FileInfo{}, fmt.Errorf("header: %w", noEOF(err))
	}
	n := binary.BigEndian.Uint32(prefix[:])
	if n > maxHeaderSize {
		return FileInfo{}, fmt.Errorf("header of %d bytes is longer than %d", n, maxHeaderSize)
	}
	header := make([]byte, n)
	if _, err := io.ReadFull(r, header); err != nil {
		return FileInfo{}, fmt.Errorf("header: %w", noEOF(err))
	}
	fi, err := decodeArchiveHeader(header)
	if err != nil {
		return FileInfo{}, fmt.Errorf("header: %w", err)
	}
	return fi, nil
}

// noEOF turns the end of a file where more had to come into an error that no
// caller mistakes for a regular end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
