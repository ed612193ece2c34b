package xz

// DecodeLZMA2 is the core, without the frame and its checksums.
var DecodeLZMA2 = decodeLZMA2

// Buffered is how much memory the content takes.
func (z *Reader) Buffered() int { return len(z.buffer) }
