package xz

// literalByte decodes a byte.
func (d *decoder) literalByte(rc rangeCoder, p *literals) (rangeCoder, byte) {
	m, v := uint64(1), uint64(p[1])
	for m < 0x100 {
		at := m
		m *= 2
		var bit uint64
		rc, p[at], v, bit = rc.choose(v, uint64(p[m]), uint64(p[m+1]))
		m += bit
		rc = d.refill(rc)
	}
	return rc, byte(m)
}

// otherByte decodes a byte after a match. The one that would be next in the match
// is likely another one than this: it chooses the models until the first bit that
// differs.
func (d *decoder) otherByte(rc rangeCoder, p *literals, other uint64) (rangeCoder, byte) {
	// offset is zero from the bit on that differs, and one is it if the next bit of
	// the other byte is one.
	m, offset := uint64(1), uint64(0x100)
	other *= 2
	one := other & offset
	at := offset + one + m
	v := uint64(p[at])
	for m < 0x80 {
		other *= 2
		m *= 2
		same := offset &^ one // the offset after a zero; after a one it is one
		afterZero := p[same+other&same+m]
		afterOne := p[one+other&one+m+1]
		var bit uint64
		rc, p[at], v, bit = rc.choose(v, uint64(afterZero), uint64(afterOne))
		m += bit
		offset &= one ^ (bit - 1)
		one = other & offset
		at = offset + one + m
		rc = d.refill(rc)
	}
	var bit uint64
	rc, p[at], bit = rc.step(v)
	return d.refill(rc), byte(2*m + bit)
}
