package xz

import "encoding/binary"

// decodeLZMA2 decompresses chunks until the one that ends them. They must fill
// dst. It returns how much of src they take.
func decodeLZMA2(dst, src []byte) (int, error) {
	var d decoder
	pos := 0 // in src
	out := 0 // in dst
	needDict, needProps := true, true
	for {
		if pos >= len(src) {
			return 0, corrupt("end of a block inside of its content")
		}
		control := src[pos]
		if control == 0 {
			if out != len(dst) {
				return 0, corrupt("%d bytes less than the index says", len(dst)-out)
			}
			return pos + 1, nil
		}
		c, err := readChunk(src[pos:])
		if err != nil {
			return 0, err
		}
		if c.unpacked > len(dst)-out {
			return 0, corrupt("more bytes than the index says")
		}
		if needDict && !c.resetDict || needProps && !c.raw && !c.newProps {
			return 0, corrupt("chunk without what was to begin before it")
		}
		if c.resetDict {
			d.start, needDict = out, false
		}
		data := src[pos+c.header : pos+c.header+c.packed]
		pos += c.header + c.packed
		if c.raw {
			copy(dst[out:], data)
			if c.resetDict {
				needProps = true
			}
			out += c.unpacked
			continue
		}
		if c.newProps {
			if !d.setProps(c.props) {
				return 0, corrupt("properties %#x", c.props)
			}
			needProps = false
		}
		if c.resetState {
			d.reset()
		}
		if !d.decode(dst[:out+c.unpacked], out, data) {
			return 0, corrupt("chunk %d bytes into a block", out)
		}
		out += c.unpacked
	}
}

// A chunk is the header of some compressed bytes.
type chunk struct {
	header           int // its length
	packed, unpacked int // length of what follows and of what that holds
	raw              bool
	resetDict        bool
	resetState       bool
	newProps         bool
	props            byte
}

// Bits of the first byte of a chunk that is compressed.
const (
	chunkLZMA       = 0x80
	chunkRawReset   = 1
	chunkRaw        = 2
	chunkResetState = 1
	chunkNewProps   = 2
	chunkResetAll   = 3
)

func readChunk(src []byte) (chunk, error) {
	var c chunk
	switch control := src[0]; {
	case control < chunkLZMA && control > chunkRaw:
		return c, corrupt("chunk of kind %d", control)
	case len(src) < 3:
		return c, corrupt("end of a block inside of its content")
	case control < chunkLZMA:
		c = chunk{header: 3, raw: true, resetDict: control == chunkRawReset}
		c.unpacked = int(binary.BigEndian.Uint16(src[1:])) + 1
		c.packed = c.unpacked
	case len(src) < 6:
		return c, corrupt("end of a block inside of its content")
	default:
		reset := control >> 5 & 3
		c = chunk{
			header: 5, unpacked: int(control&0x1f)<<16 + int(binary.BigEndian.Uint16(src[1:])) + 1,
			packed:     int(binary.BigEndian.Uint16(src[3:])) + 1,
			resetState: reset >= chunkResetState, newProps: reset >= chunkNewProps, resetDict: reset == chunkResetAll,
		}
		if c.newProps {
			c.header, c.props = 6, src[5]
		}
	}
	if c.packed > len(src)-c.header {
		return c, corrupt("end of a block inside of its content")
	}
	return c, nil
}
