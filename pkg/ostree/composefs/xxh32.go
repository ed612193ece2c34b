package composefs

import (
	"encoding/binary"
	"math/bits"
)

// xxh32 is the hash of that name, see
// https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md.
func xxh32(text string, seed uint32) uint32 {
	const p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
	p := []byte(text)
	h := seed + p5
	if len(p) >= 16 {
		v := [4]uint32{seed, seed + p2, seed, seed}
		v[0] += p1
		v[0] += p2
		v[3] -= p1
		for ; len(p) >= 16; p = p[16:] {
			for i := range v {
				v[i] = bits.RotateLeft32(v[i]+binary.LittleEndian.Uint32(p[4*i:])*p2, 13) * p1
			}
		}
		h = bits.RotateLeft32(v[0], 1) + bits.RotateLeft32(v[1], 7) + bits.RotateLeft32(v[2], 12) + bits.RotateLeft32(v[3], 18)
	}
	h += uint32(len(text))
	for ; len(p) >= 4; p = p[4:] {
		h = bits.RotateLeft32(h+binary.LittleEndian.Uint32(p)*p3, 17) * p4
	}
	for _, c := range p {
		h = bits.RotateLeft32(h+uint32(c)*p5, 11) * p1
	}
	h = (h ^ h>>15) * p2
	h = (h ^ h>>13) * p3
	return h ^ h>>16
}
