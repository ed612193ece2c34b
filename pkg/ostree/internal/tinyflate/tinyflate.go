// Package tinyflate compresses small inputs into one DEFLATE block (RFC 1951)
// with the fixed code. For less than a few hundred bytes that is what a
// compressor with tables of its own can do at best; those need more time to be
// set up than to run, and end a stream with a block of nothing.
package tinyflate

const (
	// MaxSize is the largest input, in bytes.
	MaxSize = 4096

	minMatch = 3
	maxMatch = 258
	hashBits = 9
)

// Append appends the compressed form of src, which is at most MaxSize bytes.
func Append(dst, src []byte) []byte {
	w := bitWriter{dst: dst}
	w.write(1|1<<1, 3) // the last block, fixed code
	var heads [1 << hashBits]int16
	for i := 0; i < len(src); {
		length, distance := 0, 0
		if i+minMatch <= len(src) {
			h := &heads[hash(src[i:])]
			if at := int(*h) - 1; at >= 0 {
				if n := common(src[at:], src[i:]); n >= minMatch {
					length, distance = n, i-at
				}
			}
			*h = int16(i + 1)
		}
		if length == 0 {
			w.literal(int(src[i]))
			i++
			continue
		}
		w.length(length)
		w.distance(distance)
		for end := i + length; i+1 < end; {
			i++
			if i+minMatch <= len(src) {
				heads[hash(src[i:])] = int16(i + 1)
			}
		}
		i++
	}
	w.literal(256)
	return w.finish()
}

func hash(b []byte) uint32 {
	return (uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16) * 0x9e3779b1 >> (32 - hashBits)
}

// common is how many bytes are the same, up to the longest match. The second
// begins later in the input, so the first is never shorter.
func common(earlier, later []byte) int {
	n := min(len(later), maxMatch)
	for i := range n {
		if earlier[i] != later[i] {
			return i
		}
	}
	return n
}

// bitWriter puts codes together, the first in the lowest bits of a byte.
type bitWriter struct {
	dst  []byte
	bits uint64
	n    uint
}

func (w *bitWriter) write(value uint64, n uint) {
	w.bits |= value << w.n
	w.n += n
	for w.n >= 8 {
		w.dst = append(w.dst, byte(w.bits))
		w.bits >>= 8
		w.n -= 8
	}
}

func (w *bitWriter) finish() []byte {
	if w.n > 0 {
		w.dst = append(w.dst, byte(w.bits))
	}
	return w.dst
}

// code writes a code of the alphabet, whose bits begin with the highest.
func (w *bitWriter) code(value, n uint) {
	var reversed uint64
	for range n {
		reversed = reversed<<1 | uint64(value&1)
		value >>= 1
	}
	w.write(reversed, n)
}

// literal writes a byte, the end of the block (256) or the code of a length, by
// the table of section 3.2.6.
func (w *bitWriter) literal(v int) {
	switch {
	case v < 144:
		w.code(uint(0x30+v), 8)
	case v < 256:
		w.code(uint(0x190+v-144), 9)
	case v < 280:
		w.code(uint(v-256), 7)
	default:
		w.code(uint(0xc0+v-280), 8)
	}
}

// length writes the code of a length and its extra bits, by the table of section
// 3.2.5: codes come in groups of four with one more bit each.
func (w *bitWriter) length(n int) {
	v := uint(n - minMatch)
	switch {
	case n == maxMatch:
		w.literal(285)
	case v < 8:
		w.literal(257 + int(v))
	default:
		extra := bitLen(v) - 3
		w.literal(257 + int(4*extra+v>>extra))
		w.write(uint64(v&(1<<extra-1)), extra)
	}
}

// distance does the same for a distance; codes come in pairs.
func (w *bitWriter) distance(n int) {
	v := uint(n - 1)
	if v < 4 {
		w.code(v, 5)
		return
	}
	extra := bitLen(v) - 2
	w.code(2*extra+v>>extra, 5)
	w.write(uint64(v&(1<<extra-1)), extra)
}

func bitLen(v uint) uint {
	n := uint(0)
	for ; v > 0; v >>= 1 {
		n++
	}
	return n
}
