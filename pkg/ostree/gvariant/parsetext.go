package gvariant

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A TextError says where a text is not in the GVariant text format.
type TextError struct {
	Offset int // in bytes
	Reason string
}

// Error implements error.
func (e *TextError) Error() string { return fmt.Sprintf("at offset %d: %s", e.Offset, e.Reason) }

// ParseText reads the text format that [Value.Text] writes, as g_variant_parse
// does: 'text', uint32 5, [1, 2], {'key': <true>}, @as []. An empty type means
// that the text says the type, where numbers are int32 and strings are s unless
// it says otherwise. Errors are [*TextError] or about the type.
func ParseText(typ, text string) (Value, error) {
	p := &textParser{text: text}
	root, err := p.value(0)
	if err != nil {
		return Value{}, err
	}
	if p.space(); p.pos < len(text) {
		return Value{}, p.errorf("expected the end of the text")
	}
	if typ == "" {
		pattern, err := root.pattern()
		if err != nil {
			return Value{}, err
		}
		if typ, err = settle(pattern, root); err != nil {
			return Value{}, err
		}
	} else if err := CheckType(typ); err != nil {
		return Value{}, err
	}
	return root.build(typ)
}

// nodeKind is what a piece of text is, before its type is known.
type nodeKind byte

const (
	numberNode nodeKind = iota
	stringNode
	bytesNode
	boolNode
	arrayNode
	dictNode
	entryNode
	tupleNode
	variantNode
	justNode
	nothingNode
	typedNode
)

type textNode struct {
	kind nodeKind
	pos  int
	text string // of a number or boolean, the content of a string, or a type
	kids []*textNode
}

func (n *textNode) errorf(format string, args ...any) error {
	return &TextError{Offset: n.pos, Reason: fmt.Sprintf(format, args...)}
}

type textParser struct {
	text string
	pos  int
}

func (p *textParser) errorf(format string, args ...any) error {
	return &TextError{Offset: p.pos, Reason: fmt.Sprintf(format, args...)}
}

func (p *textParser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\n\r\v\f", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// peek returns the next byte after white space, 0 at the end.
func (p *textParser) peek() byte {
	p.space()
	if p.pos == len(p.text) {
		return 0
	}
	return p.text[p.pos]
}

func (p *textParser) accept(c byte) bool {
	if p.peek() != c {
		return false
	}
	p.pos++
	return true
}

func (p *textParser) expect(c byte) error {
	if !p.accept(c) {
		return p.errorf("expected %q", c)
	}
	return nil
}

func (p *textParser) value(depth int) (*textNode, error) {
	if depth > maxDepth {
		return nil, p.errorf("nested deeper than %d", maxDepth)
	}
	c := p.peek()
	n := &textNode{pos: p.pos}
	switch {
	case c == '[':
		n.kind = arrayNode
		return n, p.list(n, ']', depth)
	case c == '(':
		n.kind = tupleNode
		return n, p.list(n, ')', depth)
	case c == '{':
		return n, p.dict(n, depth)
	case c == '<':
		p.pos++
		n.kind = variantNode
		if err := p.child(n, depth); err != nil {
			return nil, err
		}
		return n, p.expect('>')
	case c == '\'' || c == '"':
		n.kind = stringNode
		return n, p.quoted(n)
	case c == 'b' && p.pos+1 < len(p.text) && (p.text[p.pos+1] == '\'' || p.text[p.pos+1] == '"'):
		p.pos++
		n.kind = bytesNode
		return n, p.quoted(n)
	case c == '@':
		p.pos++
		n.kind, n.text = typedNode, p.word(isTypeChar)
		return n, p.child(n, depth)
	case c == 0:
		return nil, p.errorf("expected a value")
	}
	return n, p.keyword(n, depth)
}

func (p *textParser) child(n *textNode, depth int) error {
	child, err := p.value(depth + 1)
	n.kids = append(n.kids, child)
	return err
}

// list reads the elements of an array or tuple; a tuple of one ends in a comma.
func (p *textParser) list(n *textNode, end byte, depth int) error {
	p.pos++
	for !p.accept(end) {
		if len(n.kids) > 0 {
			if err := p.expect(','); err != nil {
				return err
			}
			if end == ')' && len(n.kids) == 1 && p.accept(end) {
				return nil
			}
		}
		if err := p.child(n, depth); err != nil {
			return err
		}
	}
	if end == ')' && len(n.kids) == 1 {
		return n.errorf("a tuple of one needs a comma")
	}
	return nil
}

// dict reads a dictionary, {k: v, …}, or one entry, {k, v}.
func (p *textParser) dict(n *textNode, depth int) error {
	p.pos++
	n.kind = dictNode
	for !p.accept('}') {
		if len(n.kids) > 0 {
			if err := p.expect(','); err != nil {
				return err
			}
		}
		entry := &textNode{kind: entryNode, pos: p.pos}
		if err := p.child(entry, depth); err != nil {
			return err
		}
		if len(n.kids) == 0 && p.accept(',') {
			n.kind, n.kids = entryNode, entry.kids
			if err := p.child(n, depth); err != nil {
				return err
			}
			return p.expect('}')
		}
		if err := p.expect(':'); err != nil {
			return err
		}
		if err := p.child(entry, depth); err != nil {
			return err
		}
		n.kids = append(n.kids, entry)
	}
	return nil
}

func isTypeChar(c byte) bool {
	return c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || strings.IndexByte("(){}*?", c) >= 0)
}

