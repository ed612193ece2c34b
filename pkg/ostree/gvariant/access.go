package gvariant

import (
	"encoding/binary"
	"fmt"
	"iter"
	"math"
)

// A TypeError says that a value was asked for as a type that it is not.
type TypeError struct {
	Want string // type string, or a word such as "container"
	Got  string
}

// Error implements error.
func (e *TypeError) Error() string { return fmt.Sprintf("value has type %q, not %q", e.Got, e.Want) }

// want returns the data of a value that must have the given type.
func (v Value) want(typ string) ([]byte, error) {
	if v.typ != typ {
		return nil, &TypeError{Want: typ, Got: v.typ}
	}
	if size := fixedSize(typ); size > 0 && len(v.data) != size {
		return nil, ErrNotNormal
	}
	return v.data, nil
}

// Str returns the text of a value of type s, o or g.
func (v Value) Str() (string, error) {
	if v.typ != "s" && v.typ != "o" && v.typ != "g" {
		return "", &TypeError{Want: "s", Got: v.typ}
	}
	if len(v.data) == 0 {
		return "", ErrNotNormal
	}
	return string(v.data[:len(v.data)-1]), nil
}

// Bool returns the value of type b.
func (v Value) Bool() (bool, error) {
	data, err := v.want("b")
	return err == nil && data[0] == 1, err
}

// Byte returns the value of type y.
func (v Value) Byte() (byte, error) {
	data, err := v.want("y")
	if err != nil {
		return 0, err
	}
	return data[0], nil
}

// Int16 returns the value of type n.
func (v Value) Int16() (int16, error) {
	data, err := v.want("n")
	if err != nil {
		return 0, err
	}
	return int16(binary.LittleEndian.Uint16(data)), nil
}

// Uint16 returns the value of type q.
func (v Value) Uint16() (uint16, error) {
	data, err := v.want("q")
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint16(data), nil
}

// Int32 returns the value of type i.
func (v Value) Int32() (int32, error) {
	data, err := v.want("i")
	if err != nil {
		return 0, err
	}
	return int32(binary.LittleEndian.Uint32(data)), nil
}

// Uint32 returns the value of type u.
func (v Value) Uint32() (uint32, error) {
	data, err := v.want("u")
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(data), nil
}

// Int64 returns the value of type x.
func (v Value) Int64() (int64, error) {
	data, err := v.want("x")
	if err != nil {
		return 0, err
	}
	return int64(binary.LittleEndian.Uint64(data)), nil
}

// Uint64 returns the value of type t.
func (v Value) Uint64() (uint64, error) {
	data, err := v.want("t")
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(data), nil
}

// Double returns the value of type d.
func (v Value) Double() (float64, error) {
	data, err := v.want("d")
	if err != nil {
		return 0, err
	}
	return math.Float64frombits(binary.LittleEndian.Uint64(data)), nil
}

// Bytes returns the bytes of a value of type ay. The caller must not change them.
func (v Value) Bytes() ([]byte, error) { return v.want("ay") }

// Strings returns the elements of a value of type as.
func (v Value) Strings() ([]string, error) {
	if v.typ != "as" {
		return nil, &TypeError{Want: "as", Got: v.typ}
	}
	list := make([]string, 0, v.Len())
	for _, element := range v.Children() {
		s, err := element.Str()
		if err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, nil
}

// Unwrap returns the value inside a value of type v.
func (v Value) Unwrap() (Value, error) {
	data, err := v.want("v")
	if err != nil {
		return Value{}, err
	}
	child, typ, ok := splitVariant(data)
	if !ok || typ == "" {
		return Value{}, ErrNotNormal
	}
	return Value{typ, child}, nil
}

// Lookup returns the value of the first entry with the key in a dictionary with
// string keys. For a{sv} that is the value inside the variant.
func (v Value) Lookup(key string) (Value, bool, error) {
	if len(v.typ) < 4 || v.typ[:3] != "a{s" {
		return Value{}, false, &TypeError{Want: "a{sv}", Got: v.typ}
	}
	for _, entry := range v.Children() {
		k, value, err := entry.KeyValue()
		if err != nil {
			return Value{}, false, err
		}
		if k == key {
			return value, true, nil
		}
	}
	return Value{}, false, nil
}

// KeyValue returns the two halves of a dictionary entry with a string key. A
// variant is unwrapped.
func (v Value) KeyValue() (string, Value, error) {
	if len(v.typ) < 2 || v.typ[:2] != "{s" {
		return "", Value{}, &TypeError{Want: "{sv}", Got: v.typ}
	}
	k, err := v.At(0)
	if err != nil {
		return "", Value{}, err
	}
	key, err := k.Str()
	if err != nil {
		return "", Value{}, err
	}
	value, err := v.At(1)
	if err == nil && value.typ == "v" {
		value, err = value.Unwrap()
	}
	return key, value, err
}

// Len returns the number of children of a container: array, tuple, dictionary
// entry, maybe or variant. It is 0 for everything else.
func (v Value) Len() int {
	if v.typ == "" {
		return 0
	}
	switch v.typ[0] {
	case 'v':
		return 1
	case 'm':
		return min(1, len(v.data))
	case 'a':
		return v.arrayLen()
	case '(', '{':
		n := 0
		for rest := members(v.typ); rest != ""; n++ {
			_, rest = nextType(rest)
		}
		return n
	}
	return 0
}

func (v Value) arrayLen() int {
	elem := v.typ[1:]
	if size := fixedSize(elem); size > 0 {
		return len(v.data) / size
	}
	f, err := frameArray(elem, v.data)
	if err != nil {
		return 0
	}
	return f.count
}

// At returns child i of a container.
func (v Value) At(i int) (Value, error) {
	if i < 0 || i >= v.Len() {
		return Value{}, fmt.Errorf("child %d of a value of type %q with %d", i, v.typ, v.Len())
	}
	switch v.typ[0] {
	case 'v':
		return v.Unwrap()
	case 'm':
		elem, data := v.typ[1:], v.data
		if fixedSize(elem) == 0 {
			data = data[:len(data)-1]
		}
		return Value{elem, data}, nil
	case 'a':
		return v.element(i)
	}
	w := walkTuple(v.typ, v.data)
	for range i {
		w.next()
	}
	typ, start, end := w.next()
	return v.slice(typ, start, end)
}

func (v Value) element(i int) (Value, error) {
	elem := v.typ[1:]
	if size := fixedSize(elem); size > 0 {
		return v.slice(elem, i*size, (i+1)*size)
	}
	f, err := frameArray(elem, v.data)
	if err != nil {
		return Value{}, err
	}
	_, start, end := f.bounds(i)
	return v.slice(elem, start, end)
}

func (v Value) slice(typ string, start, end int) (Value, error) {
	if start < 0 || start > end || end > len(v.data) {
		return Value{}, ErrNotNormal
	}
	return Value{typ, v.data[start:end:end]}, nil
}

// Children iterates over the children of a container with their positions.
func (v Value) Children() iter.Seq2[int, Value] {
	return func(yield func(int, Value) bool) {
		for i := range v.Len() {
			child, err := v.At(i)
			if err != nil || !yield(i, child) {
				return
			}
		}
	}
}
