package deb

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"
)

const tarBlock = 512

// tarReader reads the tar dialects that dpkg reads and refuses the others. Go's archive/tar would
// accept PAX records and sparse files, and with them attributes that dpkg never sees.
type tarReader struct {
	r       io.Reader
	limits  Limits
	entries int
	// left is what remains of the current entry, pad the zeros after it.
	left, pad int64
}

// tarHeader is an entry as it is stored, nothing interpreted but GNU long names.
type tarHeader struct {
	name, link string
	typ        byte
	mode       int64
	uid, gid   int64
	user       string
	group      string
	size       int64
	mtime      time.Time
	major      int64
	minor      int64
}

// next skips to the following entry. It returns io.EOF after the last one, when the whole stream was
// read, so that the check sums of the compression were verified.
func (t *tarReader) next() (*tarHeader, error) {
	var longName, longLink string
	for {
		if err := t.skip(); err != nil {
			return nil, err
		}
		h, err := t.header()
		if err != nil {
			if errors.Is(err, io.EOF) && (longName != "" || longLink != "") {
				return nil, malformed("a long name is followed by no entry")
			}
			return nil, err
		}
		if t.entries++; t.entries > t.limits.Entries {
			return nil, &LimitError{What: "number of archive entries", Limit: int64(t.limits.Entries)}
		}
		t.left, t.pad = h.size, -h.size&(tarBlock-1)
		switch h.typ {
		case 'L':
			longName, err = t.longName()
		case 'K':
			longLink, err = t.longName()
		default:
			if longName != "" {
				h.name = longName
			}
			if longLink != "" {
				h.link = longLink
			}
			return h, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// Read reads the content of the current entry.
func (t *tarReader) Read(p []byte) (int, error) {
	if t.left == 0 {
		return 0, io.EOF
	}
	n, err := t.r.Read(p[:min(int64(len(p)), t.left)])
	t.left -= int64(n)
	if errors.Is(err, io.EOF) && t.left > 0 {
		err = malformed("truncated: an archive entry lacks %d bytes", t.left)
	}
	return n, err
}

// skip passes over what was not read of the current entry.
func (t *tarReader) skip() error {
	n, err := io.CopyN(io.Discard, t.r, t.left+t.pad)
	if errors.Is(err, io.EOF) {
		err = malformed("truncated: an archive entry lacks %d bytes", t.left+t.pad-n)
	}
	t.left, t.pad = 0, 0
	return err
}

// longName reads the content of a GNU long name or long link entry.
func (t *tarReader) longName() (string, error) {
	if t.left > int64(t.limits.PathLength)+1 {
		return "", &LimitError{What: "path length in bytes", Limit: int64(t.limits.PathLength)}
	}
	b, err := io.ReadAll(t)
	if err != nil {
		return "", err
	}
	name := cString(b)
	if name == "" {
		return "", malformed("an archive entry has an empty long name")
	}
	return name, nil
}

// header reads one header block.
func (t *tarReader) header() (*tarHeader, error) {
	var b [tarBlock]byte
	if _, err := io.ReadFull(t.r, b[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			err = malformed("truncated: the archive ends inside a header")
		}
		return nil, err
	}
	if b == [tarBlock]byte{} {
		if _, err := io.Copy(io.Discard, t.r); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	return parseTarHeader(&b)
}

// parseTarHeader decodes a v7, ustar or old GNU header.
func parseTarHeader(b *[tarBlock]byte) (*tarHeader, error) {
	if err := checkTarSum(b); err != nil {
		return nil, err
	}
	h := &tarHeader{name: cString(b[:100]), link: cString(b[157:257]), typ: b[156]}
	var mtime int64
	for _, f := range []struct {
		to   *int64
		from []byte
		what string
	}{
		{&h.mode, b[100:108], "mode"}, {&h.uid, b[108:116], "uid"}, {&h.gid, b[116:124], "gid"},
		{&h.size, b[124:136], "size"}, {&mtime, b[136:148], "time"},
	} {
		var ok bool
		if *f.to, ok = tarNumber(f.from); !ok {
			return nil, malformed("archive entry %q has a broken %s", h.name, f.what)
		}
	}
	h.mtime = time.Unix(mtime, 0)
	if err := h.parseExtension(b); err != nil {
		return nil, err
	}
	if h.size < 0 || h.uid < 0 || h.gid < 0 {
		return nil, malformed("archive entry %q has a negative number", h.name)
	}
	return h, nil
}

// parseExtension decodes what ustar and GNU headers have beyond v7.
func (h *tarHeader) parseExtension(b *[tarBlock]byte) error {
	ustar := string(b[257:263]) == "ustar\x00"
	gnu := string(b[257:264]) == "ustar  "
	if !ustar && !gnu {
		return nil
	}
	h.user, h.group = cString(b[265:297]), cString(b[297:329])
	if prefix := cString(b[345:500]); ustar && prefix != "" {
		h.name = prefix + "/" + h.name
	}
	if h.typ != '3' && h.typ != '4' {
		return nil // some writers leave these fields of other entries blank or worse
	}
	var ok1, ok2 bool
	h.major, ok1 = tarNumber(b[329:337])
	h.minor, ok2 = tarNumber(b[337:345])
	if !ok1 || !ok2 {
		return malformed("archive entry %q has a broken device number", h.name)
	}
	return nil
}

// checkTarSum verifies the header's checksum: the sum of its bytes with the field itself as blanks.
func checkTarSum(b *[tarBlock]byte) error {
	want, ok := tarNumber(b[148:156])
	sum := int64(8 * ' ')
	for i, c := range b {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	if !ok || want != sum {
		return malformed("broken tar header: checksum does not match")
	}
	return nil
}

// tarNumber decodes an octal or base-256 number. A blank field is zero.
func tarNumber(b []byte) (int64, bool) {
	if b[0]&0x80 != 0 {
		return tarBase256(b)
	}
	s := strings.TrimLeft(cString(b), " ")
	s = strings.TrimRight(s, " ")
	if s == "" {
		return 0, true
	}
	v, err := strconv.ParseUint(s, 8, 63)
	return int64(v), err == nil
}

// tarBase256 decodes a big-endian two's complement number whose first bit is a marker.
func tarBase256(b []byte) (int64, bool) {
	v := int64(int8(b[0]<<1)) >> 1 // the marker is replaced by the sign
	for _, c := range b[1:] {
		if v > 1<<54 || v < -1<<54 {
			return 0, false
		}
		v = v<<8 | int64(c)
	}
	return v, true
}

// cString returns b up to its first NUL.
func cString(b []byte) string {
	s, _, _ := bytes.Cut(b, []byte{0})
	return string(s)
}
