package bsdiff

import (
	"encoding/binary"
	"math/bits"
)

const (
	// seedSize is the length of the shortest match that is found.
	seedSize = 8
	// maxProbes bounds how many places with the same seed are looked at.
	maxProbes = 24
	// maxIndexed is the most of an old file that is indexed, in bytes. What is
	// behind it is only matched by going on from before.
	maxIndexed = 1<<31 - 1
)

// An index finds where a file has the bytes that begin at a place of another
// one. It holds the position of every seed, sorted by hash and position.
type index struct {
	old       []byte
	shift     uint    // of a hash, to make it a bucket
	starts    []int32 // of each bucket in positions, and the end of the last
	positions []int32
}

// build takes eight bytes per byte of the file at most, and uses what it took
// before.
func (x *index) build(old []byte) {
	x.old, x.positions = old, x.positions[:0]
	n := min(len(old), maxIndexed) - seedSize + 1
	if n <= 0 {
		return
	}
	width := min(max(bits.Len(uint(n)), 8), 24)
	x.shift = uint(64 - width)
	// Counts become the ends of buckets, two places further on, so that they are
	// the starts one place further on, which move to the ends while positions are
	// filled in.
	x.starts = grown(x.starts, 1<<width+2)
	clear(x.starts)
	counts := x.starts[2:]
	count := 0
	x.seeds(n, func(_ int, bucket uint64) {
		counts[bucket]++
		count++
	})
	total := int32(0)
	for i := range counts {
		total += counts[i]
		counts[i] = total
	}
	x.positions = grown(x.positions, count)
	next := x.starts[1:]
	x.seeds(n, func(at int, bucket uint64) {
		x.positions[next[bucket]] = int32(at)
		next[bucket]++
	})
}

func grown(s []int32, n int) []int32 {
	if cap(s) < n {
		return make([]int32, n)
	}
	return s[:n]
}

// seeds calls visit for each seed. Of a run of one byte only the first few are
// worth it: the rest match there as well.
func (x *index) seeds(n int, visit func(at int, bucket uint64)) {
	const runSeeds = 4
	run, previous := 0, uint64(0)
	for i := range n {
		seed := binary.LittleEndian.Uint64(x.old[i:])
		if seed == previous {
			if run++; run > runSeeds {
				continue
			}
		} else {
			run, previous = 0, seed
		}
		visit(i, x.bucket(seed))
	}
}

func (x *index) bucket(seed uint64) uint64 { return seed * 0x9e3779b97f4a7c15 >> x.shift }

// longest finds the longest match of what data begins with, among the places
// nearest to the given one.
func (x *index) longest(data []byte, near int) (at, length int) {
	if len(data) < seedSize || len(x.positions) == 0 {
		return 0, 0
	}
	bucket := x.bucket(binary.LittleEndian.Uint64(data))
	places := x.positions[x.starts[bucket]:x.starts[bucket+1]]
	if len(places) > maxProbes {
		i := nearest(places, near) - maxProbes/2
		i = min(max(i, 0), len(places)-maxProbes)
		places = places[i : i+maxProbes]
	}
	data = data[:min(enough, len(data))]
	for _, p := range places {
		n := matching(x.old[p:], data)
		if n > length {
			at, length = int(p), n
		}
		if n == len(data) {
			break
		}
	}
	if length < seedSize { // others with the same hash
		return 0, 0
	}
	return at, length
}

// nearest returns where a position is or would be in a sorted list.
func nearest(places []int32, near int) int {
	low, high := 0, len(places)
	for low < high {
		if mid := (low + high) / 2; int(places[mid]) < near {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

// matching returns how many bytes are the same at the beginning.
func matching(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for ; i < n && a[i] == b[i]; i++ {
	}
	return i
}
