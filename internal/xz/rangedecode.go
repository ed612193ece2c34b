package xz

// A rangeCoder is the state of the decoder of bits. Functions hand it around as a
// value, because it then stays in registers.
type rangeCoder struct {
	rng, code uint64 // of 32 bits, with room for a sign
	pos       uint64 // in decoder.in
}

// A bit other than one that says what comes next is hardly ever to be foreseen. A
// branch that depends on it costs more than everything else, so that there is none:
// both outcomes are computed, and conditional moves take one. The compiler makes such
// moves only of values that no address depends on, so the bit itself, which becomes
// part of one, is a comparison of its own.

// bias makes the formula for a probability that shrinks one for a probability that
// grows: a shift to the right of what is negative rounds down.
const bias = 1<<moveBits - 1 - probOne

// step decodes a bit whose probability of zero is v. It returns also what the
// probability is from now on.
func (rc rangeCoder) step(v uint64) (_ rangeCoder, now prob, bit uint64) {
	bound := rc.rng >> probBits * v
	rng, code, add := rc.rng-bound, rc.code-bound, int64(0)
	if rc.code >= bound {
		bit = 1
	}
	if rc.code < bound {
		rng, code, add = bound, rc.code, bias
	}
	return rangeCoder{rng, code, rc.pos}, prob(int64(v) - (int64(v)+add)>>moveBits), bit
}

// choose is step where the next bit of a tree follows, whose probability depends
// on this bit: it returns one of the two, which then need not be loaded first.
func (rc rangeCoder) choose(v, afterZero, afterOne uint64) (_ rangeCoder, now prob, next, bit uint64) {
	bound := rc.rng >> probBits * v
	rng, code, add := rc.rng-bound, rc.code-bound, int64(0)
	if rc.code >= bound {
		bit = 1
	}
	if rc.code < bound {
		rng, code, add, afterOne = bound, rc.code, bias, afterZero
	}
	return rangeCoder{rng, code, rc.pos}, prob(int64(v) - (int64(v)+add)>>moveBits), afterOne, bit
}

// fill makes the range large again.
func (d *decoder) fill(rc rangeCoder) rangeCoder {
	if rc.rng < topValue {
		rc.rng <<= 8
		rc.code = uint64(uint32(rc.code<<8) | uint32(d.in[rc.pos&inputMask]))
		rc.pos++
	}
	return rc
}

// refill is fill without a branch, for where it is not to be foreseen either whether
// a byte is due.
func (d *decoder) refill(rc rangeCoder) rangeCoder {
	rng, due := rc.rng<<8, uint64(0)
	code := uint64(uint32(rc.code<<8) | uint32(d.in[rc.pos&inputMask]))
	if rc.rng < topValue {
		due = 1
	}
	if rc.rng < topValue {
		rc.rng, rc.code = rng, code
	}
	rc.pos += due
	return rc
}

// flag decodes a bit.
func (d *decoder) flag(rc rangeCoder, p *prob) (rangeCoder, uint64) {
	var bit uint64
	rc, *p, bit = rc.step(uint64(*p))
	return d.fill(rc), bit
}

// tree decodes a number, the highest bit first. The length of p is what the number
// is below, a power of two.
func (d *decoder) tree(rc rangeCoder, p []prob) (rangeCoder, uint32) {
	size := uint64(len(p))
	m, v, mask := uint64(1), uint64(p[1]), size-1
	for m < size {
		at := m
		m *= 2
		// Behind the last bit these two are of no meaning.
		afterZero, afterOne := uint64(p[m&mask]), uint64(p[(m+1)&mask])
		var bit uint64
		rc, p[at], v, bit = rc.choose(v, afterZero, afterOne)
		m += bit
		rc = d.fill(rc)
	}
	return rc, uint32(m & mask)
}

// reverseTree decodes a number of the given bits, the lowest first.
func (d *decoder) reverseTree(rc rangeCoder, p []prob, n uint) (rangeCoder, uint32) {
	m, value := uint64(1), uint64(0)
	for weight := uint64(1); weight < 1<<n; weight *= 2 {
		var bit uint64
		at := m
		rc, p[at], bit = rc.step(uint64(p[m]))
		m = 2*m + bit
		value |= -bit & weight
		rc = d.fill(rc)
	}
	return rc, uint32(value)
}

// direct decodes a number of the given bits, each of which is equally likely to
// be zero or one.
func (d *decoder) direct(rc rangeCoder, n uint) (rangeCoder, uint32) {
	value := uint64(0)
	for range n {
		rc.rng >>= 1
		rest := rc.code - rc.rng
		zero := uint64(int64(rest) >> 63)
		if rc.code >= rc.rng {
			rc.code = rest
		}
		value = 2*value + 1 + zero
		rc = d.fill(rc)
	}
	return rc, uint32(value)
}
