package inflate

import "math/bits"

// Entries of tables are numbers of 32 bits:
//
//	bits 0-7    bits of input for the code with what follows it
//	bits 8-11   bits of input for the code alone, without extra bits
//	bit  12     a literal, in bits 16-23
//	bit  13     neither literal nor match: see the next two, or invalid
//	bit  14     a pointer: the second table begins at bits 16-31 and has as many
//	            bits as bits 8-11 say; bits 0-7 are those of the first table
//	bit  15     the end of the block
//	bits 16-31  base of the length or distance
type entry uint32

const (
	isLiteral entry = 1 << 12
	isOther   entry = 1 << 13
	isPointer entry = 1 << 14
	isEnd     entry = 1 << 15

	invalid = isOther // takes no bits
)

const (
	litBits   = 11
	distBits  = 8
	orderBits = 7

	// What zlib's program enough says for 288 symbols with 11 bits, and for 32 with
	// 8, if no code is longer than 15 bits.
	litSize  = 2342
	distSize = 402
)

type tables struct {
	lit   [litSize]entry
	dist  [distSize]entry
	fixed bool // these are the fixed codes
}

// orderTable has entries symbol<<4 | bits; 0 is invalid.
type orderTable [1 << orderBits]uint16

// set makes the tables of a block. It gives false if there is no such code.
func (t *tables) set(lits, dists []uint8) bool {
	t.fixed = false
	return build(t.lit[:], litBits, lits, litEntry) && build(t.dist[:], distBits, dists, distEntry)
}

// setFixed makes the tables of RFC 1951 section 3.2.6.
func (t *tables) setFixed() {
	if t.fixed {
		return
	}
	var lengths [288]uint8
	for i := range lengths {
		switch {
		case i < 144:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		case i < 280:
			lengths[i] = 7
		default:
			lengths[i] = 8
		}
	}
	build(t.lit[:], litBits, lengths[:], litEntry)
	for i := range 32 {
		lengths[i] = 5
	}
	build(t.dist[:], distBits, lengths[:32], distEntry)
	t.fixed = true
}

// litEntry is the entry of a symbol, without the bits of its code.
func litEntry(symbol int) entry {
	switch {
	case symbol < endOfBlock:
		return isLiteral | entry(symbol)<<16
	case symbol == endOfBlock:
		return isOther | isEnd
	case symbol >= maxLit:
		return invalid
	case symbol == maxLit-1:
		return 258 << 16
	}
	i := symbol - endOfBlock - 1
	extra := max(i>>2-1, 0)
	base := i
	if extra > 0 {
		base = (4 + i&3) << extra
	}
	return entry(3+base)<<16 | entry(extra)
}

func distEntry(symbol int) entry {
	if symbol >= maxDist {
		return invalid
	}
	extra := max(symbol>>1-1, 0)
	base := symbol
	if extra > 0 {
		base = (2 + symbol&1) << extra
	}
	return entry(1+base)<<16 | entry(extra)
}

// count returns how many codes there are of each length and the longest length.
// It gives false if there is no such code. As in compress/flate one that is not
// complete must be empty or of a single bit.
func count(lengths []uint8) (counts [maxCodeBits + 1]int, longest int, ok bool) {
	for _, n := range lengths {
		counts[n]++
		longest = max(longest, int(n))
	}
	counts[0] = 0
	left := 1
	for n := 1; n <= longest; n++ {
		if left = left<<1 - counts[n]; left < 0 {
			return counts, longest, false
		}
	}
	return counts, longest, left == 0 || longest == 0 || longest == 1 && counts[1] == 1
}

// build fills a table whose first part is looked up by firstBits bits.
func build(table []entry, firstBits int, lengths []uint8, of func(int) entry) bool {
	counts, longest, ok := count(lengths)
	if !ok {
		return false
	}
	first := table[:1<<firstBits]
	if longest <= 1 {
		// Codes that are not complete: what is not filled below is invalid.
		for i := range first {
			first[i] = invalid
		}
	}
	var next [maxCodeBits + 1]uint16
	code := 0
	for n := 1; n <= longest; n++ {
		code = (code + counts[n-1]) << 1
		next[n] = uint16(code) //nolint:gosec // a code has 15 bits at most
	}
	// Longer codes share the bits of the first table, and each such group has a
	// table as large as the longest code in it wants. Codes of one length follow
	// each other, so the groups are found by going through the lengths.
	free := len(first)
	if longest > firstBits {
		free = reserve(table, firstBits, counts, next)
	}
	if free > len(table) {
		return false
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		length := int(n)
		reversed := int(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		e := of(symbol)
		if length <= firstBits {
			e = withBits(e, length)
			for i := reversed; i < len(first); i += 1 << length {
				first[i] = e
			}
			continue
		}
		pointer := first[reversed&(len(first)-1)]
		start, size := int(pointer>>16), int(pointer>>8&15)
		second := table[start : start+1<<size]
		e = withBits(e, length-firstBits)
		for i := reversed >> firstBits; i < len(second); i += 1 << (length - firstBits) {
			second[i] = e
		}
	}
	return true
}

// reserve makes the pointers for all codes that are longer than the first table
// and returns the size of all tables. next are the first codes of each length.
func reserve(table []entry, firstBits int, counts [maxCodeBits + 1]int, next [maxCodeBits + 1]uint16) int {
	var sizes [1 << litBits]uint8
	for n := firstBits + 1; n <= maxCodeBits; n++ {
		for i := range counts[n] {
			prefix := (int(next[n]) + i) >> (n - firstBits)
			sizes[prefix] = uint8(n - firstBits) //nolint:gosec // 4 at most
		}
	}
	free := 1 << firstBits
	for prefix, size := range sizes[:1<<firstBits] {
		if size == 0 {
			continue
		}
		reversed := bits.Reverse16(uint16(prefix)) >> (16 - firstBits)                              //nolint:gosec // firstBits bits
		table[reversed] = isOther | isPointer | entry(free)<<16 | entry(size)<<8 | entry(firstBits) //nolint:gosec // small
		free += 1 << size
	}
	return free
}

// withBits adds the bits of a code to an entry that holds those of what follows.
func withBits(e entry, n int) entry {
	return e + entry(n)<<8 + entry(n) //nolint:gosec // n is 15 at most
}

func (t *orderTable) build(lengths []uint8) bool {
	counts, longest, ok := count(lengths)
	if !ok {
		return false
	}
	var next [maxCodeBits + 1]uint16
	code := 0
	for n := 1; n <= longest; n++ {
		code = (code + counts[n-1]) << 1
		next[n] = uint16(code) //nolint:gosec // seven bits
	}
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		reversed := int(bits.Reverse16(next[n]) >> (16 - n))
		next[n]++
		for i := reversed; i < len(t); i += 1 << n {
			t[i] = uint16(symbol)<<4 | uint16(n) //nolint:gosec // 19 symbols
		}
	}
	return true
}
