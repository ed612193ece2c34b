package xz

import (
	"math"
	"math/bits"
)

// Prices are how many bits something takes, in sixteenths.

const (
	priceShift = 4
	pricesBits = probBits - priceShift
	noPrice    = 1 << 30
	maxLength  = maxMatch + 1
)

// A priceTable has the prices of bits by their probability, and those of lengths
// and distances as the model was a while ago: to compute them each time would
// take longer than it is worth.
type priceTable struct {
	bit      [1 << pricesBits]uint32
	length   [maxPosStates][maxLength]uint32
	repLen   [maxPosStates][maxLength]uint32
	slot     [lenStates][64]uint32
	distance [lenStates][fullDistances]uint32
	align    [1 << alignBits]uint32
}

func newPriceTable() *priceTable {
	t := &priceTable{}
	for i := range t.bit {
		p := (float64(i) + 0.5) / float64(len(t.bit))
		t.bit[i] = uint32(math.Round(-math.Log2(p) * (1 << priceShift)))
	}
	return t
}

// zero and one are the prices of a bit.
func (t *priceTable) zero(p prob) uint32 { return t.bit[p>>priceShift&(1<<pricesBits-1)] }
func (t *priceTable) one(p prob) uint32 {
	return t.bit[(p^(probOne-1))>>priceShift&(1<<pricesBits-1)]
}

func (t *priceTable) of(p prob, b uint32) uint32 {
	return t.bit[(uint32(p)^(-b&(probOne-1)))>>priceShift&(1<<pricesBits-1)]
}

func (t *priceTable) tree(p []prob, n uint, value uint32) uint32 {
	price := uint32(0)
	for value |= 1 << n; value > 1; value >>= 1 {
		price += t.of(p[value>>1], value&1)
	}
	return price
}

func (t *priceTable) reverseTree(p []prob, n uint, value uint32) uint32 {
	price, m := uint32(0), uint32(1)
	for range n {
		b := value & 1
		value >>= 1
		price += t.of(p[m], b)
		m = m<<1 | b
	}
	return price
}

func (t *priceTable) literal(p *literals, b byte) uint32 {
	price := uint32(0)
	for value := uint32(b) | 0x100; value > 1; value >>= 1 {
		price += t.of(p[value>>1], value&1)
	}
	return price
}

func (t *priceTable) matchedLiteral(p *literals, b, other byte) uint32 {
	price := uint32(0)
	offset, o, symbol := uint32(0x100), uint32(other), uint32(b)|0x100
	for symbol < 0x10000 {
		o <<= 1
		price += t.of(p[(offset+o&offset+symbol>>8)%0x300], symbol>>7&1)
		symbol <<= 1
		offset &= ^(o ^ symbol)
	}
	return price
}

// update computes the tables anew.
func (t *priceTable) update(m *model, posStates int) {
	t.lengths(&t.length, &m.length, posStates)
	t.lengths(&t.repLen, &m.repLen, posStates)
	for i := range t.align {
		t.align[i] = t.reverseTree(m.align[:], alignBits, uint32(i))
	}
	var low [fullDistances]uint32
	for d := firstModelSlot; d < fullDistances; d++ {
		slot := distanceSlot(uint32(d))
		n := uint(slot>>1 - 1)
		base := (2 | slot&1) << n
		low[d] = t.reverseTree(m.special[base-slot:], n, uint32(d)-base)
	}
	for s := range t.slot {
		for slot := range uint32(64) {
			price := t.tree(m.slot[s][:], slotBits, slot)
			if slot >= endModelSlot {
				price += (slot>>1 - 1 - alignBits) << priceShift
			}
			t.slot[s][slot] = price
		}
		for d := range uint32(fullDistances) {
			t.distance[s][d] = t.slot[s][distanceSlot(d)] + low[d]
		}
	}
}

func (t *priceTable) lengths(table *[maxPosStates][maxLength]uint32, l *lengthModel, posStates int) {
	short := t.zero(l.choice[0])
	long := t.one(l.choice[0])
	mid, high := long+t.zero(l.choice[1]), long+t.one(l.choice[1])
	for i := range uint32(256) {
		price := high + t.tree(l.high[:], 8, i)
		for s := range posStates {
			table[s][minMatch+16+i] = price
		}
	}
	for s := range posStates {
		for i := range uint32(8) {
			table[s][minMatch+i] = short + t.tree(l.low[s][:], 3, i)
			table[s][minMatch+8+i] = mid + t.tree(l.mid[s][:], 3, i)
		}
	}
}

// distanceOf is the price of a distance, less one, for a match of a length.
func (t *priceTable) distanceOf(distance uint32, length int) uint32 {
	s := min(length-minMatch, lenStates-1)
	if distance < fullDistances {
		return t.distance[s][distance]
	}
	return t.slot[s][distanceSlot(distance)] + t.align[distance&(1<<alignBits-1)]
}

// distanceSlot is the class of a distance, less one: its length in bits and the
// bit behind the first.
func distanceSlot(d uint32) uint32 {
	if d < firstModelSlot {
		return d
	}
	n := uint32(bits.Len32(d)) - 1
	return n<<1 | d>>(n-1)&1
}
