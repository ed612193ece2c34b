package xz

// States are numbered by what the last symbols were.

// afterLiteral returns the state after a literal. States are digits of the number.
func afterLiteral(state uint32) uint32 { return uint32(uint64(0x546543210000)>>(4*state&63)) & 15 }

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
	var bit uint64
	p := &d.rep[state]
	rc, *p, bit = rc.step(uint64(*p))
	rc = d.fill(rc)
	if bit == 0 {
		rc, length := d.lengthOf(rc, &d.length, posState)
		d.reps[3], d.reps[2], d.reps[1] = d.reps[2], d.reps[1], d.reps[0]
		rc, d.reps[0] = d.distance(rc, length)
		return rc, after(state, 7, 10), int(length) + minMatch
	}
	p = &d.rep0[state]
	rc, *p, bit = rc.step(uint64(*p))
	rc = d.fill(rc)
	if bit == 0 {
		p = &d.rep0Long[state][posState]
		rc, *p, bit = rc.step(uint64(*p))
		if rc = d.fill(rc); bit == 0 {
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
	rc, second := d.flag(rc, &d.rep1[state])
	if second == 0 {
		d.reps[0], d.reps[1] = d.reps[1], d.reps[0]
		return rc
	}
	rc, third := d.flag(rc, &d.rep2[state])
	if third == 0 {
		d.reps[0], d.reps[1], d.reps[2] = d.reps[2], d.reps[0], d.reps[1]
		return rc
	}
	d.reps[0], d.reps[1], d.reps[2], d.reps[3] = d.reps[3], d.reps[0], d.reps[1], d.reps[2]
	return rc
}

// lengthOf decodes a length, less minMatch.
func (d *decoder) lengthOf(rc rangeCoder, l *lengthModel, posState uint32) (rangeCoder, uint32) {
	var bit uint64
	rc, l.choice[0], bit = rc.step(uint64(l.choice[0]))
	rc = d.fill(rc)
	if bit == 0 {
		return d.tree(rc, l.low[posState][:])
	}
	rc, l.choice[1], bit = rc.step(uint64(l.choice[1]))
	rc = d.fill(rc)
	if bit == 0 {
		rc, n := d.tree(rc, l.mid[posState][:])
		return rc, n + 8
	}
	rc, n := d.tree(rc, l.high[:])
	return rc, n + 16
}

// distance decodes a distance, less one.
func (d *decoder) distance(rc rangeCoder, length uint32) (rangeCoder, uint32) {
	rc, slot := d.tree(rc, d.slot[min(length, lenStates-1)][:])
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
