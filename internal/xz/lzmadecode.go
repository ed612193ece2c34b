package xz

import "encoding/binary"

// A decoder decompresses the chunks of one block. Its methods hand the state of
// the range coder around as values, because it then stays in registers.
type decoder struct {
	model
	start    int // of the dictionary, in the output
	state    uint32
	reps     [4]uint32 // distances of the last matches, less one
	lc, lp   uint
	posMask  uint32
	contexts int
	// in is the compressed chunk. It is longer than one can be, and reading it
	// needs no check of bounds, because what is behind its end is found out after
	// each symbol.
	in [inputSize]byte
}

const (
	inputSize = 1 << 17
	inputMask = inputSize - 1
	// maxSymbol is more than the bytes that a symbol can take.
	maxSymbol = 64
)

// setProps takes the byte that says how many bits of position and of the last
// byte choose a model.
func (d *decoder) setProps(b byte) bool {
	if b >= 9*5*5 {
		return false
	}
	d.lc, d.lp = uint(b%9), uint(b/9%5)
	d.posMask = 1<<(b/9/5) - 1
	d.contexts = 1 << (d.lc + d.lp)
	return d.lc+d.lp <= 4 && d.posMask < maxPosStates
}

func (d *decoder) reset() {
	d.state, d.reps = 0, [4]uint32{}
	d.model.reset(d.contexts)
}

// rangeCoder is the state of the decoder of bits.
type rangeCoder struct {
	rng, code uint32
	pos       uint32 // in decoder.in
}

// shift makes the range large again.
func (d *decoder) shift(rc rangeCoder) rangeCoder {
	if rc.rng < topValue {
		rc.rng <<= 8
		rc.code = rc.code<<8 | uint32(d.in[rc.pos&inputMask])
		rc.pos++
	}
	return rc
}

// bit decodes one bit.
func (d *decoder) bit(rc rangeCoder, p *prob) (rangeCoder, uint32) {
	v := uint32(*p)
	bound := rc.rng >> probBits * v
	if rc.code < bound {
		rc.rng = bound
		*p = prob(v + (probOne-v)>>moveBits)
		return d.shift(rc), 0
	}
	rc.rng -= bound
	rc.code -= bound
	*p = prob(v - v>>moveBits)
	return d.shift(rc), 1
}

// tree decodes a number of the given bits, the highest first.
func (d *decoder) tree(rc rangeCoder, p []prob, n uint) (rangeCoder, uint32) {
	rng, code, pos := rc.rng, rc.code, rc.pos
	m := uint32(1)
	for range n {
		v := uint32(p[m])
		bound := rng >> probBits * v
		if code < bound {
			rng = bound
			p[m] = prob(v + (probOne-v)>>moveBits)
			m <<= 1
		} else {
			rng -= bound
			code -= bound
			p[m] = prob(v - v>>moveBits)
			m = m<<1 | 1
		}
		if rng < topValue {
			rng <<= 8
			code = code<<8 | uint32(d.in[pos&inputMask])
			pos++
		}
	}
	return rangeCoder{rng, code, pos}, m - 1<<n
}

// reverseTree decodes a number of the given bits, the lowest first.
func (d *decoder) reverseTree(rc rangeCoder, p []prob, n uint) (rangeCoder, uint32) {
	m, value := uint32(1), uint32(0)
	for i := range n {
		var b uint32
		rc, b = d.bit(rc, &p[m])
		m = m<<1 | b
		value |= b << i
	}
	return rc, value
}

// direct decodes a number of the given bits, each of which is equally likely to
// be zero or one.
func (d *decoder) direct(rc rangeCoder, n uint) (rangeCoder, uint32) {
	value := uint32(0)
	for range n {
		rc.rng >>= 1
		rc.code -= rc.rng
		borrow := uint32(int32(rc.code) >> 31) // all ones if the bit is zero
		rc.code += rc.rng & borrow
		value = value<<1 + borrow + 1
		rc = d.shift(rc)
	}
	return rc, value
}

// decode decompresses a chunk into dst from the position out on.
func (d *decoder) decode(dst []byte, out int, src []byte) bool {
	if len(src) < 5 || src[0] != 0 {
		return false
	}
	n := uint32(copy(d.in[:], src))
	clear(d.in[n : n+maxSymbol])
	rc := rangeCoder{rng: 0xffffffff, code: binary.BigEndian.Uint32(src[1:]), pos: 5}
	state := d.state
	for out < len(dst) {
		posState := uint32(out-d.start) & d.posMask // 32 bits are enough for its few
		p := &d.match[state][posState]
		v := uint32(*p)
		bound := rc.rng >> probBits * v
		if rc.code < bound {
			rc.rng = bound
			*p = prob(v + (probOne-v)>>moveBits)
			rc = d.shift(rc)
			var b byte
			if rc, b = d.literalByte(rc, dst, out, state); rc.pos > n {
				return false
			}
			dst[out] = b
			out++
			state = afterLiteral(state)
			continue
		}
		rc.rng -= bound
		rc.code -= bound
		*p = prob(v - v>>moveBits)
		rc = d.shift(rc)
		var length int
		rc, state, length = d.matchLength(rc, state, posState)
		distance := int(d.reps[0]) + 1
		if rc.pos > n || length > len(dst)-out || distance > out-d.start {
			return false
		}
		copyMatch(dst, out, distance, length)
		out += length
	}
	d.state = state
	return rc.code == 0 && rc.pos == n
}

