package gvariant

import (
	"bytes"
	"encoding/binary"
	"math"
)

// A Value is an immutable serialised value together with its type. The zero
// Value has no type and belongs in no container.
type Value struct {
	typ  string
	data []byte
}

// Type returns the GVariant type string, such as "a{sv}".
func (v Value) Type() string { return v.typ }

// Data returns the serialised bytes. The caller must not change them.
func (v Value) Data() []byte { return v.data }

// IsZero reports whether v is the zero Value.
func (v Value) IsZero() bool { return v.typ == "" }

// Equal reports whether two values have the same type and content.
func (v Value) Equal(other Value) bool {
	return v.typ == other.typ && bytes.Equal(v.data, other.data)
}

// String returns a value of type s. GVariant strings are UTF-8 without NUL; a
// string that is not makes a value that [Parse] would reject.
func String(s string) Value { return Value{"s", append([]byte(s), 0)} }

// Bool returns a value of type b.
func Bool(b bool) Value {
	if b {
		return Value{"b", []byte{1}}
	}
	return Value{"b", []byte{0}}
}

// Byte returns a value of type y.
func Byte(n byte) Value { return Value{"y", []byte{n}} }

// Int16 returns a value of type n.
func Int16(n int16) Value { return Value{"n", binary.LittleEndian.AppendUint16(nil, uint16(n))} }

// Uint16 returns a value of type q.
func Uint16(n uint16) Value { return Value{"q", binary.LittleEndian.AppendUint16(nil, n)} }

// Int32 returns a value of type i.
func Int32(n int32) Value { return Value{"i", binary.LittleEndian.AppendUint32(nil, uint32(n))} }

// Uint32 returns a value of type u.
func Uint32(n uint32) Value { return Value{"u", binary.LittleEndian.AppendUint32(nil, n)} }

// Int64 returns a value of type x.
func Int64(n int64) Value { return Value{"x", binary.LittleEndian.AppendUint64(nil, uint64(n))} }

// Uint64 returns a value of type t.
func Uint64(n uint64) Value { return Value{"t", binary.LittleEndian.AppendUint64(nil, n)} }

// Double returns a value of type d.
func Double(n float64) Value {
	return Value{"d", binary.LittleEndian.AppendUint64(nil, math.Float64bits(n))}
}

// Bytes returns a value of type ay that holds a copy of b.
func Bytes(b []byte) Value { return Value{"ay", bytes.Clone(b)} }

// Strings returns a value of type as.
func Strings(list []string) Value {
	values := make([]Value, len(list))
	for i, s := range list {
		values[i] = String(s)
	}
	return Array("s", values...)
}
