package keyfile

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// SyntaxError says what is wrong in a key file, and where.
type SyntaxError struct {
	Line   int    // counted from 1
	Text   string // the line
	Reason string
}

// Error describes the line and the reason.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Reason, quote(e.Text))
}

// Parse reads a key file. A malformed one gives a [*SyntaxError].
//
// Escapes in values are not looked at here: GLib accepts a file whose unused
// values are malformed, and so does Parse.
func Parse(data []byte) (*File, error) {
	f := New()
	if len(data) == 0 {
		return f, nil
	}
	text := strings.TrimSuffix(string(data), "\n")
	n := 0
	for raw := range strings.SplitSeq(text, "\n") {
		n++
		if reason := f.parseLine(raw); reason != "" {
			return nil, &SyntaxError{Line: n, Text: raw, Reason: reason}
		}
	}
	return f, nil
}

// parseLine adds one line and returns why it cannot, or "".
func (f *File) parseLine(raw string) string {
	if !utf8.ValidString(raw) || strings.ContainsRune(raw, 0) {
		return "not UTF-8 text"
	}
	text := strings.TrimLeft(strings.TrimSuffix(raw, "\r"), space)
	switch {
	case text == "" || text[0] == '#':
		f.appendLine(line{raw: raw})
		return ""
	case text[0] == '[':
		return f.parseHeader(raw, text)
	}
	return f.parsePair(raw, text)
}

func (f *File) parseHeader(raw, text string) string {
	name, ok := strings.CutSuffix(strings.TrimRight(text, space), "]")
	if !ok {
		return "group header without ]"
	}
	name = name[1:]
	if !ValidGroup(name) {
		return "invalid group name"
	}
	f.groups = append(f.groups, &group{name: name, header: raw})
	return ""
}

func (f *File) parsePair(raw, text string) string {
	key, value, ok := strings.Cut(text, "=")
	if !ok {
		return "neither a key, a group nor a comment"
	}
	key = strings.TrimRight(key, space)
	switch {
	case !ValidKey(key):
		return "invalid key name"
	case len(f.groups) == 0:
		return "key before the first group"
	}
	f.appendLine(line{raw: raw, key: key, value: strings.TrimLeft(value, space)})
	return ""
}

func (f *File) appendLine(l line) {
	if len(f.groups) == 0 {
		f.preamble = append(f.preamble, l)
		return
	}
	g := f.groups[len(f.groups)-1]
	g.lines = append(g.lines, l)
}

// ValidGroup tells whether a group may have this name: not empty, without
// brackets and control characters.
func ValidGroup(name string) bool {
	return name != "" && utf8.ValidString(name) && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '[' || r == ']' || r < ' ' || r == 0x7f
	})
}

// ValidKey tells whether a key may have this name: not empty, no "=", no
// control characters, no space at either end, no "#" or "[" in front.
// A locale suffix ("Name[de]") is allowed.
func ValidKey(name string) bool {
	if name == "" || !utf8.ValidString(name) || strings.Trim(name, space) != name {
		return false
	}
	return name[0] != '#' && name[0] != '[' && !strings.ContainsFunc(name, func(r rune) bool {
		return r == '=' || r < ' ' || r == 0x7f
	})
}

// space is what GLib's g_ascii_isspace accepts, within one line.
const space = " \t\r\f\v"

func quote(s string) string {
	const limit = 80
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strconv.Quote(s)
}
