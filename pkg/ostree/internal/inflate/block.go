package inflate

const (
	maxLit      = 286 // literals, the end of the block, and lengths
	maxDist     = 30
	endOfBlock  = 256
	maxCodeBits = 15
	orderSize   = 19 // codes that code lengths are written in
)

// codeOrder is the order in which the lengths of those codes come, RFC 1951
// section 3.2.7.
const codeOrder = "\x10\x11\x12\x00\x08\x07\x09\x06\x0a\x05\x0b\x04\x0c\x03\x0d\x02\x0e\x01\x0f"

// block reads the head of a block.
func (r *Reader) block() error {
	if r.final {
		r.state = atEnd
		return nil
	}
	head, err := r.read(3)
	if err != nil {
		return err
	}
	r.final = head&1 != 0
	switch head >> 1 {
	case 0:
		return r.startStored()
	case 1:
		r.tables.setFixed()
	case 2:
		if err := r.readTables(); err != nil {
			return err
		}
	default:
		return r.corrupt("a block of an unknown kind")
	}
	r.state = inCodes
	return nil
}

func (r *Reader) startStored() error {
	r.take(r.count & 7)
	size, err := r.read(16)
	if err != nil {
		return err
	}
	check, err := r.read(16)
	if err != nil {
		return err
	}
	if size^check != 0xffff {
		return r.corrupt("a stored block whose size is not what its complement says")
	}
	r.length, r.state = size, inStored
	return nil
}

// stored copies from a stored block. There are no bits left over.
func (r *Reader) stored(out []byte, o int) (int, error) {
	if r.length == 0 {
		r.state = atBlock
		return o, nil
	}
	if err := r.more(); err != nil {
		return o, err
	}
	n := copy(out[o:], r.in[r.pos:min(len(r.in), r.pos+r.length)])
	r.pos += n
	r.length -= n
	return o + n, nil
}

// readTables reads the codes of a block, RFC 1951 section 3.2.7.
func (r *Reader) readTables() error {
	head, err := r.read(14)
	if err != nil {
		return err
	}
	lits, dists, orders := head&31+257, head>>5&31+1, head>>10+4
	if lits > maxLit || dists > maxDist {
		return r.corrupt("too many codes")
	}
	var lengths [maxLit + maxDist]uint8
	for _, symbol := range []byte(codeOrder[:orders]) {
		n, err := r.read(3)
		if err != nil {
			return err
		}
		lengths[symbol] = uint8(n) //nolint:gosec // three bits
	}
	var order orderTable
	if !order.build(lengths[:orderSize]) {
		return r.corrupt("impossible codes of code lengths")
	}
	clear(lengths[:])
	if err := r.readLengths(&order, lengths[:lits+dists]); err != nil {
		return err
	}
	if !r.tables.set(lengths[:lits], lengths[lits:lits+dists]) {
		return r.corrupt("impossible codes")
	}
	return nil
}

func (r *Reader) readLengths(order *orderTable, lengths []uint8) error {
	for i := 0; i < len(lengths); {
		symbol, err := r.readOrder(order)
		if err != nil {
			return err
		}
		if symbol < 16 {
			lengths[i] = uint8(symbol) //nolint:gosec // it is below 16
			i++
			continue
		}
		length, base, bits := uint8(0), 3, uint(3)
		switch symbol {
		case 16:
			if i == 0 {
				return r.corrupt("a code length that repeats nothing")
			}
			length, bits = lengths[i-1], 2
		case 18:
			base, bits = 11, 7
		}
		n, err := r.read(bits)
		if err != nil {
			return err
		}
		if n += base; n > len(lengths)-i {
			return r.corrupt("too many code lengths")
		}
		for range n {
			lengths[i] = length
			i++
		}
	}
	return nil
}

// readOrder decodes one symbol of the code lengths. At the end of the data there
// may be fewer bits than the longest code has.
func (r *Reader) readOrder(order *orderTable) (int, error) {
	for {
		e := order[r.bits&(1<<orderBits-1)]
		if n := uint(e & 15); n != 0 && n <= r.count {
			r.take(n)
			return int(e >> 4), nil
		} else if n == 0 {
			return 0, r.corrupt("a code length that has no code")
		}
		if err := r.need(r.count + 1); err != nil {
			return 0, err
		}
	}
}
