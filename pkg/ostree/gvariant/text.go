package gvariant

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Text returns the value in the GVariant text format with type annotations,
// as g_variant_print does: for example [uint32 1, 2] or {'version': <'1.0'>}.
func (v Value) Text() string {
	var b strings.Builder
	printValue(&b, v, true)
	return b.String()
}

// PlainText is like [Value.Text] without type annotations, for people who know
// the type: 5 instead of uint64 5. What is inside a variant keeps them.
func (v Value) PlainText() string {
	var b strings.Builder
	printValue(&b, v, false)
	return b.String()
}

func printValue(b *strings.Builder, v Value, annotate bool) {
	if v.typ == "" {
		return
	}
	switch v.typ[0] {
	case 'v':
		child, _ := v.At(0) // an invalid child prints as nothing
		b.WriteByte('<')
		printValue(b, child, true)
		b.WriteByte('>')
	case 'm':
		printMaybe(b, v, annotate)
	case 'a':
		printArray(b, v, annotate)
	case '(':
		printTuple(b, v, annotate)
	case '{':
		printEntry(b, v, annotate)
	default:
		printBasic(b, v, annotate)
	}
}

func printMaybe(b *strings.Builder, v Value, annotate bool) {
	if annotate {
		b.WriteString("@" + v.typ + " ")
	}
	// Only a chain of maybes that ends in nothing needs the word "just".
	depth := 0
	for v.typ[0] == 'm' && v.Len() == 1 {
		v, _ = v.At(0) // Len says that there is one
		depth++
	}
	if v.typ[0] != 'm' {
		printValue(b, v, false)
		return
	}
	b.WriteString(strings.Repeat("just ", depth) + "nothing")
}

func printArray(b *strings.Builder, v Value, annotate bool) {
	if text, ok := byteString(v); ok {
		b.WriteString(text)
		return
	}
	open, end := "[", "]"
	if strings.HasPrefix(v.typ, "a{") {
		open, end = "{", "}"
	}
	if annotate && v.Len() == 0 {
		b.WriteString("@" + v.typ + " ")
	}
	b.WriteString(open)
	for i, child := range v.Children() {
		if i > 0 {
			b.WriteString(", ")
		}
		if open == "{" {
			printPair(b, child, annotate && i == 0)
		} else {
			printValue(b, child, annotate && i == 0)
		}
	}
	b.WriteString(end)
}

// byteString renders an ay whose only NUL is its last byte.
func byteString(v Value) (string, bool) {
	if v.typ != "ay" || len(v.data) == 0 || bytes.IndexByte(v.data, 0) != len(v.data)-1 {
		return "", false
	}
	text := v.data[:len(v.data)-1]
	quote := "'"
	if bytes.IndexByte(text, '\'') >= 0 {
		quote = `"`
	}
	var b strings.Builder
	b.WriteString("b" + quote)
	for _, c := range text {
		switch i := strings.IndexByte("\b\f\n\r\t\v\\\"", c); {
		case i >= 0:
			b.WriteString(`\` + `bfnrtv\"`[i:i+1])
		case c < ' ' || c >= 0x7f:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(quote)
	return b.String(), true
}

func printTuple(b *strings.Builder, v Value, annotate bool) {
	b.WriteByte('(')
	n := 0
	for i, child := range v.Children() {
		if i > 0 {
			b.WriteString(", ")
		}
		printValue(b, child, annotate)
		n++
	}
	if n == 1 {
		b.WriteByte(',')
	}
	b.WriteByte(')')
}

func printEntry(b *strings.Builder, v Value, annotate bool) {
	key, _ := v.At(0) // an entry has two children
	value, _ := v.At(1)
	b.WriteByte('{')
	printValue(b, key, annotate)
	b.WriteString(", ")
	printValue(b, value, annotate)
	b.WriteByte('}')
}

func printPair(b *strings.Builder, v Value, annotate bool) {
	key, _ := v.At(0) // an entry has two children
	value, _ := v.At(1)
	printValue(b, key, annotate)
	b.WriteString(": ")
	printValue(b, value, annotate)
}

func printBasic(b *strings.Builder, v Value, annotate bool) {
	prefix := map[byte]string{
		'y': "byte ", 'n': "int16 ", 'q': "uint16 ", 'u': "uint32 ", 'h': "handle ",
		'x': "int64 ", 't': "uint64 ", 'o': "objectpath ", 'g': "signature ",
	}[v.typ[0]]
	if annotate {
		b.WriteString(prefix)
	}
	switch v.typ[0] {
	case 's', 'o', 'g':
		s, _ := v.Str() // the type is right
		printString(b, s)
	case 'b':
		b.WriteString(strconv.FormatBool(len(v.data) == 1 && v.data[0] == 1))
	case 'y':
		fmt.Fprintf(b, "0x%02x", v.data)
	case 'd':
		n, _ := v.Double() // the type is right
		text := strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(n, 'g', 17, 64), "+"))
		if !strings.ContainsAny(text, ".eni") {
			text += ".0"
		}
		b.WriteString(text)
	case 'n', 'i', 'x', 'h':
		b.WriteString(strconv.FormatInt(signed(v.data), 10))
	default:
		b.WriteString(strconv.FormatUint(unsigned(v.data), 10))
	}
}

func unsigned(data []byte) uint64 {
	var n uint64
	for _, c := range slices.Backward(data) {
		n = n<<8 | uint64(c)
	}
	return n
}

func signed(data []byte) int64 {
	shift := 64 - 8*len(data)
	return int64(unsigned(data)<<shift) >> shift
}

func printString(b *strings.Builder, s string) {
	quote := '\''
	if strings.ContainsRune(s, '\'') {
		quote = '"'
	}
	b.WriteRune(quote)
	for _, c := range s {
		switch i := strings.IndexRune("\a\b\f\n\r\t\v", c); {
		case c == quote || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case i >= 0:
			b.WriteString(`\` + "abfnrtv"[i:i+1])
		case unicode.IsPrint(c) || unicode.Is(unicode.Zs, c):
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			fmt.Fprintf(b, `\U%08x`, c)
		}
	}
	b.WriteRune(quote)
}
