package inflate

import "encoding/binary"

const (
	// inSlack is how much input the fast loop may look at: a refill of eight bytes
	// for each of the two that one round does.
	inSlack = 16
	// inStart is how much it needs for one round at least, with the refill before it.
	inStart = inSlack + 8
	// outSlack is how much one round may write: three literals or two and a match,
	// and what copies in steps of sixteen bytes write too much.
	outSlack = 3 + 258 + 16
)

// codes decodes until out is full or the block ends.
func (r *Reader) codes(out []byte, o int) (int, error) {
	for r.state == inCodes && o < len(out) {
		if len(r.in)-r.pos >= inStart && len(out)-o >= outSlack {
			var err error
			if o, err = r.fast(out, o); err != nil {
				return o, err
			}
			continue
		}
		e, err := r.symbol(r.tables.lit[:], litBits)
		switch {
		case err != nil:
			return o, err
		case e&isLiteral != 0:
			out[o] = byte(e >> 16)
			o++
		case e&isEnd != 0:
			r.state = atBlock
		default:
			if err := r.startMatch(e, o); err != nil {
				return o, err
			}
		}
	}
	return o, nil
}

// symbol decodes one symbol, bit by bit where the data ends.
func (r *Reader) symbol(table []entry, firstBits uint) (entry, error) {
	for {
		e := table[r.bits&(1<<firstBits-1)]
		used := uint(0)
		if e&isPointer != 0 {
			used = firstBits
			e = table[uint64(e>>16)+r.bits>>firstBits&(1<<(e>>8&15)-1)]
		}
		if n := used + uint(e>>8&15); n > used && n <= r.count {
			if e&isOther != 0 && e&isEnd == 0 {
				return 0, r.corrupt("a code without meaning")
			}
			r.take(n)
			return e, nil
		}
		if e == invalid {
			return 0, r.corrupt("a code that does not exist")
		}
		if err := r.need(r.count + 1); err != nil {
			return 0, err
		}
	}
}

// extra reads the bits that follow a code and returns its value.
func (r *Reader) extra(e entry) (int, error) {
	n, err := r.read(uint(e&0xff) - uint(e>>8&15))
	return int(e>>16) + n, err
}

// startMatch reads what follows the code of a length.
func (r *Reader) startMatch(e entry, o int) error {
	length, err := r.extra(e)
	if err != nil {
		return err
	}
	if e, err = r.symbol(r.tables.dist[:], distBits); err != nil {
		return err
	}
	dist, err := r.extra(e)
	if err != nil {
		return err
	}
	if int64(dist) > r.total+int64(o) {
		return r.corrupt("a match before the beginning")
	}
	r.length, r.dist, r.state = length, dist, inMatch
	return nil
}

// match copies what fits of a match, the part in the history first.
func (r *Reader) match(out []byte, o int) int {
	n := min(r.length, len(out)-o)
	r.length -= n
	for before := r.dist - o; n > 0 && before > 0; before = r.dist - o {
		start := len(r.history) - before
		c := copy(out[o:o+n], r.history[start:])
		o += c
		n -= c
	}
	for ; n > 0; n-- {
		out[o] = out[o-r.dist]
		o++
	}
	if r.length == 0 {
		r.state = inCodes
	}
	return o
}

