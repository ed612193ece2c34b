package xz

// The probability models of LZMA, as "LZMA specification" of the LZMA SDK
// describes them. A probability is that of a zero bit, in 1/2048.

type prob = uint16

const (
	probBits  = 11
	probOne   = 1 << probBits
	probStart = probOne / 2
	moveBits  = 5
	topValue  = 1 << 24 // the range is shifted when it falls below

	states         = 12
	statesLiteral  = 7 // states below follow a literal
	maxPosBits     = 4
	maxPosStates   = 1 << maxPosBits
	minMatch       = 2
	maxMatch       = minMatch + 8 + 8 + 256 - 1
	lenStates      = 4
	slotBits       = 6
	alignBits      = 4
	firstModelSlot = 4 // slots below are distances
	endModelSlot   = 14
	fullDistances  = 1 << (endModelSlot / 2)
)

// A lengthModel codes the length of a match.
type lengthModel struct {
	choice [2]prob
	low    [maxPosStates][8]prob
	mid    [maxPosStates][8]prob
	high   [256]prob
}

// A literals is the model of a byte that is no part of a match: one tree for a
// byte of which nothing is known, and two for one that likely differs from a
// certain other byte, by the next bit of that.
type literals [0x300]prob

// A model is everything that adapts itself to the data.
type model struct {
	match    [states][maxPosStates]prob
	rep      [states]prob
	rep0     [states]prob
	rep1     [states]prob
	rep2     [states]prob
	rep0Long [states][maxPosStates]prob
	slot     [lenStates][1 << slotBits]prob
	special  [fullDistances]prob // low bits of middle distances
	align    [1 << alignBits]prob
	length   lengthModel
	repLen   lengthModel
	literal  [16]literals // for up to four bits of position and of the byte before
}

func resetProbs(p []prob) {
	for i := range p {
		p[i] = probStart
	}
}

func (l *lengthModel) reset() {
	resetProbs(l.choice[:])
	for i := range l.low {
		resetProbs(l.low[i][:])
		resetProbs(l.mid[i][:])
	}
	resetProbs(l.high[:])
}

// reset makes all bits equally likely. There is one model of literals for each of
// the given number of contexts.
func (m *model) reset(contexts int) {
	for i := range m.match {
		resetProbs(m.match[i][:])
		resetProbs(m.rep0Long[i][:])
	}
	for _, p := range [][]prob{m.rep[:], m.rep0[:], m.rep1[:], m.rep2[:], m.special[:], m.align[:]} {
		resetProbs(p)
	}
	for i := range m.slot {
		resetProbs(m.slot[i][:])
	}
	m.length.reset()
	m.repLen.reset()
	for i := range contexts {
		resetProbs(m.literal[i][:])
	}
}
