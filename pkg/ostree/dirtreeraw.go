package ostree

import (
	"bytes"
	"fmt"
	"unicode/utf8"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// A rawDirTree is a dirtree object in place: names and checksums are parts of
// its bytes. It is read thousands of times by all that looks at whole trees,
// therefore by hand and not with package gvariant. It may be used again for the
// next object.
type rawDirTree struct {
	files []rawFile
	dirs  []rawDir
}

type rawFile struct{ name, sum []byte }

type rawDir struct{ name, contents, meta []byte }

var errNotNormal = fmt.Errorf("dirtree: %w", gvariant.ErrNotNormal)

// decode reads the bytes of a dirtree, of type (a(say)a(sayay)), and checks
// everything about them: only one form of them is right.
func (t *rawDirTree) decode(data []byte) error {
	t.files, t.dirs = t.files[:0], t.dirs[:0]
	body, ends, ok := splitTuple(data, 1)
	if !ok {
		return errNotNormal
	}
	if err := eachElement(body[:ends[0]], t.addFile); err != nil {
		return err
	}
	if err := eachElement(body[ends[0]:], t.addDir); err != nil {
		return err
	}
	return t.checkTwice()
}

func (t *rawDirTree) addFile(element []byte) error {
	body, ends, ok := splitTuple(element, 1)
	if !ok {
		return errNotNormal
	}
	f := rawFile{name: body[:ends[0]], sum: body[ends[0]:]}
	if f.name, ok = cutNUL(f.name); !ok {
		return errNotNormal
	}
	if len(f.sum) != len(Checksum{}) {
		return fmt.Errorf("file %q: checksum of %d bytes", f.name, len(f.sum))
	}
	if n := len(t.files); n > 0 && bytes.Compare(t.files[n-1].name, f.name) >= 0 {
		return outOfOrder(t.files[n-1].name, f.name)
	}
	t.files = append(t.files, f)
	return checkRawName(f.name)
}

func (t *rawDirTree) addDir(element []byte) error {
	body, ends, ok := splitTuple(element, 2)
	if !ok {
		return errNotNormal
	}
	d := rawDir{name: body[:ends[0]], contents: body[ends[0]:ends[1]], meta: body[ends[1]:]}
	if d.name, ok = cutNUL(d.name); !ok {
		return errNotNormal
	}
	if len(d.contents) != len(Checksum{}) || len(d.meta) != len(Checksum{}) {
		return fmt.Errorf("directory %q: checksums of %d and %d bytes", d.name, len(d.contents), len(d.meta))
	}
	if n := len(t.dirs); n > 0 && bytes.Compare(t.dirs[n-1].name, d.name) >= 0 {
		return outOfOrder(t.dirs[n-1].name, d.name)
	}
	t.dirs = append(t.dirs, d)
	return checkRawName(d.name)
}

// checkTwice finds a name that is both a file and a directory, which libostree
// does not notice.
func (t *rawDirTree) checkTwice() error {
	i := 0
	for _, d := range t.dirs {
		for i < len(t.files) && bytes.Compare(t.files[i].name, d.name) < 0 {
			i++
		}
		if i < len(t.files) && bytes.Equal(t.files[i].name, d.name) {
			return fmt.Errorf("%q is both a file and a directory", d.name)
		}
	}
	return nil
}

func outOfOrder(a, b []byte) error { return fmt.Errorf("names %q and %q are not in order", a, b) }

func checkRawName(name []byte) error {
	if len(name) == 0 || string(name) == "." || string(name) == ".." || bytes.IndexByte(name, '/') >= 0 || !utf8.Valid(name) {
		return &FileNameError{Name: string(name)}
	}
	return nil
}

// cutNUL takes the NUL off the end of a string, which has no other one.
func cutNUL(s []byte) ([]byte, bool) {
	end := len(s) - 1
	return s[:max(end, 0)], end >= 0 && bytes.IndexByte(s, 0) == end
}

// splitTuple splits a tuple of members without alignment of which all but the
// last have an end: n of them, in order.
func splitTuple(data []byte, n int) (body []byte, ends [2]int, ok bool) {
	width := framingWidth(len(data))
	size := len(data) - n*width
	if size < 0 || minimalWidth(size, n) != width {
		return nil, ends, false
	}
	previous := 0
	for i := range n {
		ends[i] = framingAt(data, len(data)-(i+1)*width, width)
		if ends[i] < previous || ends[i] > size {
			return nil, ends, false
		}
		previous = ends[i]
	}
	return data[:size], ends, true
}

// eachElement calls visit for each element of an array whose elements have
// neither alignment nor a fixed size.
func eachElement(data []byte, visit func([]byte) error) error {
	if len(data) == 0 {
		return nil
	}
	width := framingWidth(len(data))
	if len(data) < width {
		return errNotNormal
	}
	size := framingAt(data, len(data)-width, width)
	if size < 0 || size > len(data)-width || (len(data)-size)%width != 0 || minimalWidth(size, (len(data)-size)/width) != width {
		return errNotNormal
	}
	start := 0
	for table := data[size:]; len(table) > 0; table = table[width:] {
		end := framingAt(table, 0, width)
		if end < start || end > size {
			return errNotNormal
		}
		if err := visit(data[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

// framingWidth is the width of the offsets in a container of a size in bytes.
// Objects are smaller than what needs more than 4.
func framingWidth(size int) int {
	switch {
	case size <= 0xff:
		return 1
	case size <= 0xffff:
		return 2
	}
	return 4
}

// minimalWidth is the width that n offsets behind a body must have.
func minimalWidth(body, n int) int {
	for _, width := range []int{1, 2} {
		if framingWidth(body+n*width) <= width {
			return width
		}
	}
	return 4
}

func framingAt(data []byte, at, width int) int {
	value := 0
	for i := width - 1; i >= 0; i-- {
		value = value<<8 | int(data[at+i])
	}
	return value
}
