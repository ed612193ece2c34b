package deb

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The ar archive around a package, deb(5).
const (
	arMagic      = "!<arch>\n"
	arHeaderSize = 60
	// arMaxMembers bounds how many members before the data archive are looked at.
	arMaxMembers = 64
	// versionMaxSize bounds the debian-binary member.
	versionMaxSize = 4096
)

// arMember is a member of an ar archive.
type arMember struct {
	name    string
	content *io.SectionReader
}

// readMembers returns the control and the data member. Members whose names begin with an underscore
// are skipped, what follows the data archive is not looked at, any other member is an error.
func readMembers(r io.ReaderAt, size int64) ([2]arMember, error) {
	var found [2]arMember
	if err := checkMagic(r); err != nil {
		return found, err
	}
	var names []string
	offset := int64(len(arMagic))
	for range arMaxMembers {
		m, next, err := readArMember(r, offset, size)
		if err != nil {
			return found, err
		}
		offset = next
		switch {
		case len(names) == 0:
			if err := checkVersion(m); err != nil {
				return found, err
			}
		case strings.HasPrefix(m.name, "_"):
			continue
		default:
			found[len(names)-1] = m
		}
		if names = append(names, m.name); len(names) == 3 {
			return found, nil
		}
	}
	return found, malformed("more than %d members before the data archive", arMaxMembers)
}

// checkMagic tells a deb(5) package from other files.
func checkMagic(r io.ReaderAt) error {
	var magic [len(arMagic)]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.HasPrefix(magic[:], []byte("0.93")) {
		return malformed("the old 0.93 package format is not supported")
	}
	if string(magic[:]) != arMagic {
		return malformed("no ar archive")
	}
	return nil
}

// readArMember reads the header at offset and returns the member and the offset of the next one.
func readArMember(r io.ReaderAt, offset, size int64) (arMember, int64, error) {
	var h [arHeaderSize]byte
	if _, err := r.ReadAt(h[:], offset); err != nil {
		if errors.Is(err, io.EOF) {
			err = malformed("truncated: the package ends at byte %d, before its data archive", size)
		}
		return arMember{}, 0, err
	}
	if string(h[58:60]) != "`\n" {
		return arMember{}, 0, malformed("broken ar header at byte %d", offset)
	}
	name := strings.TrimSuffix(strings.TrimRight(string(h[:16]), " "), "/")
	n, err := strconv.ParseUint(strings.TrimRight(string(h[48:58]), " "), 10, 62)
	if err != nil {
		return arMember{}, 0, malformed("member %q has a broken size", name)
	}
	start := offset + arHeaderSize
	length := int64(n)
	if length > size-start {
		return arMember{}, 0, malformed("truncated: member %q has %d of %d bytes", name, max(0, size-start), length)
	}
	return arMember{name, io.NewSectionReader(r, start, length)}, start + length + length%2, nil
}

// checkVersion checks the first member: the text "2." and a minor version that does not matter.
func checkVersion(m arMember) error {
	if m.name != "debian-binary" {
		return malformed("the first member is %q instead of debian-binary", m.name)
	}
	text, err := io.ReadAll(io.LimitReader(m.content, versionMaxSize))
	if err != nil {
		return err
	}
	line, _, ok := strings.Cut(string(text), "\n")
	major, _, dot := strings.Cut(line, ".")
	if !ok || !dot || major != "2" {
		return malformed("package format version %q is not supported", line)
	}
	return nil
}
