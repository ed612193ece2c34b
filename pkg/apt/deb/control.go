package deb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// ControlFile is a file of the control archive, for example a maintainer script.
type ControlFile struct {
	// Mode holds the permission bits as packed.
	Mode fs.FileMode
	// Data is the content.
	Data []byte
}

// Control is the content of a control archive by file name. The file "control" is always there.
type Control map[string]ControlFile

// Paragraph returns the raw control paragraph of the package, deb-control(5).
func (c Control) Paragraph() []byte { return c["control"].Data }

// Control reads the control archive. Like dpkg it accepts files on one level only.
func (r *Reader) Control() (Control, error) {
	stream, err := r.control.open(r.limits, r.limits.ControlSize)
	if err != nil {
		return nil, err
	}
	c, err := readControl(&tarReader{r: stream, limits: r.limits})
	if err := errors.Join(err, stream.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", r.control.name, err)
	}
	return c, nil
}

// readControl collects the files of a control archive.
func readControl(t *tarReader) (Control, error) {
	c := Control{}
	for {
		h, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		e, err := newEntry(h, t.limits)
		if err != nil {
			return nil, err
		}
		if e.Type == Directory && e.Path == "." {
			continue
		}
		if e.Type != File || strings.Contains(e.Path, "/") {
			return nil, malformed("%s %q is no control file", e.Type, e.Path)
		}
		data, err := io.ReadAll(t)
		if err != nil {
			return nil, err
		}
		c[e.Path] = ControlFile{Mode: fs.FileMode(e.Mode & 0o777), Data: data}
	}
	if _, ok := c["control"]; !ok {
		return nil, malformed("no control file")
	}
	return c, nil
}
