package xz

import "encoding/binary"

// A decoder decompresses the chunks of one block.
type decoder struct {
	model
	start    int // of the dictionary, in the output
	state    uint32
	reps     [4]uint32 // distances of the last matches, less one
	contexts int
	// The model of a literal is chosen by the position and this mask, and by the
	// bits of the byte before that are left when it is shifted; those of others by
	// the position and the other mask.
	literalMask, posMask uint32
	shift                uint32
	lc                   uint32
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
	lc, lp, pb := uint32(b%9), uint32(b/9%5), uint32(b/9/5)
	if lc+lp > 4 {
		return false
	}
	d.lc, d.shift = lc, 8-lc
	d.literalMask, d.posMask = 1<<lp-1, 1<<pb-1
	d.contexts = 1 << (lc + lp)
	return true
}

func (d *decoder) reset() {
	d.state, d.reps = 0, [4]uint32{}
	d.model.reset(d.contexts)
}

// decode decompresses a chunk into dst from the position out on.
func (d *decoder) decode(dst []byte, out int, src []byte) bool {
	if len(src) < 5 || src[0] != 0 {
		return false
	}
	n := uint64(copy(d.in[:], src))
	clear(d.in[n : n+maxSymbol])
	rc := rangeCoder{rng: 0xffffffff, code: uint64(binary.BigEndian.Uint32(src[1:])), pos: 5}
	state := d.state
	for out < len(dst) {
		at := uint32(out - d.start) // 32 bits are enough for the few that count
		posState := at & d.posMask
		p := &d.match[state][posState]
		v := uint64(*p)
		bound := rc.rng >> probBits * v
		if rc.code < bound {
			rc.rng = bound
			*p = prob(v + (probOne-v)>>moveBits)
			rc = d.fill(rc)
			previous := uint32(0)
			if out > d.start {
				previous = uint32(dst[out-1])
			}
			model := &d.literal[(at&d.literalMask<<(d.lc&7)+previous>>(d.shift&15))&15]
			var b byte
			if state < statesLiteral {
				rc, b = d.literalByte(rc, model)
			} else {
				rc, b = d.otherByte(rc, model, d.matchByte(dst, out))
			}
			if rc.pos > n {
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
		rc = d.fill(rc)
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

// matchByte returns the byte that would be next if the last match went on.
func (d *decoder) matchByte(dst []byte, out int) uint64 {
	if distance := int(d.reps[0]) + 1; distance <= out-d.start {
		return uint64(dst[out-distance])
	}
	return 0
}

// copyMatch copies what lies the given distance before a position to it. It may
// write a few bytes more, which the next symbol overwrites.
func copyMatch(dst []byte, at, distance, length int) {
	const step = 16
	if rest := dst[at:]; distance >= step && len(rest) >= length+step {
		from := dst[at-distance:]
		for i := 0; i < length; i += step {
			a, b := binary.LittleEndian.Uint64(from[i:]), binary.LittleEndian.Uint64(from[i+8:])
			binary.LittleEndian.PutUint64(rest[i:], a)
			binary.LittleEndian.PutUint64(rest[i+8:], b)
		}
		return
	}
	for end := at + length; at < end; {
		// What was copied is there to be copied again.
		n := copy(dst[at:end], dst[at-distance:at])
		at += n
		distance += n
	}
}
