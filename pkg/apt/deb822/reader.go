package deb822

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Reader reads paragraphs from a stream. It holds one paragraph at a time, of at most
// [Options.MaxParagraph] bytes. It is not safe for concurrent use.
type Reader struct {
	r       *bufio.Reader
	options Options
	line    int
	err     error
}

// NewReader returns a reader of r. It may read ahead.
func NewReader(r io.Reader, o Options) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 64<<10), options: o}
}

// Next returns the next paragraph, [io.EOF] after the last one, or a [*SyntaxError]. A field that
// occurs twice is an error. After an error every further call returns it again.
func (r *Reader) Next() (Paragraph, error) {
	if r.err != nil {
		return Paragraph{}, r.err
	}
	p, err := r.next()
	r.err = err
	return p, err
}

func (r *Reader) next() (Paragraph, error) {
	for {
		text, passed, err := r.takeParagraph()
		if err != nil {
			return Paragraph{}, err
		}
		s := &Scanner{text: text, line: r.line, options: r.options}
		r.line += passed
		if s.Next() {
			p := s.Paragraph()
			return p, p.CheckUnique()
		}
		if s.Err() != nil {
			return Paragraph{}, s.Err()
		}
		// Nothing but comments: not a paragraph.
	}
}

// takeParagraph collects lines up to a blank line or the end, and counts them.
func (r *Reader) takeParagraph() (text string, lines int, err error) {
	var b strings.Builder
	for {
		line, err := r.r.ReadSlice('\n')
		partial := errors.Is(err, bufio.ErrBufferFull)
		if err != nil && !partial && !errors.Is(err, io.EOF) {
			return "", 0, err
		}
		if !partial && len(line) > 0 {
			lines++
		}
		if err == nil && b.Len() == 0 && isBlankLine(string(line[:len(line)-1])) {
			r.line, lines = r.line+lines, 0
			continue
		}
		if err == nil && endsParagraph(line) && endsLine(b.String()) {
			return b.String(), lines, nil
		}
		if b.Len()+len(line) > r.options.maxParagraph() {
			return "", 0, &SyntaxError{Line: r.line + lines, Problem: "paragraph is too large"}
		}
		b.Write(line)
		if errors.Is(err, io.EOF) {
			if b.Len() == 0 {
				return "", 0, io.EOF
			}
			return b.String(), lines, nil
		}
	}
}

func endsParagraph(line []byte) bool { return string(line) == "\n" || string(line) == "\r\n" }

func endsLine(s string) bool { return s[len(s)-1] == '\n' }

// ReadAll returns all paragraphs of r.
func ReadAll(r io.Reader, o Options) ([]Paragraph, error) {
	var all []Paragraph
	reader := NewReader(r, o)
	for {
		p, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
}
