// Package cpio reads cpio archives in the portable formats: newc, with or
// without checksums, and odc. See cpio(5) of libarchive.
package cpio

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

const (
	magicNewc = "070701"
	magicCRC  = "070702" // like newc; the sums, which are those of bytes, are not compared
	magicODC  = "070707"

	trailer = "TRAILER!!!"
	// maxName bounds names, as PATH_MAX does.
	maxName = 4096
)

// A FormatError says what is wrong with an archive, and where.
type FormatError struct {
	Offset int64 // of the header
	Err    error
}

// Error implements error.
func (e *FormatError) Error() string {
	return fmt.Sprintf("cpio archive: header at byte %d: %v", e.Offset, e.Err)
}

// Unwrap returns what is wrong.
func (e *FormatError) Unwrap() error { return e.Err }

// A Header describes an entry.
type Header struct {
	Name          string
	Mode          uint32 // st_mode
	UID, GID      uint32
	Shared        bool   // the content may be that of another entry with the same two numbers
	Device, Inode uint64 // of the file
	Size          int64  // of what Read yields: the content, or the target of a link
}

// HasMagic tells whether data begins like an archive that this package reads.
func HasMagic(data []byte) bool {
	if len(data) < 6 {
		return false
	}
	switch string(data[:6]) {
	case magicNewc, magicCRC, magicODC:
		return true
	}
	return false
}

// A Reader reads one archive.
type Reader struct {
	r      io.Reader
	offset int64
	left   int64 // of the current entry
	pad    int64 // after it
	done   bool
}

// NewReader reads an archive from its beginning.
func NewReader(r io.Reader) *Reader { return &Reader{r: r} }

// Next goes to the next entry; the error is io.EOF at the end of the archive.
func (r *Reader) Next() (*Header, error) {
	if r.done {
		return nil, io.EOF
	}
	if err := r.discard(r.left + r.pad); err != nil {
		return nil, err
	}
	r.left, r.pad = 0, 0
	start := r.offset
	h, err := r.header()
	if err != nil {
		return nil, &FormatError{Offset: start, Err: err}
	}
	if h.Name == trailer {
		r.done = true
		return nil, io.EOF
	}
	return h, nil
}

// Read reads the content of the current entry.
func (r *Reader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n, err := r.r.Read(p[:min(int64(len(p)), r.left)])
	r.left -= int64(n)
	r.offset += int64(n)
	if errors.Is(err, io.EOF) {
		err = nil
		if r.left > 0 {
			err = io.ErrUnexpectedEOF
		}
	}
	return n, err
}

func (r *Reader) discard(n int64) error {
	skipped, err := io.CopyN(io.Discard, r.r, n)
	r.offset += skipped
	return noEOF(err)
}

func (r *Reader) bytes(n int) ([]byte, error) {
	b := make([]byte, n)
	read, err := io.ReadFull(r.r, b)
	r.offset += int64(read)
	return b, noEOF(err)
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (r *Reader) header() (*Header, error) {
	magic, err := r.bytes(6)
	if err != nil {
		return nil, err
	}
	switch string(magic) {
	case magicNewc, magicCRC:
		return r.newc()
	case magicODC:
		return r.odc()
	}
	return nil, fmt.Errorf("%q is not a known magic number", magic)
}

// newc reads the rest of a header of thirteen hexadecimal numbers.
func (r *Reader) newc() (*Header, error) {
	const fields, width = 13, 8
	b, err := r.bytes(fields * width)
	if err != nil {
		return nil, err
	}
	var n [fields]uint64
	for i := range n {
		if n[i], err = strconv.ParseUint(string(b[i*width:(i+1)*width]), 16, 32); err != nil {
			return nil, fmt.Errorf("field %d: %q is not a number", i, b[i*width:(i+1)*width])
		}
	}
	h := &Header{
		Inode: n[0], Mode: uint32(n[1]), UID: uint32(n[2]), GID: uint32(n[3]), Shared: n[4] > 1, Size: int64(n[6]),
		Device: n[7]<<32 | n[8],
	}
	if err := r.name(h, n[11]); err != nil {
		return nil, err
	}
	r.left, r.pad = h.Size, -h.Size&3
	return h, r.discard(-(6 + fields*width + int64(n[11])) & 3)
}

// odc reads the rest of a header of octal numbers. Every name of a file comes with
// its content, and inode numbers are cut to 18 bits, so nothing is shared.
func (r *Reader) odc() (*Header, error) {
	widths := [...]int{6, 6, 6, 6, 6, 6, 6, 11, 6, 11}
	var n [len(widths)]uint64
	for i, width := range widths {
		b, err := r.bytes(width)
		if err != nil {
			return nil, err
		}
		if n[i], err = strconv.ParseUint(string(b), 8, 40); err != nil {
			return nil, fmt.Errorf("field %d: %q is not a number", i, b)
		}
	}
	h := &Header{
		Device: n[0], Inode: n[1], Mode: uint32(n[2]), UID: uint32(n[3]), GID: uint32(n[4]), Size: int64(n[9]),
	}
	if err := r.name(h, n[8]); err != nil {
		return nil, err
	}
	r.left = h.Size
	return h, nil
}

// name reads a name whose length counts the NUL at its end.
func (r *Reader) name(h *Header, length uint64) error {
	if length < 1 || length > maxName {
		return fmt.Errorf("name of %d bytes", length)
	}
	b, err := r.bytes(int(length))
	if err != nil {
		return err
	}
	name, ok := strings.CutSuffix(string(b), "\x00")
	if !ok || strings.ContainsRune(name, 0) {
		return fmt.Errorf("name %q does not end at its NUL", b)
	}
	h.Name = name
	return nil
}
