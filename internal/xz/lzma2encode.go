package xz

import "encoding/binary"

const (
	maxPacked   = 1 << 16
	maxUnpacked = 1 << 21
	// chunkMargin is more than one symbol can add to a chunk.
	chunkMargin = 64
)

// appendLZMA2 compresses data as chunks and ends them.
func (e *encoder) appendLZMA2(out, data []byte) []byte {
	e.beginBlock(data)
	needDict, needProps, needState := true, true, true
	for at := 0; at < len(data); {
		if needState {
			e.resetState()
		}
		start := len(out)
		out = append(out, 0, 0, 0, 0, 0)
		if needProps {
			out = append(out, propsByte)
		}
		body := len(out)
		n := 0
		out, n = e.chunk(out, at)
		packed := len(out) - body
		if packed >= n || packed > maxPacked {
			// Compressing it is of no use.
			out = appendRaw(out[:start], data[at:at+n], needDict)
			at += n
			needDict, needState = false, true
			continue
		}
		control := byte(chunkLZMA) | byte((n-1)>>16)
		switch {
		case needDict:
			control |= chunkResetAll << 5
		case needProps:
			control |= chunkNewProps << 5
		case needState:
			control |= chunkResetState << 5
		}
		out[start] = control
		binary.BigEndian.PutUint16(out[start+1:], uint16(n-1))
		binary.BigEndian.PutUint16(out[start+3:], uint16(packed-1))
		at += n
		needDict, needProps, needState = false, false, false
	}
	return append(out, 0)
}

func (e *encoder) beginBlock(data []byte) {
	e.finder.begin(data)
	e.foundAt = -1
}

// chunk appends one chunk without its header and returns how many bytes it
// holds.
func (e *encoder) chunk(out []byte, at int) ([]byte, int) {
	start, base := at, len(out)
	e.rangeEncoder.begin(out)
	for at < len(e.data) && at-start < maxUnpacked-maxMatch && e.size()-base < maxPacked-chunkMargin {
		s := e.nextSymbol(at)
		e.encodeSymbol(at, s)
		at += s.length
	}
	return e.end(), at - start
}

// appendRaw appends data as it is.
func appendRaw(out, data []byte, resetDict bool) []byte {
	for len(data) > 0 {
		n := min(len(data), maxPacked)
		control := byte(chunkRaw)
		if resetDict {
			control, resetDict = chunkRawReset, false
		}
		out = append(out, control)
		out = binary.BigEndian.AppendUint16(out, uint16(n-1))
		out = append(out, data[:n]...)
		data = data[n:]
	}
	return out
}
