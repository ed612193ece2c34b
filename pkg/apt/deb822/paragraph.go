package deb822

import (
	"fmt"
	"io"
	"iter"
	"strings"
)

// Field is one field of a paragraph.
type Field struct {
	// Name is as written in the text.
	Name string
	// Value is the text after the colon without surrounding blanks. The lines of a value of several
	// lines are separated by a newline and keep their leading blank: "first\n second\n .\n third".
	Value string
	// Line is the number of the field's first line, counted from 1 over the whole input.
	Line int
}

// Paragraph is a list of fields. The zero value is an empty paragraph. Paragraphs are immutable and
// safe for concurrent use, except that those of a [Scanner] live only until its next step.
type Paragraph struct {
	raw    string
	fields []Field
}

// Parse reads a text that holds exactly one paragraph. Blank lines around it are ignored.
func Parse(text string) (Paragraph, error) {
	s := NewScanner(text, Options{})
	if !s.Next() {
		if s.Err() != nil {
			return Paragraph{}, s.Err()
		}
		return Paragraph{}, io.ErrUnexpectedEOF
	}
	p := s.Paragraph().Clone()
	if err := p.CheckUnique(); err != nil {
		return Paragraph{}, err
	}
	if s.Next() || s.Err() != nil {
		return Paragraph{}, &SyntaxError{Line: s.line, Problem: "a second paragraph where one is expected"}
	}
	return p, nil
}

// Lookup returns the value of a field and whether the paragraph has it.
func (p Paragraph) Lookup(name string) (string, bool) {
	for i := range p.fields {
		if len(p.fields[i].Name) == len(name) && strings.EqualFold(p.fields[i].Name, name) {
			return p.fields[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of a field, "" when the paragraph does not have it.
func (p Paragraph) Get(name string) string {
	value, _ := p.Lookup(name)
	return value
}

// Line returns the line of a field; without the field that of the paragraph.
func (p Paragraph) Line(name string) int {
	for i := range p.fields {
		if strings.EqualFold(p.fields[i].Name, name) {
			return p.fields[i].Line
		}
	}
	if len(p.fields) > 0 {
		return p.fields[0].Line
	}
	return 0
}

// All iterates over the fields in the order of the text.
func (p Paragraph) All() iter.Seq[Field] {
	return func(yield func(Field) bool) {
		for _, f := range p.fields {
			if !yield(f) {
				return
			}
		}
	}
}

// Len returns the number of fields.
func (p Paragraph) Len() int { return len(p.fields) }

// Raw returns the paragraph as it was in the input, including comments, without the blank line
// after it.
func (p Paragraph) Raw() string { return p.raw }

// Clone returns a copy that stays valid after the [Scanner] has moved on. Text is not copied.
func (p Paragraph) Clone() Paragraph {
	return Paragraph{raw: p.raw, fields: append([]Field(nil), p.fields...)}
}

// CheckUnique returns a [*SyntaxError] if a field occurs twice. [Parse] and [Reader] have checked
// already; the [Scanner] leaves it to its caller.
func (p Paragraph) CheckUnique() error {
	for i := range p.fields {
		for j := range i {
			if strings.EqualFold(p.fields[i].Name, p.fields[j].Name) {
				return &SyntaxError{Line: p.fields[i].Line, Problem: fmt.Sprintf("field %q occurs twice", p.fields[i].Name)}
			}
		}
	}
	return nil
}

// Lines splits a value of several lines into its lines, without the blanks around them. The first
// line is left out if empty, as in the checksum lists of a Release file.
func Lines(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		first := true
		for line := range strings.SplitSeq(value, "\n") {
			line = strings.Trim(line, blanks)
			if first && line == "" {
				first = false
				continue
			}
			first = false
			if !yield(line) {
				return
			}
		}
	}
}

// Unfold turns the value of a Description-like field into text: the leading blank of continuation
// lines goes, and a line with a lone dot becomes an empty one.
func Unfold(value string) string {
	if !strings.Contains(value, "\n") {
		return value
	}
	var b strings.Builder
	for i, line := range strings.Split(value, "\n") {
		if i > 0 {
			b.WriteByte('\n')
			if line = strings.TrimRight(line, blanks); line != "" {
				line = line[1:]
			}
			if line == "." {
				line = ""
			}
		}
		b.WriteString(strings.TrimRight(line, blanks))
	}
	return b.String()
}

// Fold is the inverse of [Unfold]: it makes text fit to be the value of a field.
func Fold(text string) string {
	lines := strings.Split(text, "\n")
	for i := 1; i < len(lines); i++ {
		if strings.Trim(lines[i], blanks) == "" {
			lines[i] = "."
		}
		lines[i] = " " + lines[i]
	}
	return strings.Join(lines, "\n")
}

// SyntaxError reports text that is not in the format.
type SyntaxError struct {
	Line    int // from 1
	Problem string
}

// Error returns line and problem.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %s", e.Line, e.Problem) }
