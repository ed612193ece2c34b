package assemble

import "strings"

// lineLimit bounds what is kept of one line, so that a program without line
// ends cannot fill the memory.
const lineLimit = 4096

// tail keeps the last lines written to it.
type tail struct {
	lines   []string
	partial []byte
}

// Write adds output. It never fails.
func (t *tail) Write(p []byte) (int, error) {
	for _, c := range p {
		switch {
		case c == '\n':
			t.end()
		case len(t.partial) < lineLimit:
			t.partial = append(t.partial, c)
		}
	}
	return len(p), nil
}

func (t *tail) end() {
	if len(t.lines) == tailLines {
		t.lines = append(t.lines[:0], t.lines[1:]...)
	}
	t.lines = append(t.lines, clean(t.partial))
	t.partial = t.partial[:0]
}

// Lines returns what was kept, including a last line without an end.
func (t *tail) Lines() []string {
	if len(t.partial) > 0 {
		t.end()
	}
	return append([]string(nil), t.lines...)
}

// clean makes a line fit to print: valid text without control characters, so
// that a script cannot move the reader's cursor.
func clean(line []byte) string {
	return strings.Map(func(r rune) rune {
		if r == '\t' {
			return ' '
		}
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(line), "\uFFFD"))
}
