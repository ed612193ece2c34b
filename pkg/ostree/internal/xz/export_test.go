package xz

// DecodeLZMA2 is the core, without the frame and its checksums.
var DecodeLZMA2 = decodeLZMA2
