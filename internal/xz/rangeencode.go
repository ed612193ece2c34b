package xz

// A rangeEncoder appends bits to a chunk.
type rangeEncoder struct {
	out     []byte
	low     uint64
	rng     uint32
	cache   byte
	pending int // bytes that a carry can still change, the cache with them
}

func (r *rangeEncoder) begin(out []byte) {
	*r = rangeEncoder{out: out, rng: 0xffffffff, pending: 1}
}

// size is the most that the output can be when it is ended now.
func (r *rangeEncoder) size() int { return len(r.out) + r.pending + 5 }

func (r *rangeEncoder) shift() {
	if r.low < 0xff000000 || r.low > 0xffffffff {
		carry := byte(r.low >> 32)
		r.out = append(r.out, r.cache+carry)
		for ; r.pending > 1; r.pending-- {
			r.out = append(r.out, 0xff+carry)
		}
		r.pending = 0
		r.cache = byte(r.low >> 24)
	}
	r.pending++
	r.low = r.low & 0x00ffffff << 8
}

func (r *rangeEncoder) end() []byte {
	for range 5 {
		r.shift()
	}
	return r.out
}

func (r *rangeEncoder) bit(p *prob, b uint32) {
	v := uint32(*p)
	bound := r.rng >> probBits * v
	if b == 0 {
		r.rng = bound
		*p = prob(v + (probOne-v)>>moveBits)
	} else {
		r.low += uint64(bound)
		r.rng -= bound
		*p = prob(v - v>>moveBits)
	}
	for r.rng < topValue {
		r.rng <<= 8
		r.shift()
	}
}

// tree encodes a number of the given bits, the highest first.
func (r *rangeEncoder) tree(p []prob, n uint, value uint32) {
	m := uint32(1)
	for i := int(n) - 1; i >= 0; i-- {
		b := value >> i & 1
		r.bit(&p[m], b)
		m = m<<1 | b
	}
}

// reverseTree encodes a number of the given bits, the lowest first.
func (r *rangeEncoder) reverseTree(p []prob, n uint, value uint32) {
	m := uint32(1)
	for range n {
		b := value & 1
		value >>= 1
		r.bit(&p[m], b)
		m = m<<1 | b
	}
}

// direct encodes bits without a model.
func (r *rangeEncoder) direct(n uint, value uint32) {
	for i := int(n) - 1; i >= 0; i-- {
		r.rng >>= 1
		r.low += uint64(r.rng & -(value >> i & 1))
		for r.rng < topValue {
			r.rng <<= 8
			r.shift()
		}
	}
}

// literal encodes a byte.
func (r *rangeEncoder) literal(p *literals, b byte) {
	m := uint32(1)
	for i := 7; i >= 0; i-- {
		bit := uint32(b) >> i & 1
		r.bit(&p[m], bit)
		m = m<<1 | bit
	}
}

// matchedLiteral encodes a byte that follows a match, given the one that would
// have continued it.
func (r *rangeEncoder) matchedLiteral(p *literals, b, other byte) {
	offset, o, symbol := uint32(0x100), uint32(other), uint32(b)|0x100
	for symbol < 0x10000 {
		o <<= 1
		bit := symbol >> 7 & 1
		r.bit(&p[offset+o&offset+symbol>>8], bit)
		symbol <<= 1
		offset &= ^(o ^ symbol)
	}
}
