package xz

import (
	"encoding/binary"
	"math/bits"
)

const (
	hash2Bits = 10
	hash3Bits = 16
	// depth is how many earlier places are looked at for a match.
	depth = 20
)

// A finder finds earlier places of the bytes at a position. It goes through the
// data once.
type finder struct {
	data  []byte
	next  int // the first position that is not known
	shift uint
	last2 [1 << hash2Bits]int32 // the last position of two bytes, plus one
	last3 [1 << hash3Bits]int32
	last4 []int32
	chain []int32 // the position before with the same hash of four bytes, plus one
	// What the last positions of two and three bytes were before next.
	near2, near3 int32
}

// A match is a length and the smallest distance, less one, at which there is a
// match of it.
type match struct {
	length   int
	distance uint32
}

func (f *finder) begin(data []byte) {
	f.data, f.next = data, 0
	width := min(max(bits.Len(uint(len(data))), 10), 20)
	f.shift = uint(32 - width)
	clear(f.last2[:])
	clear(f.last3[:])
	f.last4 = zeroed(f.last4, 1<<width)
	if cap(f.chain) < len(data) {
		f.chain = make([]int32, len(data))
	}
	f.chain = f.chain[:len(data)]
}

func zeroed(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// skip makes positions known up to one.
func (f *finder) skip(to int) {
	for f.next < to {
		f.insert()
	}
}

// insert makes the next position known. The last few are too near to the end.
func (f *finder) insert() {
	at := f.next
	f.next++
	if at+4 > len(f.data) {
		f.near2, f.near3 = 0, 0
		if at < len(f.chain) {
			f.chain[at] = 0
		}
		return
	}
	v := binary.LittleEndian.Uint32(f.data[at:])
	h2 := (v & 0xffff) * 0x9e37 >> 6 & (1<<hash2Bits - 1)
	h3 := v << 8 * 0x9e3779b1 >> (32 - hash3Bits)
	h4 := v * 0x9e3779b1 >> f.shift
	place := int32(at + 1)
	f.near2, f.last2[h2] = f.last2[h2], place
	f.near3, f.last3[h3] = f.last3[h3], place
	f.chain[at], f.last4[h4] = f.last4[h4], place
}

// matches appends what is found for a position: ever longer matches at ever
// larger distances. Short ones are only found for the next position, not for one
// that is known.
func (f *finder) matches(list []match, at int) []match {
	short := at >= f.next
	f.skip(at + 1)
	limit := min(maxMatch, len(f.data)-at)
	if limit < 4 {
		return list
	}
	here := f.data[at : at+limit]
	best := 1
	for _, place := range [2]int32{f.near2, f.near3} {
		if !short {
			break
		}
		if place == 0 || best >= limit {
			continue
		}
		p := int(place) - 1
		if f.data[p+best] != here[best] {
			continue
		}
		if n := same(f.data[p:], here); n > best {
			best = n
			list = append(list, match{n, uint32(at - p - 1)})
		}
	}
	place := f.chain[at]
	for range depth {
		if place == 0 || best >= limit {
			break
		}
		p := int(place) - 1
		if f.data[p+best] == here[best] && f.data[p+best-1] == here[best-1] {
			if n := same(f.data[p:], here); n > best {
				best = n
				list = append(list, match{n, uint32(at - p - 1)})
			}
		}
		place = f.chain[p]
	}
	return list
}

// same returns how many bytes two slices have in common at the beginning. The
// first must not be shorter.
func same(a, b []byte) int {
	a = a[:len(b)]
	i := 0
	for ; i+8 <= len(b); i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for ; i < len(b) && a[i] == b[i]; i++ {
	}
	return i
}