func isWordChar(c byte) bool {
	return c < utf8.RuneSelf && (unicode.IsLetter(rune(c)) || unicode.IsDigit(rune(c)) || strings.IndexByte("+-.", c) >= 0)
}

func (p *textParser) word(in func(byte) bool) string {
	start := p.pos
	for p.pos < len(p.text) && in(p.text[p.pos]) {
		p.pos++
	}
	return p.text[start:p.pos]
}

// keyword reads what begins with a letter or is a number.
func (p *textParser) keyword(n *textNode, depth int) error {
	n.text = p.word(isWordChar)
	switch n.text {
	case "":
		return n.errorf("expected a value")
	case "true", "false":
		n.kind = boolNode
		return nil
	case "nothing":
		n.kind = nothingNode
		return nil
	case "just":
		n.kind = justNode
		return p.child(n, depth)
	case "boolean", "byte", "int16", "uint16", "int32", "handle", "uint32", "int64", "uint64", "double", "string", "objectpath", "signature":
		n.kind, n.text = typedNode, map[string]string{
			"boolean": "b", "byte": "y", "int16": "n", "uint16": "q", "int32": "i", "handle": "h", "uint32": "u",
			"int64": "x", "uint64": "t", "double": "d", "string": "s", "objectpath": "o", "signature": "g",
		}[n.text]
		return p.child(n, depth)
	}
	if first := n.text[0]; unicode.IsLetter(rune(first)) && n.text != "inf" && n.text != "nan" {
		return n.errorf("unknown keyword %q", n.text)
	}
	n.kind = numberNode
	return nil
}

// quoted reads a string or byte string in either kind of quotes.
func (p *textParser) quoted(n *textNode) error {
	quote := p.text[p.pos]
	p.pos++
	var b strings.Builder
	for p.pos < len(p.text) {
		c := p.text[p.pos]
		p.pos++
		switch {
		case c == quote:
			n.text = b.String()
			return nil
		case c != '\\':
			b.WriteByte(c)
		case p.pos == len(p.text):
			return n.errorf("the string does not end")
		default:
			if err := p.escape(&b, n.kind == bytesNode); err != nil {
				return err
			}
		}
	}
	return n.errorf("the string does not end")
}

// escape reads what follows a backslash. Strings know \u and \U, byte strings
// octal digits.
func (p *textParser) escape(b *strings.Builder, octal bool) error {
	c := p.text[p.pos]
	p.pos++
	switch {
	case octal && '0' <= c && c <= '7':
		n := int(c - '0')
		for range 2 {
			if p.pos == len(p.text) || p.text[p.pos] < '0' || p.text[p.pos] > '7' {
				break
			}
			n = n<<3 | int(p.text[p.pos]-'0')
			p.pos++
		}
		b.WriteByte(byte(n))
	case !octal && (c == 'u' || c == 'U'):
		return p.unicode(b, map[byte]int{'u': 4, 'U': 8}[c])
	case c == '\n': // the line goes on
	default:
		if i := strings.IndexByte("abfnrtv", c); i >= 0 {
			c = "\a\b\f\n\r\t\v"[i]
		}
		b.WriteByte(c)
	}
	return nil
}

func (p *textParser) unicode(b *strings.Builder, digits int) error {
	var r rune
	for range digits {
		if p.pos == len(p.text) {
			return p.errorf("the string does not end")
		}
		i := strings.IndexByte("0123456789abcdef", p.text[p.pos]|0x20)
		if i < 0 || r > unicode.MaxRune {
			return p.errorf("not a character in hexadecimal")
		}
		r = r<<4 | rune(i)
		p.pos++
	}
	if r == 0 || !utf8.ValidRune(r) {
		return p.errorf("not a character in hexadecimal")
	}
	b.WriteRune(r)
	return nil
}
