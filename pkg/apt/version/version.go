package version

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Version is a parsed Debian version. The zero value is no version; it sorts before every other.
// Values are immutable and share the memory of the text they were parsed from.
type Version struct {
	text     string
	epoch    int32
	upstream uint32 // where the upstream version starts in text
	revision uint32 // where it ends: at the last hyphen, or at the end of text
}

// Parse reads a version as deb-version(7) defines it, and is as strict as dpkg is with a package
// about to be installed: the epoch is a number up to 2147483647, the upstream version starts with a
// digit, and only the characters listed there occur. Blanks around the version are ignored.
func Parse(text string) (Version, error) {
	s := strings.Trim(text, " \t\r\n")
	if s == "" {
		return Version{}, fmt.Errorf("version %q: empty", text)
	}
	if uint64(len(s)) > math.MaxUint32 {
		return Version{}, fmt.Errorf("version of %d bytes: too long", len(s))
	}
	v := Version{text: s, revision: uint32(len(s))}
	if i := strings.IndexByte(s, ':'); i >= 0 {
		epoch, err := strconv.ParseUint(s[:i], 10, 31)
		if err != nil {
			return Version{}, fmt.Errorf("version %q: epoch %q is not a number from 0 to %d", text, s[:i], math.MaxInt32)
		}
		v.epoch, v.upstream = int32(epoch), uint32(i+1)
	}
	if i := strings.LastIndexByte(s[v.upstream:], '-'); i >= 0 {
		v.revision = v.upstream + uint32(i)
		if int(v.revision) == len(s)-1 {
			return Version{}, fmt.Errorf("version %q: revision after the last hyphen is empty", text)
		}
	}
	if err := v.check(); err != nil {
		return Version{}, fmt.Errorf("version %q: %w", text, err)
	}
	return v, nil
}

// check reports characters that dpkg refuses.
func (v Version) check() error {
	upstream := v.Upstream()
	if upstream == "" {
		return fmt.Errorf("upstream version is empty")
	}
	if !isDigit(upstream[0]) {
		return fmt.Errorf("upstream version %q does not start with a digit", upstream)
	}
	for i := range len(upstream) {
		if c := upstream[i]; !isDigit(c) && !isLetter(c) && c != '.' && c != '-' && c != '+' && c != '~' && c != ':' {
			return fmt.Errorf("character %q is not allowed in an upstream version", c)
		}
	}
	revision := v.Revision()
	for i := range len(revision) {
		if c := revision[i]; !isDigit(c) && !isLetter(c) && c != '.' && c != '+' && c != '~' {
			return fmt.Errorf("character %q is not allowed in a revision", c)
		}
	}
	return nil
}

// String returns the version as it was written.
func (v Version) String() string { return v.text }

// IsZero reports whether v is no version at all.
func (v Version) IsZero() bool { return v.text == "" }

// Epoch returns the number before the colon, 0 when there is none.
func (v Version) Epoch() int { return int(v.epoch) }

// Upstream returns the part between epoch and revision.
func (v Version) Upstream() string { return v.text[v.upstream:v.revision] }

// Revision returns the part after the last hyphen, "" for a native package.
func (v Version) Revision() string {
	if int(v.revision) == len(v.text) {
		return ""
	}
	return v.text[v.revision+1:]
}

// WithoutEpoch returns upstream and revision, the form used in file names of an archive.
func (v Version) WithoutEpoch() string { return v.text[v.upstream:] }

// MarshalText returns the version as written.
func (v Version) MarshalText() ([]byte, error) { return []byte(v.text), nil }

// UnmarshalText parses text as [Parse] does; empty text gives the zero version.
func (v *Version) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*v = Version{}
		return nil
	}
	parsed, err := Parse(string(text))
	if err != nil {
		return err
	}
	*v = parsed
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isLetter(c byte) bool { return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' }
