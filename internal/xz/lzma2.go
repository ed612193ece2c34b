package xz

import "encoding/binary"

// decodeLZMA2 decompresses chunks until the one that ends them. They must fill
// dst. It returns how much of src they take.
func decodeLZMA2(dst, src []byte) (int, error) {
	d := blockDecoder{needDict: true, needProps: true}
	pos := 0 // in src
	out := 0 // in dst
	for {
		if pos >= len(src) {
			return 0, corrupt("end of a block inside of its content")
		}
		if src[pos] == 0 {
			if out != len(dst) {
				return 0, corrupt("%d bytes less than the index says", len(dst)-out)
			}
			return pos + 1, nil
		}
		c, ok := readChunk(src[pos:])
		if !ok || c.packed > len(src)-pos-c.header {
			return 0, corrupt("end of a block inside of its content")
		}
		if c.unpacked > len(dst)-out {
			return 0, corrupt("more bytes than the index says")
		}
		pos += c.header
		if !d.chunk(dst, out, c, src[pos:pos+c.packed]) {
			return 0, corrupt("chunk %d bytes into a block", out)
		}
		pos += c.packed
		out += c.unpacked
	}
}

// A blockDecoder decompresses the chunks of a block.
type blockDecoder struct {
	decoder
	needDict, needProps bool // before the next chunk
}

// begin makes it ready for another block.
func (d *blockDecoder) begin() { d.needDict, d.needProps = true, true }

// chunk decompresses a chunk into dst from the position out on.
func (d *blockDecoder) chunk(dst []byte, out int, c chunk, data []byte) bool {
	if d.needDict && !c.resetDict || d.needProps && !c.raw && !c.newProps {
		return false
	}
	if c.resetDict {
		d.start, d.needDict = out, false
	}
	if c.raw {
		copy(dst[out:], data)
		d.needProps = d.needProps || c.resetDict
		return true
	}
	if c.newProps {
		if !d.setProps(c.props) {
			return false
		}
		d.needProps = false
	}
	if c.resetState {
		d.reset()
	}
	return d.decode(dst[:out+c.unpacked], out, data)
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

// readChunk reads the header at the beginning of src.
func readChunk(src []byte) (c chunk, ok bool) {
	switch control := src[0]; {
	case control < chunkLZMA && control > chunkRaw, len(src) < 3:
		return c, false
	case control < chunkLZMA:
		c = chunk{header: 3, raw: true, resetDict: control == chunkRawReset}
		c.unpacked = int(binary.BigEndian.Uint16(src[1:])) + 1
		c.packed = c.unpacked
	case len(src) < 6:
		return c, false
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
	return c, true
}
