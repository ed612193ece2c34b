package deb

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Options configures a [Reader]. The zero value reads every package of a real archive.
type Options struct {
	// Limits bounds what an untrusted package may cost.
	Limits Limits
}

// Reader is an opened Debian binary package. It is safe for concurrent use.
type Reader struct {
	control, data member
	limits        Limits
	closer        io.Closer
}

// member is one compressed archive inside the package.
type member struct {
	name        string // "data.tar.xz"
	compression string // "", ".gz", ".xz", ".zst"
	content     *io.SectionReader
}

// ErrFormat is matched by every error that says that the bytes are not a valid package.
var ErrFormat = errors.New("not a valid Debian package")

// formatError is a violation of the format, with no detail but its text.
type formatError string

func (e formatError) Error() string        { return string(e) }
func (e formatError) Is(target error) bool { return target == ErrFormat }

// malformed returns an error that matches [ErrFormat].
func malformed(format string, args ...any) error {
	return formatError(fmt.Sprintf(format, args...))
}

// Open opens the package at path. Close it after use.
func Open(path string, opts Options) (*Reader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		var r *Reader
		if r, err = NewReader(f, info.Size(), opts); err == nil {
			r.closer = f
			return r, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("open %s: %w", path, err), f.Close())
}

// NewReader reads the package of the given size in r. Only the outer ar archive is looked at here.
// r must stay readable as long as the Reader is used.
func NewReader(r io.ReaderAt, size int64, opts Options) (*Reader, error) {
	members, err := readMembers(r, size)
	if err != nil {
		return nil, err
	}
	p := &Reader{limits: opts.Limits.withDefaults()}
	if p.control, err = asMember("control", members[0]); err != nil {
		return nil, err
	}
	if p.data, err = asMember("data", members[1]); err != nil {
		return nil, err
	}
	return p, nil
}

// Close releases the file that [Open] opened.
func (r *Reader) Close() error {
	if r.closer == nil {
		return nil
	}
	return r.closer.Close()
}

// asMember checks that m is the control or data archive and that its compression is supported.
func asMember(want string, m arMember) (member, error) {
	compression, ok := strings.CutPrefix(m.name, want+".tar")
	if !ok {
		return member{}, malformed("member %q found where %s.tar was expected", m.name, want)
	}
	if !supported(compression) {
		return member{}, malformed("%s: compression %q is not supported", m.name, compression)
	}
	if m.content.Size() == 0 {
		return member{}, malformed("%s is empty", m.name)
	}
	return member{name: m.name, compression: compression, content: m.content}, nil
}
