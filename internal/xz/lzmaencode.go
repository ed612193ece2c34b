package xz

// Literal models depend on three bits of the byte before, the others on two
// bits of the position. That is what all encoders choose unless told otherwise.
const (
	literalContext = 3
	posBits        = 2
	posMask        = 1<<posBits - 1
	propsByte      = posBits*45 + literalContext
)

// An encoder compresses blocks one after the other. It keeps its memory.
type encoder struct {
	model
	rangeEncoder
	finder
	planner
	prices *priceTable
	state  uint32
	reps   [4]uint32
	// updated counts matches since prices were computed.
	updated int
}

// priceInterval is how many matches prices are used for.
const priceInterval = 128

func newEncoder() *encoder { return &encoder{prices: newPriceTable()} }

func (e *encoder) resetState() {
	e.state, e.reps = 0, [4]uint32{}
	e.model.reset(1 << literalContext)
	e.updated = priceInterval
	e.plan = e.plan[:0]
}

func (e *encoder) updatePrices() {
	if e.updated >= priceInterval {
		e.prices.update(&e.model, posMask+1)
		e.updated = 0
	}
}

// literalModel is the model of the byte at a position.
func (e *encoder) literalModel(at int) *literals {
	if at == 0 {
		return &e.model.literal[0]
	}
	return &e.model.literal[e.data[at-1]>>(8-literalContext)]
}

// A symbol is what is encoded: a byte, a match, or a match at one of the last
// distances.
type symbol struct {
	length int
	back   uint32 // see backLiteral
}

const (
	backLiteral = 1<<32 - 1
	backReps    = 4 // below are the last distances, from here on distances
)

// encodeSymbol encodes a symbol for a position.
func (e *encoder) encodeSymbol(at int, s symbol) {
	posState := uint32(at) & posMask
	if s.back == backLiteral {
		e.bit(&e.match[e.state][posState], 0)
		p := e.literalModel(at)
		if e.state < statesLiteral {
			e.rangeEncoder.literal(p, e.data[at])
		} else {
			e.rangeEncoder.matchedLiteral(p, e.data[at], e.data[at-int(e.reps[0])-1])
		}
		e.state = afterLiteral(e.state)
		return
	}
	e.bit(&e.match[e.state][posState], 1)
	e.updated++
	if s.back >= backReps {
		e.encodeMatch(posState, s)
	} else {
		e.encodeRep(posState, s)
	}
}

func (e *encoder) encodeMatch(posState uint32, s symbol) {
	e.bit(&e.rep[e.state], 0)
	e.encodeLength(&e.length, posState, s.length)
	e.state = after(e.state, 7, 10)
	distance := s.back - backReps
	slot := distanceSlot(distance)
	e.tree(e.slot[min(s.length-minMatch, lenStates-1)][:], slotBits, slot)
	if slot >= firstModelSlot {
		n := uint(slot>>1 - 1)
		base := (2 | slot&1) << n
		if slot < endModelSlot {
			e.reverseTree(e.special[base-slot:], n, distance-base)
		} else {
			e.direct(n-alignBits, (distance-base)>>alignBits)
			e.reverseTree(e.align[:], alignBits, distance&(1<<alignBits-1))
		}
	}
	e.reps = [4]uint32{distance, e.reps[0], e.reps[1], e.reps[2]}
}

func (e *encoder) encodeRep(posState uint32, s symbol) {
	e.bit(&e.rep[e.state], 1)
	if s.back == 0 {
		e.bit(&e.rep0[e.state], 0)
		long := uint32(1)
		if s.length == 1 {
			long = 0
		}
		e.bit(&e.rep0Long[e.state][posState], long)
	} else {
		e.bit(&e.rep0[e.state], 1)
		if s.back == 1 {
			e.bit(&e.rep1[e.state], 0)
		} else {
			e.bit(&e.rep1[e.state], 1)
			e.bit(&e.rep2[e.state], s.back-2)
		}
		e.reps = rotate(e.reps, s.back)
	}
	if s.length == 1 {
		e.state = after(e.state, 9, 11)
		return
	}
	e.encodeLength(&e.repLen, posState, s.length)
	e.state = after(e.state, 8, 11)
}

// rotate moves one of the last distances to the front.
func rotate(reps [4]uint32, i uint32) [4]uint32 {
	switch i {
	case 1:
		return [4]uint32{reps[1], reps[0], reps[2], reps[3]}
	case 2:
		return [4]uint32{reps[2], reps[0], reps[1], reps[3]}
	case 3:
		return [4]uint32{reps[3], reps[0], reps[1], reps[2]}
	}
	return reps
}

func (e *encoder) encodeLength(l *lengthModel, posState uint32, length int) {
	n := uint32(length - minMatch)
	switch {
	case n < 8:
		e.bit(&l.choice[0], 0)
		e.tree(l.low[posState][:], 3, n)
	case n < 16:
		e.bit(&l.choice[0], 1)
		e.bit(&l.choice[1], 0)
		e.tree(l.mid[posState][:], 3, n-8)
	default:
		e.bit(&l.choice[0], 1)
		e.bit(&l.choice[1], 1)
		e.tree(l.high[:], 8, n-16)
	}
}
