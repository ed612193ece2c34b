package deb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"path"
	"strings"
	"time"
)

// Type is the kind of an entry.
type Type int

// The kinds of entries that a package can have.
const (
	File Type = iota
	HardLink
	Symlink
	CharDevice
	BlockDevice
	Directory
	FIFO
)

// String returns the kind in words.
func (t Type) String() string {
	names := [...]string{"file", "hard link", "symbolic link", "character device", "block device", "directory", "named pipe"}
	if t < 0 || int(t) >= len(names) {
		return fmt.Sprintf("entry of type %d", int(t))
	}
	return names[t]
}

// Entry is something that a package installs.
type Entry struct {
	// Path is relative to the root, clean, and contains no "..": "usr/bin/hello", or "." for the root.
	Path string
	// Name is the path as packed, which dpkg's file lists keep: "./usr/bin/hello".
	Name string
	// Type is the kind.
	Type Type
	// Mode holds the permission, setuid, setgid and sticky bits in Unix encoding.
	Mode uint32
	// User and Group own the entry if the tree knows these names, UID and GID otherwise.
	User, Group string
	UID, GID    int
	// Size is the content length of a file in bytes.
	Size int64
	// ModTime is the modification time.
	ModTime time.Time
	// Target is what a symbolic link says, verbatim, or the Path of the file a hard link is to: a
	// file that came earlier in the same archive.
	Target string
	// Major and Minor number a device.
	Major, Minor uint32

	content io.Reader
}

// Read reads the content of a file, in the loop of [Reader.Data] only.
func (e *Entry) Read(p []byte) (int, error) { return e.content.Read(p) }

// Data walks the entries in archive order. dpkg creates symbolic links after everything else; who
// places entries must do likewise. The walk ends after the first error; when it ends without one, the
// whole archive was read and its checksums were verified. Content is there to read until the next entry.
func (r *Reader) Data(ctx context.Context) iter.Seq2[*Entry, error] {
	return func(yield func(*Entry, error) bool) {
		stopped := false
		err := r.walk(ctx, func(e *Entry) bool {
			stopped = !yield(e, nil)
			return !stopped
		})
		if err != nil && !stopped {
			yield(nil, fmt.Errorf("%s: %w", r.data.name, err))
		}
	}
}

// walk yields entries until the archive ends or the caller has enough.
func (r *Reader) walk(ctx context.Context, yield func(*Entry) bool) error {
	stream, err := r.data.open(r.limits, r.limits.DataSize)
	if err != nil {
		return err
	}
	t := &tarReader{r: &cancelReader{ctx, stream}, limits: r.limits}
	files := map[string]bool{}
	for {
		var e *Entry
		if e, err = nextEntry(t, files); err != nil || !yield(e) {
			break
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, stream.Close())
}

// nextEntry reads an entry. files remembers the regular files, as targets of hard links.
func nextEntry(t *tarReader, files map[string]bool) (*Entry, error) {
	h, err := t.next()
	if err != nil {
		return nil, err
	}
	e, err := newEntry(h, t.limits)
	if err != nil {
		return nil, err
	}
	if e.Type == HardLink && !files[e.Target] {
		return nil, malformed("hard link %q is to %q, which is no file before it", e.Path, e.Target)
	}
	files[e.Path] = e.Type == File || e.Type == HardLink
	e.content = t
	return e, nil
}

// newEntry checks and interprets a header.
func newEntry(h *tarHeader, l Limits) (*Entry, error) {
	e := &Entry{
		Name: h.name, Mode: uint32(h.mode & 0o7777), User: h.user, Group: h.group,
		UID: int(h.uid), GID: int(h.gid), Size: h.size, ModTime: h.mtime,
		Major: uint32(h.major), Minor: uint32(h.minor),
	}
	var err error
	if e.Type, err = entryType(h); err != nil {
		return nil, err
	}
	if e.Path, err = cleanPath(h.name, l); err != nil {
		return nil, err
	}
	if e.Path == "." && e.Type != Directory {
		return nil, malformed("the root is a %s", e.Type)
	}
	if e.Type != File && h.size != 0 {
		return nil, malformed("%s %q has content", e.Type, h.name)
	}
	if h.uid > maxID || h.gid > maxID {
		return nil, malformed("archive entry %q has an impossible owner", h.name)
	}
	switch e.Type {
	case HardLink:
		if e.Target, err = cleanPath(h.link, l); err != nil {
			return nil, fmt.Errorf("hard link %q: %w", h.name, err)
		}
	case Symlink:
		if h.link == "" || len(h.link) > l.PathLength {
			return nil, malformed("symbolic link %q has a target of %d bytes", h.name, len(h.link))
		}
		e.Target = h.link
	}
	return e, nil
}

// maxID is the largest user or group id; the one above means "unchanged" to chown(2).
const maxID = 1<<32 - 2

// entryType maps a type flag. In the oldest format a directory is a file whose name ends in a slash.
func entryType(h *tarHeader) (Type, error) {
	switch h.typ {
	case '0', 0:
		if strings.HasSuffix(h.name, "/") {
			return Directory, nil
		}
		return File, nil
	case '1', '2', '3', '4', '5', '6':
		return Type(h.typ - '0'), nil
	case 'x', 'g':
		return 0, malformed("archive entry %q is a PAX header, which dpkg refuses", h.name)
	}
	return 0, malformed("archive entry %q has the unsupported type %q", h.name, h.typ)
}

// cleanPath checks an entry's name and makes it relative to the root.
func cleanPath(name string, l Limits) (string, error) {
	switch {
	case name == "":
		return "", malformed("an archive entry has an empty name")
	case len(name) > l.PathLength:
		return "", &LimitError{What: "path length in bytes", Limit: int64(l.PathLength)}
	case strings.Contains(name, "\n"):
		return "", malformed("archive entry %q has a newline in its name", name)
	case strings.HasPrefix(name, "/"):
		return "", malformed("archive entry %q has an absolute name", name)
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", malformed("archive entry %q leaves the root", name)
		}
		if len(part) > maxNameLength {
			return "", malformed("archive entry %q has a name of %d bytes", name, len(part))
		}
	}
	return path.Clean(name), nil
}

// maxNameLength is NAME_MAX of Linux.
const maxNameLength = 255

// cancelReader ends a stream when its context does.
type cancelReader struct {
	ctx context.Context //nolint:containedctx // a Read has no parameter to pass it by
	r   io.Reader
}

// Read implements io.Reader.
func (c *cancelReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