// fast decodes while there is room on both sides.
//
// A round begins with at least 56 bits and with the entry for the first of them. Up
// to two literals take 22 of them, if their codes are in the first table, and the
// code of a length with its extra bits 20; before the distance, which takes 28, they
// are filled up again, and once more before the match is copied: what comes next
// can be looked up while the copy waits for memory.
func (r *Reader) fast(out []byte, o int) (int, error) {
	in, pos := r.in, r.pos
	hold, count := r.bits, r.count
	lit, dist := &r.tables.lit, &r.tables.dist
	inEnd, outEnd := len(in)-inSlack, len(out)-outSlack
	var failure string

	hold |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
	pos += int(63-count) >> 3 //nolint:gosec // count is below 64
	count |= 56
	e := lit[hold&(1<<litBits-1)]
	for pos <= inEnd && o <= outEnd {
		if e&isLiteral != 0 {
			hold >>= e & 63
			count -= uint(e & 63)
			out[o] = byte(e >> 16)
			o++
			e = lit[hold&(1<<litBits-1)]
			if e&isLiteral != 0 {
				hold >>= e & 63
				count -= uint(e & 63)
				out[o] = byte(e >> 16)
				o++
				e = lit[hold&(1<<litBits-1)]
				if e&isLiteral != 0 {
					hold >>= e & 63
					count -= uint(e & 63)
					out[o] = byte(e >> 16)
					o++
					hold |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
					pos += int(63-count) >> 3 //nolint:gosec // count is below 64
					count |= 56
					e = lit[hold&(1<<litBits-1)]
					continue
				}
			}
		}
		if e&isOther != 0 {
			if e&isPointer != 0 {
				hold >>= litBits
				count -= litBits
				e = lit[min(uint64(e>>16)+hold&(1<<(e>>8&15)-1), litSize-1)]
				if e&isLiteral != 0 {
					hold >>= e & 63
					count -= uint(e & 63)
					out[o] = byte(e >> 16)
					o++
					hold |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
					pos += int(63-count) >> 3 //nolint:gosec // count is below 64
					count |= 56
					e = lit[hold&(1<<litBits-1)]
					continue
				}
			}
			if e&isEnd != 0 {
				hold >>= e & 63
				count -= uint(e & 63)
				r.state = atBlock
				break
			}
			if e&isOther != 0 {
				failure = "a code without meaning"
				break
			}
		}
		code := e >> 8 & 15
		length := int(e>>16) + int(hold&(1<<(e&63)-1)>>code) //nolint:gosec // small
		hold >>= e & 63
		count -= uint(e & 63)

		hold |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int(63-count) >> 3 //nolint:gosec // count is below 64
		count |= 56
		e = dist[hold&(1<<distBits-1)]
		if e&isPointer != 0 {
			hold >>= distBits
			count -= distBits
			e = dist[min(uint64(e>>16)+hold&(1<<(e>>8&15)-1), distSize-1)]
		}
		if e&isOther != 0 {
			failure = "a code without meaning"
			break
		}
		code = e >> 8 & 15
		back := int(e>>16) + int(hold&(1<<(e&63)-1)>>code) //nolint:gosec // small
		hold >>= e & 63
		count -= uint(e & 63)

		hold |= binary.LittleEndian.Uint64(in[pos:]) << (count & 63)
		pos += int(63-count) >> 3 //nolint:gosec // count is below 64
		count |= 56
		e = lit[hold&(1<<litBits-1)]
		if back > o {
			if int64(back) > r.total+int64(o) {
				failure = "a match before the beginning"
				break
			}
			r.length, r.dist = length, back
			o = r.match(out, o)
			continue
		}
		end := o + length
		switch from := o - back; {
		case back >= 8:
			// Eight bytes at a time never reach what this match writes. Two such
			// steps are enough for most matches.
			for {
				binary.LittleEndian.PutUint64(out[o:], binary.LittleEndian.Uint64(out[from:]))
				binary.LittleEndian.PutUint64(out[o+8:], binary.LittleEndian.Uint64(out[from+8:]))
				o += 16
				from += 16
				if o >= end {
					break
				}
			}
		case back == 1:
			fill := uint64(out[from]) * 0x0101010101010101
			for o < end {
				binary.LittleEndian.PutUint64(out[o:], fill)
				o += 8
			}
		default:
			for o < end {
				out[o] = out[from]
				o++
				from++
			}
		}
		o = end
	}
	// Whole bytes that were not decoded go back.
	pos -= int(count >> 3) //nolint:gosec // count is below 64
	count &= 7
	r.pos, r.bits, r.count = pos, hold&(1<<count-1), count
	if failure != "" {
		return o, r.corrupt(failure)
	}
	return o, nil
}
