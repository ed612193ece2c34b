package gvariant

import (
	"bytes"
	"slices"
)

// Byteswap returns the value with the bytes of every number in it in reverse
// order. Formats that hold big-endian numbers, as OSTree's commits do, become
// readable by it; so does a value that a machine of the other kind wrote.
func (v Value) Byteswap() Value {
	swapped := Value{v.typ, bytes.Clone(v.data)}
	swapped.swap()
	return swapped
}

// swap works on the bytes themselves, which children share.
func (v Value) swap() {
	if v.typ == "" || alignment(v.typ) == 1 {
		return // strings and bytes alone
	}
	if v.Len() == 0 && len(v.data) > 1 {
		slices.Reverse(v.data)
		return
	}
	for _, child := range v.Children() {
		child.swap()
	}
}
