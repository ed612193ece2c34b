package gvariant

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// ErrNotNormal is in the chain of every error about bytes that are not the
// normal form of their type.
var ErrNotNormal = errors.New("not in normal form")

// Parse checks that data is a value of the type in normal form and returns it.
// The Value keeps referring to data. Nesting is bounded; memory use does not
// depend on what the data claims.
func Parse(typ string, data []byte) (Value, error) {
	if err := CheckType(typ); err != nil {
		return Value{}, err
	}
	if err := check(typ, data, 0); err != nil {
		return Value{}, fmt.Errorf("value of type %q, %d bytes: %w", typ, len(data), err)
	}
	return Value{typ: typ, data: data}, nil
}

func check(typ string, data []byte, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("nested deeper than %d: %w", maxDepth, ErrNotNormal)
	}
	switch typ[0] {
	case 'b':
		return must(len(data) == 1 && data[0] <= 1)
	case 's':
		return must(isString(data))
	case 'o':
		return must(isString(data) && isObjectPath(string(data[:len(data)-1])))
	case 'g':
		return must(isString(data) && isSignature(string(data[:len(data)-1])))
	case 'v':
		return checkVariant(data, depth)
	case 'm':
		return checkMaybe(typ[1:], data, depth)
	case 'a':
		return checkArray(typ[1:], data, depth)
	case '(', '{':
		return checkTuple(typ, data, depth)
	}
	return must(len(data) == fixedSize(typ))
}

func must(ok bool) error {
	if !ok {
		return ErrNotNormal
	}
	return nil
}

func isString(data []byte) bool {
	return len(data) > 0 && bytes.IndexByte(data, 0) == len(data)-1 && utf8.Valid(data)
}

func isObjectPath(s string) bool {
	if s == "/" {
		return true
	}
	if !strings.HasPrefix(s, "/") {
		return false
	}
	for element := range strings.SplitSeq(s[1:], "/") {
		if element == "" || strings.Trim(element, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") != "" {
			return false
		}
	}
	return true
}

func isSignature(s string) bool {
	for s != "" {
		rest, err := scanType(s, 0)
		if err != nil {
			return false
		}
		s = rest
	}
	return true
}

func checkVariant(data []byte, depth int) error {
	child, typ, ok := splitVariant(data)
	if !ok || CheckType(typ) != nil {
		return ErrNotNormal
	}
	return check(typ, child, depth+1)
}

// splitVariant separates the value in a variant from its type, which follows
// the last NUL.
func splitVariant(data []byte) (child []byte, typ string, ok bool) {
	i := bytes.LastIndexByte(data, 0)
	if i < 0 {
		return nil, "", false
	}
	return data[:i], string(data[i+1:]), true
}

func checkMaybe(elem string, data []byte, depth int) error {
	if len(data) == 0 {
		return nil
	}
	if fixedSize(elem) > 0 {
		return check(elem, data, depth+1)
	}
	if data[len(data)-1] != 0 {
		return ErrNotNormal
	}
	return check(elem, data[:len(data)-1], depth+1)
}

func checkArray(elem string, data []byte, depth int) error {
	if size := fixedSize(elem); size > 0 {
		return checkFixedArray(elem, size, data, depth)
	}
	f, err := frameArray(elem, data)
	if err != nil {
		return err
	}
	if f.count > 0 && widthFor(f.body, f.count) != f.width {
		return ErrNotNormal
	}
	for i := range f.count {
		prev, start, end := f.bounds(i)
		if err := checkMember(elem, data[:f.body], prev, start, end, depth); err != nil {
			return err
		}
	}
	return nil
}

func checkFixedArray(elem string, size int, data []byte, depth int) error {
	if len(data)%size != 0 {
		return ErrNotNormal
	}
	if elem != "b" && !isTuple(elem) {
		return nil // every bit pattern of a number is a number
	}
	for ; len(data) > 0; data = data[size:] {
		if err := check(elem, data[:size], depth+1); err != nil {
			return err
		}
	}
	return nil
}

func checkTuple(typ string, data []byte, depth int) error {
	if size := fixedSize(typ); size > 0 && len(data) != size {
		return ErrNotNormal
	}
	w, offsets := walkTuple(typ, data), 0
	for w.rest != "" {
		prev, before := w.end, w.offset
		member, start, end := w.next()
		if before != w.offset {
			offsets++
		}
		if err := checkMember(member, data[:w.offset], prev, start, end, depth); err != nil {
			return err
		}
	}
	if fixedSize(typ) > 0 {
		return must(isZero(data[w.end:]))
	}
	return must(w.end == w.offset && (offsets == 0 || widthFor(w.end, offsets) == w.width))
}

// checkMember checks one member of a container and the padding before it.
func checkMember(typ string, body []byte, prev, start, end, depth int) error {
	if prev < 0 || start > end || end > len(body) || !isZero(body[prev:start]) {
		return ErrNotNormal
	}
	return check(typ, body[start:end], depth+1)
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}
