package gvariant

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// maxDepth bounds the nesting of containers, as GLib does.
	maxDepth = 128
	// maxTypeLength bounds type strings, which nested values may carry.
	maxTypeLength = 1024
)

const basicTypes = "ybnqiuxtdhsog"

// CheckType reports whether typ is one complete definite GVariant type.
func CheckType(typ string) error {
	if len(typ) > maxTypeLength {
		return fmt.Errorf("type string of %d bytes is longer than %d", len(typ), maxTypeLength)
	}
	rest, err := scanType(typ, 0)
	if err != nil {
		return fmt.Errorf("type %q: %w", typ, err)
	}
	if rest != "" {
		return fmt.Errorf("type %q: more than one type", typ)
	}
	return nil
}

var errBadType = errors.New("not a valid type string")

// scanType consumes one complete type and returns what follows it.
func scanType(typ string, depth int) (string, error) {
	if typ == "" || depth > maxDepth {
		return "", errBadType
	}
	switch c := typ[0]; {
	case c == 'v' || isBasic(c):
		return typ[1:], nil
	case c == 'a' || c == 'm':
		return scanType(typ[1:], depth+1)
	case c == '(':
		return scanTuple(typ[1:], depth)
	case c == '{':
		return scanEntry(typ[1:], depth)
	}
	return "", errBadType
}

func scanTuple(rest string, depth int) (string, error) {
	for rest != "" && rest[0] != ')' {
		var err error
		if rest, err = scanType(rest, depth+1); err != nil {
			return "", err
		}
	}
	if rest == "" {
		return "", errBadType
	}
	return rest[1:], nil
}

func scanEntry(rest string, depth int) (string, error) {
	if rest == "" || !isBasic(rest[0]) {
		return "", errBadType
	}
	rest, err := scanType(rest[1:], depth+1)
	if err != nil {
		return "", err
	}
	if rest == "" || rest[0] != '}' {
		return "", errBadType
	}
	return rest[1:], nil
}

func isBasic(c byte) bool { return strings.IndexByte(basicTypes, c) >= 0 }

// The functions below take valid types only.

// nextType splits the first complete type off a sequence of types.
func nextType(types string) (first, rest string) {
	n, open := 0, 0
	for {
		switch types[n] {
		case 'a', 'm':
			n++
			continue
		case '(', '{':
			open++
		case ')', '}':
			open--
		}
		n++
		if open == 0 {
			return types[:n], types[n:]
		}
	}
}

// members returns the types inside a tuple or dictionary entry.
func members(typ string) string { return typ[1 : len(typ)-1] }

func isTuple(typ string) bool { return typ[0] == '(' || typ[0] == '{' }

// alignment is the boundary, in bytes, on which values of the type start.
func alignment(typ string) int {
	most := 1
	// The alignment of a container is the largest of what it contains, so the
	// structure of the type does not matter.
	for i := range len(typ) {
		switch typ[i] {
		case 'n', 'q':
			most = max(most, 2)
		case 'i', 'u', 'h':
			most = max(most, 4)
		case 'x', 't', 'd', 'v':
			return 8
		}
	}
	return most
}

// fixedSize is the size in bytes of every value of the type, or 0 if it varies.
func fixedSize(typ string) int {
	switch typ[0] {
	case 'y', 'b':
		return 1
	case 'n', 'q':
		return 2
	case 'i', 'u', 'h':
		return 4
	case 'x', 't', 'd':
		return 8
	case '(', '{':
		return fixedTupleSize(typ)
	}
	return 0
}

func fixedTupleSize(typ string) int {
	size := 0
	for rest := members(typ); rest != ""; {
		var member string
		member, rest = nextType(rest)
		n := fixedSize(member)
		if n == 0 {
			return 0
		}
		size = alignUp(size, alignment(member)) + n
	}
	return max(1, alignUp(size, alignment(typ)))
}

func alignUp(n, boundary int) int { return (n + boundary - 1) &^ (boundary - 1) }
