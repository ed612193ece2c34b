// Package tarball reads file trees from streams as libarchive does: tar in its
// dialects and cpio, plain or compressed, recognised by what they begin with.
package tarball

import (
	"archive/tar"
	"encoding/base64"
	"fmt"
	"io"
	"net/url"
	"strings"

	"golang.org/x/sys/unix"
)

// An Entry is one name in an archive.
type Entry struct {
	Name     string
	Mode     uint32 // st_mode; without meaning for a hard link
	UID, GID uint32
	Size     int64
	Target   string            // of a symbolic link
	Hardlink string            // the other name, for a hard link
	Xattrs   map[string]string // by name
}

// maxTarget bounds the target of a link.
const maxTarget = 4096

// tarReader reads the entries of a tar archive.
type tarReader struct{ *tar.Reader }

func (r *tarReader) next() (*Entry, error) {
	for {
		h, err := r.Next()
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		return tarEntry(h)
	}
}

func tarEntry(h *tar.Header) (*Entry, error) {
	e := &Entry{Name: h.Name, Mode: uint32(h.Mode) & 0o7777, Size: h.Size}
	var err error
	if e.UID, err = id(h.Uid); err == nil {
		e.GID, err = id(h.Gid)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.Name, err)
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		e.Mode |= unix.S_IFREG
	case tar.TypeLink:
		e.Mode |= unix.S_IFREG
		e.Hardlink = h.Linkname
	case tar.TypeSymlink:
		e.Mode |= unix.S_IFLNK
		e.Target = h.Linkname
	case tar.TypeDir:
		e.Mode |= unix.S_IFDIR
	case tar.TypeChar:
		e.Mode |= unix.S_IFCHR
	case tar.TypeBlock:
		e.Mode |= unix.S_IFBLK
	case tar.TypeFifo:
		e.Mode |= unix.S_IFIFO
	default:
		return nil, fmt.Errorf("%s: entry of unknown type %q", h.Name, h.Typeflag)
	}
	e.Xattrs, err = tarXattrs(h.PAXRecords)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", h.Name, err)
	}
	return e, nil
}

func id(n int) (uint32, error) {
	if n < 0 || int64(n) > 1<<32-2 {
		return 0, fmt.Errorf("owner %d is out of range", n)
	}
	return uint32(n), nil
}

// tarXattrs finds attributes in the two forms that libarchive and star write. Of
// one name in both the second counts, which is that of more programs.
func tarXattrs(records map[string]string) (map[string]string, error) {
	var attrs map[string]string
	add := func(name, value string) {
		if attrs == nil {
			attrs = make(map[string]string)
		}
		attrs[name] = value
	}
	for key, value := range records {
		name, ok := strings.CutPrefix(key, "LIBARCHIVE.xattr.")
		if !ok {
			continue
		}
		name, err := url.PathUnescape(name)
		if err != nil {
			return nil, fmt.Errorf("extended attribute %s: %w", key, err)
		}
		data, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
		if err != nil {
			return nil, fmt.Errorf("extended attribute %s: %w", name, err)
		}
		add(name, string(data))
	}
	for key, value := range records {
		if name, ok := strings.CutPrefix(key, "SCHILY.xattr."); ok {
			add(name, value)
		}
	}
	return attrs, nil
}

// readTarget reads the target of a symbolic link that is stored as content.
func readTarget(r io.Reader, size int64) (string, error) {
	if size > maxTarget {
		return "", fmt.Errorf("link target of %d bytes", size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(r, b); err != nil {
		return "", err
	}
	return string(b), nil
}
