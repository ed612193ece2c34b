package ostree

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/bsdiff"
)

// A deltaContent yields the content of a file while it carries out the steps
// that make it.
type deltaContent struct {
	w       *Writer
	steps   stepList
	current io.Reader // nil between steps
	left    uint64    // of the current step
	name    Checksum  // of the open source
	source  *deltaSource
}

// Read implements io.Reader.
func (d *deltaContent) Read(p []byte) (int, error) {
	if d.current == nil {
		if d.steps.left == 0 {
			return 0, io.EOF // also for an empty file, of which no step adds anything
		}
		s, err := d.steps.next()
		if err != nil {
			return 0, err
		}
		if err := d.begin(&s); err != nil {
			return 0, err
		}
	}
	n, err := d.current.Read(p[:min(uint64(len(p)), d.left)])
	d.left -= uint64(n)
	if err != nil && (d.left > 0 || !atEnd(err)) {
		return n, noEOF(err) // a step has exactly as much as it says
	}
	if d.left == 0 {
		if err := d.end(); err != nil {
			return n, err
		}
	}
	return n, nil
}

func (d *deltaContent) begin(s *step) error {
	d.left = s.size
	if s.source.IsZero() {
		d.current = bytes.NewReader(s.data)
		return nil
	}
	if err := d.open(s.source); err != nil {
		return err
	}
	if s.patch {
		d.current = bsdiff.NewReader(d.source, s.data, int64(s.size))
	} else {
		d.current = io.NewSectionReader(d.source, int64(s.offset), int64(s.size))
	}
	return nil
}

// end finishes a step. A patch must end with it.
func (d *deltaContent) end() error {
	if patch, ok := d.current.(*bsdiff.Reader); ok {
		if _, err := patch.Read(make([]byte, 1)); err != io.EOF { //nolint:errorlint // it is never wrapped
			return err
		}
	}
	d.current = nil
	return nil
}

// open opens a source, unless it is open from the step before.
func (d *deltaContent) open(name Checksum) error {
	if d.source != nil && d.name == name {
		return nil
	}
	if err := d.close(); err != nil {
		return err
	}
	source, err := d.w.openSource(name)
	if err != nil {
		return fmt.Errorf("source: %w", err)
	}
	d.name, d.source = name, source
	return nil
}

// close must be called when nothing is read any more.
func (d *deltaContent) close() error {
	if d.source == nil {
		return nil
	}
	err := d.source.close()
	d.source = nil
	return err
}

// A deltaSource is a file object that is read in any order.
type deltaSource struct {
	file   *os.File // or
	blob   *blob    // the content of a file that is compressed in its repository
	window []byte   // of the file, for many small reads one after the other
	start  int64    // of the window
}

func (w *Writer) openSource(name Checksum) (*deltaSource, error) {
	fi, content, err := w.store.openFile(name)
	if err != nil {
		return nil, err
	}
	if file, ok := content.(*os.File); ok {
		return &deltaSource{file: file}, nil
	}
	defer content.Close()
	b, err := w.blobs().newBlob(fi.Size)
	if err != nil {
		return nil, err
	}
	if _, err := b.readFrom(content); err != nil {
		return nil, orElse(err, b.close())
	}
	return &deltaSource{blob: b}, nil
}

// sourceWindow is how much is read at once for small reads, in bytes.
const sourceWindow = 64 << 10

// ReadAt implements io.ReaderAt, for one reader at a time.
func (s *deltaSource) ReadAt(p []byte, at int64) (int, error) {
	if s.blob != nil {
		return bytes.NewReader(s.blob.data).ReadAt(p, at)
	}
	if len(p) >= sourceWindow {
		return s.file.ReadAt(p, at)
	}
	if at < s.start || at+int64(len(p)) > s.start+int64(len(s.window)) {
		if s.window == nil {
			s.window = make([]byte, sourceWindow)
		}
		n, err := s.file.ReadAt(s.window[:sourceWindow], at)
		s.window, s.start = s.window[:n], at
		if n < len(p) {
			return copy(p, s.window), err
		}
	}
	return copy(p, s.window[at-s.start:]), nil
}

func (s *deltaSource) close() error {
	if s.blob != nil {
		return s.blob.close()
	}
	return s.file.Close()
}
