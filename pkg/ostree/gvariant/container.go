package gvariant

import (
	"fmt"
	"strings"
)

// Array returns a value of type "a"+elem. It panics if an element has another
// type, which is a mistake of the program.
func Array(elem string, values ...Value) Value {
	for _, v := range values {
		if v.typ != elem {
			panic(fmt.Sprintf("gvariant: element of type %q in array of %q", v.typ, elem))
		}
	}
	var data []byte
	var ends []int
	fixed, boundary := fixedSize(elem) > 0, alignment(elem)
	for _, v := range values {
		data = append(pad(data, boundary), v.data...)
		if !fixed {
			ends = append(ends, len(data))
		}
	}
	return Value{"a" + elem, appendOffsets(data, ends)}
}

// Tuple returns a value whose type is the types of the members in parentheses.
func Tuple(values ...Value) Value {
	var typ strings.Builder
	typ.WriteByte('(')
	for _, v := range values {
		typ.WriteString(v.typ)
	}
	typ.WriteByte(')')
	return tuple(typ.String(), values)
}

// An Entry is one entry of a dictionary built by [Dict].
type Entry struct {
	Key   string
	Value Value
}

// Dict returns a value of type a{sv}. It keeps the order of the entries, which
// is part of the serialised form.
func Dict(entries ...Entry) Value {
	values := make([]Value, len(entries))
	for i, e := range entries {
		values[i] = tuple("{sv}", []Value{String(e.Key), Variant(e.Value)})
	}
	return Array("{sv}", values...)
}

// Pair returns one entry of a dictionary of any type, for [Array]: its type is
// "{KV}" for a key of the basic type K and a value of type V.
func Pair(key, value Value) Value {
	return tuple("{"+key.typ+value.typ+"}", []Value{key, value})
}

// Variant returns a value of type v that holds the given value.
func Variant(v Value) Value {
	data := make([]byte, 0, len(v.data)+1+len(v.typ))
	data = append(append(data, v.data...), 0)
	return Value{"v", append(data, v.typ...)}
}

func tuple(typ string, values []Value) Value {
	var data []byte
	var ends []int
	for i, v := range values {
		data = append(pad(data, alignment(v.typ)), v.data...)
		if fixedSize(v.typ) == 0 && i < len(values)-1 {
			ends = append([]int{len(data)}, ends...) // stored last to first
		}
	}
	if size := fixedSize(typ); size > 0 {
		data = append(data, make([]byte, size-len(data))...)
	}
	return Value{typ, appendOffsets(data, ends)}
}

func pad(data []byte, boundary int) []byte {
	for len(data)%boundary != 0 {
		data = append(data, 0)
	}
	return data
}

func appendOffsets(data []byte, ends []int) []byte {
	width := widthFor(len(data), len(ends))
	for _, end := range ends {
		data = appendOffset(data, end, width)
	}
	return data
}