// literalByte decodes a byte that is not part of a match.
func (d *decoder) literalByte(rc rangeCoder, dst []byte, out int, state uint32) (rangeCoder, byte) {
	previous := uint32(0)
	if out > d.start {
		previous = uint32(dst[out-1])
	}
	context := uint32(out-d.start)&(1<<d.lp-1)<<d.lc + previous>>(8-d.lc)
	p := &d.literal[context]
	rng, code, pos := rc.rng, rc.code, rc.pos
	m := uint32(1)
	if state >= statesLiteral {
		// The byte at the distance of the last match is likely another one than
		// this: it chooses the models until the first bit that differs.
		offset := uint32(0x100)
		other := uint32(0)
		if distance := int(d.reps[0]) + 1; distance <= out-d.start {
			other = uint32(dst[out-distance])
		}
		for m < 0x100 {
			other <<= 1
			bit := other & offset
			q := &p[(offset+bit+m)%0x300]
			v := uint32(*q)
			bound := rng >> probBits * v
			if code < bound {
				rng = bound
				*q = prob(v + (probOne-v)>>moveBits)
				m <<= 1
				offset &^= bit
			} else {
				rng -= bound
				code -= bound
				*q = prob(v - v>>moveBits)
				m = m<<1 | 1
				offset &= bit
			}
			if rng < topValue {
				rng <<= 8
				code = code<<8 | uint32(d.in[pos&inputMask])
				pos++
			}
		}
		return rangeCoder{rng, code, pos}, byte(m)
	}
	for m < 0x100 {
		q := &p[m]
		v := uint32(*q)
		bound := rng >> probBits * v
		if code < bound {
			rng = bound
			*q = prob(v + (probOne-v)>>moveBits)
			m <<= 1
		} else {
			rng -= bound
			code -= bound
			*q = prob(v - v>>moveBits)
			m = m<<1 | 1
		}
		if rng < topValue {
			rng <<= 8
			code = code<<8 | uint32(d.in[pos&inputMask])
			pos++
		}
	}
	return rangeCoder{rng, code, pos}, byte(m)
}

func afterLiteral(state uint32) uint32 {
	switch {
	case state < 4:
		return 0
	case state < 10:
		return state - 3
	}
	return state - 6
}

// after returns the state after a match, given that after a literal and that
// after something else.
func after(state, literal, other uint32) uint32 {
	if state < statesLiteral {
		return literal
	}
	return other
}

// matchLength decodes what follows the bit that says match: its distance, which
// becomes the first of the last distances, and its length.
func (d *decoder) matchLength(rc rangeCoder, state, posState uint32) (rangeCoder, uint32, int) {
	rc, rep := d.bit(rc, &d.rep[state])
	if rep == 0 {
		rc, length := d.lengthOf(rc, &d.length, posState)
		d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
		rc, d.reps[0] = d.distance(rc, length)
		return rc, after(state, 7, 10), int(length) + minMatch
	}
	rc, b := d.bit(rc, &d.rep0[state])
	if b == 0 {
		if rc, b = d.bit(rc, &d.rep0Long[state][posState]); b == 0 {
			return rc, after(state, 9, 11), 1
		}
	} else {
		rc = d.olderDistance(rc, state)
	}
	rc, length := d.lengthOf(rc, &d.repLen, posState)
	return rc, after(state, 8, 11), int(length) + minMatch
}

// olderDistance moves one of the older distances to the front.
func (d *decoder) olderDistance(rc rangeCoder, state uint32) rangeCoder {
	i := 1
	rc, b := d.bit(rc, &d.rep1[state])
	if b != 0 {
		if rc, b = d.bit(rc, &d.rep2[state]); b == 0 {
			i = 2
		} else {
			i = 3
		}
	}
	distance := d.reps[i]
	copy(d.reps[1:i+1], d.reps[:i])
	d.reps[0] = distance
	return rc
}

// lengthOf decodes a length, less minMatch.
func (d *decoder) lengthOf(rc rangeCoder, l *lengthModel, posState uint32) (rangeCoder, uint32) {
	rc, b := d.bit(rc, &l.choice[0])
	if b == 0 {
		return d.tree(rc, l.low[posState][:], 3)
	}
	var n uint32
	if rc, b = d.bit(rc, &l.choice[1]); b == 0 {
		rc, n = d.tree(rc, l.mid[posState][:], 3)
		return rc, n + 8
	}
	rc, n = d.tree(rc, l.high[:], 8)
	return rc, n + 16
}

// distance decodes a distance, less one.
func (d *decoder) distance(rc rangeCoder, length uint32) (rangeCoder, uint32) {
	rc, slot := d.tree(rc, d.slot[min(length, lenStates-1)][:], slotBits)
	if slot < firstModelSlot {
		return rc, slot
	}
	n := uint(slot>>1 - 1)
	base := (2 | slot&1) << n
	var low uint32
	if slot < endModelSlot {
		rc, low = d.reverseTree(rc, d.special[base-slot:], n)
		return rc, base + low
	}
	rc, high := d.direct(rc, n-alignBits)
	rc, low = d.reverseTree(rc, d.align[:], alignBits)
	return rc, base + high<<alignBits + low
}

// copyMatch copies what lies the given distance before a position to it. It may
// write a few bytes more, which the next symbol overwrites.
func copyMatch(dst []byte, at, distance, length int) {
	if rest := dst[at:]; length <= 16 && distance >= 16 && len(rest) >= 16 {
		from := dst[at-distance:]
		a, b := binary.LittleEndian.Uint64(from), binary.LittleEndian.Uint64(from[8:])
		binary.LittleEndian.PutUint64(rest, a)
		binary.LittleEndian.PutUint64(rest[8:], b)
		return
	}
	for end := at + length; at < end; {
		// What was copied is there to be copied again.
		n := copy(dst[at:end], dst[at-distance:at])
		at += n
		distance += n
	}
}
