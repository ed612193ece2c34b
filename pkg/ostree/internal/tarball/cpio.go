package tarball

import (
	"errors"
	"fmt"
	"io"

	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/cpio"
)

// cpioReader reads the entries of a cpio archive. Of a file with several names
// only the last in the archive has the content (newc) or each has it (odc); the
// others are given as links to one that has.
type cpioReader struct {
	*cpio.Reader
	waiting map[inode][]*Entry // links whose content did not come yet
	order   []inode            // in which they came
	links   []*Entry           // that are next
	ended   bool
}

type inode struct{ device, number uint64 }

func newCPIOReader(r io.Reader) *cpioReader {
	return &cpioReader{Reader: cpio.NewReader(r), waiting: make(map[inode][]*Entry)}
}

func (r *cpioReader) next() (*Entry, error) {
	for {
		if len(r.links) > 0 {
			e := r.links[0]
			r.links = r.links[1:]
			return e, nil
		}
		if r.ended {
			return nil, io.EOF
		}
		e, err := r.read()
		if e != nil || err != nil {
			return e, err
		}
	}
}

// read reads one entry, or returns nil if something else is to be done first.
func (r *cpioReader) read() (*Entry, error) {
	h, err := r.Reader.Next()
	if errors.Is(err, io.EOF) {
		r.end()
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &Entry{Name: h.Name, Mode: h.Mode, UID: h.UID, GID: h.GID, Size: h.Size}
	switch {
	case h.Mode&unix.S_IFMT == unix.S_IFLNK:
		if e.Target, err = readTarget(r.Reader, h.Size); err != nil {
			return nil, fmt.Errorf("%s: %w", h.Name, err)
		}
		e.Size = 0
	case h.Mode&unix.S_IFMT == unix.S_IFREG && h.Shared:
		key := inode{h.Device, h.Inode}
		if h.Size == 0 {
			if r.waiting[key] == nil {
				r.order = append(r.order, key)
			}
			r.waiting[key] = append(r.waiting[key], e)
			return nil, nil
		}
		r.linkTo(e.Name, r.waiting[key])
		delete(r.waiting, key)
	}
	return e, nil
}

func (r *cpioReader) linkTo(name string, entries []*Entry) {
	for _, e := range entries {
		r.links = append(r.links, &Entry{Name: e.Name, Mode: e.Mode, Hardlink: name})
	}
}

// end gives out the files that have several names and no content. Each comes
// with its own size, which is nothing.
func (r *cpioReader) end() {
	r.ended = true
	for _, key := range r.order {
		r.links = append(r.links, r.waiting[key]...)
		delete(r.waiting, key)
	}
}

// Read implements io.Reader for the content of the current entry.
func (r *cpioReader) Read(p []byte) (int, error) {
	if r.ended {
		return 0, io.EOF
	}
	return r.Reader.Read(p)
}
