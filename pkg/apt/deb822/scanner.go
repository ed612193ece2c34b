package deb822

import (
	"fmt"
	"strings"
)

const blanks = " \t\r"

// Options bounds and adjusts parsing. The zero value reads control files and indexes.
type Options struct {
	// Comments says that lines starting with "#" are comments, as in .sources files. They end
	// neither a value nor a paragraph.
	Comments bool
	// MaxParagraph is the largest accepted paragraph in bytes; 0 means 16 MiB.
	MaxParagraph int
	// MaxFields is the largest accepted number of fields in a paragraph; 0 means 1000.
	MaxFields int
}

func (o Options) maxParagraph() int {
	if o.MaxParagraph > 0 {
		return o.MaxParagraph
	}
	return 16 << 20
}

func (o Options) maxFields() int {
	if o.MaxFields > 0 {
		return o.MaxFields
	}
	return 1000
}

// Scanner walks over the paragraphs of a text in memory. Names and values point into that text, and
// the list of fields is reused, so that an index of tens of thousands of paragraphs costs almost no
// allocation. It does not look for repeated fields, see [Paragraph.CheckUnique].
type Scanner struct {
	text    string
	at      int
	line    int // lines passed
	options Options
	current Paragraph
	err     error

	valueStart   int             // where the value of the last field starts in text
	valueLineEnd int             // where the line after it starts
	joined       strings.Builder // the value, once comments have split it
}

// NewScanner returns a scanner at the start of text.
func NewScanner(text string, o Options) *Scanner { return &Scanner{text: text, options: o} }

// Next advances to the next paragraph. It returns false at the end of the text and at the first
// error, which [Scanner.Err] tells apart.
func (s *Scanner) Next() bool {
	s.current.raw, s.current.fields = "", s.current.fields[:0]
	if s.err != nil {
		return false
	}
	start := s.at
	for s.at < len(s.text) {
		lineStart := s.at
		line := s.takeLine()
		switch {
		case line == "" || line == "\r":
			if len(s.current.fields) > 0 {
				return s.finish(start, lineStart)
			}
			start = s.at
		case len(s.current.fields) == 0 && isBlankLine(line):
			start = s.at
		case s.options.Comments && line[0] == '#':
		case line[0] == ' ' || line[0] == '\t':
			s.continueField(lineStart, line)
		default:
			s.startField(lineStart, line)
		}
		if s.err == nil && s.at-start > s.options.maxParagraph() {
			s.fail("paragraph is larger than %d bytes", s.options.maxParagraph())
		}
		if s.err != nil {
			return false
		}
	}
	return len(s.current.fields) > 0 && s.finish(start, len(s.text))
}

// Paragraph returns the current paragraph. Its fields are overwritten by the next call of
// [Scanner.Next]; strings taken from it stay valid.
func (s *Scanner) Paragraph() Paragraph { return s.current }

// Err returns the error that stopped the scanner, a [*SyntaxError], or nil.
func (s *Scanner) Err() error { return s.err }

// takeLine returns the next line without its newline and advances behind it.
func (s *Scanner) takeLine() string {
	s.line++
	rest := s.text[s.at:]
	if i := strings.IndexByte(rest, '\n'); i >= 0 {
		s.at += i + 1
		return rest[:i]
	}
	s.at = len(s.text)
	return rest
}

func (s *Scanner) startField(lineStart int, line string) {
	colon := strings.IndexByte(line, ':')
	if colon <= 0 {
		s.fail("expected \"Field: value\", found %q", excerpt(line))
		return
	}
	name := line[:colon]
	for i := range len(name) {
		// deb822(5): printable ASCII without blanks and colon, not starting with "-" or "#".
		if c := name[i]; c <= ' ' || c > '~' || i == 0 && (c == '-' || c == '#') {
			s.fail("%q is not a field name", excerpt(name))
			return
		}
	}
	if len(s.current.fields) >= s.options.maxFields() {
		s.fail("paragraph has more than %d fields", s.options.maxFields())
		return
	}
	s.endField()
	value := trimLeft(line[colon+1:])
	s.valueStart = lineStart + len(line) - len(value)
	s.valueLineEnd = s.at
	s.current.fields = append(s.current.fields, Field{Name: name, Value: trimRight(value), Line: s.line})
}

// continueField extends the value of the last field up to the end of line. As a rule value and line
// are neighbours in the text and the value is simply made longer; a comment in between makes a copy
// necessary.
func (s *Scanner) continueField(lineStart int, line string) {
	if len(s.current.fields) == 0 {
		s.fail("continuation line without a field")
		return
	}
	f := &s.current.fields[len(s.current.fields)-1]
	if lineStart == s.valueLineEnd && s.joined.Len() == 0 {
		if f.Value == "" {
			// "Field:" with a list on the following lines: the value starts with the newline.
			s.valueStart = lineStart - 1
		}
		f.Value = trimRight(s.text[s.valueStart : lineStart+len(line)])
		s.valueLineEnd = s.at
		return
	}
	if s.joined.Len() == 0 {
		s.joined.WriteString(f.Value)
	}
	s.joined.WriteByte('\n')
	s.joined.WriteString(line)
}

// endField gives the last field the value that was joined from pieces.
func (s *Scanner) endField() {
	if s.joined.Len() > 0 {
		s.current.fields[len(s.current.fields)-1].Value = trimRight(s.joined.String())
		s.joined.Reset()
	}
}

func (s *Scanner) finish(start, end int) bool {
	s.endField()
	s.current.raw = s.text[start:end]
	return true
}

func (s *Scanner) fail(format string, args ...any) {
	s.err = &SyntaxError{Line: s.line, Problem: fmt.Sprintf(format, args...)}
}

func isBlankLine(line string) bool {
	for i := range len(line) {
		if c := line[i]; c != ' ' && c != '\t' && c != '\r' {
			return false
		}
	}
	return true
}

func trimLeft(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	return s
}

func trimRight(s string) string {
	for s != "" {
		c := s[len(s)-1]
		if c != ' ' && c != '\t' && c != '\r' {
			break
		}
		s = s[:len(s)-1]
	}
	return s
}

// excerpt keeps error messages readable when the input is not text at all.
func excerpt(s string) string {
	const limit = 80
	if len(s) <= limit {
		return s
	}
	return s[:limit] + "…"
}
