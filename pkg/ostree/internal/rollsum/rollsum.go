// Package rollsum finds what two files have in common in blocks whose borders
// follow the content, so that an insertion moves them along. It needs little
// memory: it is for files that are too large to be compared byte by byte.
//
// The sum that finds the borders is that of bup: over a window of 64 bytes, with
// a border where its lowest 13 bits are ones, which is every 8192 bytes on
// average.
package rollsum

import (
	"bytes"
	"hash/maphash"
)

const (
	windowSize = 64
	charOffset = 31
	borderBits = 13
	borderMask = 1<<borderBits - 1
	// maxBlock bounds blocks in content that has no borders, such as zeros.
	maxBlock = 8 << borderBits
)

// A Stretch says that bytes of the new file are in the old one.
type Stretch struct {
	New, Old, Len int
}

// Match finds stretches of the new file that are also in the old one, in their
// order in the new file. None overlap.
func Match(old, new []byte) []Stretch {
	seed := maphash.MakeSeed()
	type place struct{ at, size int }
	known := map[uint64]place{}
	for at := 0; at < len(old); {
		n := Next(old[at:])
		h := maphash.Bytes(seed, old[at:at+n])
		if _, ok := known[h]; !ok {
			known[h] = place{at, n}
		}
		at += n
	}
	var list []Stretch
	for at := 0; at < len(new); {
		n := Next(new[at:])
		block := new[at : at+n]
		p, ok := known[maphash.Bytes(seed, block)]
		if ok && bytes.Equal(old[p.at:p.at+p.size], block) {
			list = appendStretch(list, Stretch{New: at, Old: p.at, Len: n})
		}
		at += n
	}
	return list
}

// appendStretch joins neighbours.
func appendStretch(list []Stretch, s Stretch) []Stretch {
	if n := len(list); n > 0 {
		last := &list[n-1]
		if last.New+last.Len == s.New && last.Old+last.Len == s.Old {
			last.Len += s.Len
			return list
		}
	}
	return append(list, s)
}

// Next returns the length of the block that data begins with.
func Next(data []byte) int {
	const startA, startB = windowSize * charOffset, windowSize * (windowSize - 1) * charOffset
	a, b := uint32(startA), uint32(startB)
	var window [windowSize]byte
	n := min(len(data), maxBlock)
	for i := range n {
		in, out := data[i], window[i%windowSize]
		window[i%windowSize] = in
		a += uint32(in) - uint32(out)
		b += a - windowSize*(uint32(out)+charOffset)
		if b&borderMask == borderMask {
			return i + 1
		}
	}
	return n
}
