package bsdiff

import "encoding/binary"

// AppendPatch appends the patch that makes a file of another one, given what
// [Diff] found.
func AppendPatch(dst, old, new []byte, matches []Match) []byte {
	// Numbers stand before a stretch and the bytes without a like behind it, so
	// a file that begins with such bytes begins with an empty stretch.
	if len(matches) == 0 || matches[0].New > 0 {
		matches = append([]Match{{}}, matches...)
	}
	if len(new) == 0 {
		return dst
	}
	if first := matches[0].Old; first != 0 {
		// Every patch begins at the beginning of the old file.
		dst = appendControl(dst, 0, 0, first)
	}
	for i, m := range matches {
		end, seek := len(new), 0
		if i+1 < len(matches) {
			end, seek = matches[i+1].New, matches[i+1].Old-(m.Old+m.Len)
		}
		extra := new[m.New+m.Len : end]
		dst = appendControl(dst, m.Len, len(extra), seek)
		dst = appendDifference(dst, old[m.Old:m.Old+m.Len], new[m.New:])
		dst = append(dst, extra...)
	}
	return dst
}

// PatchSize returns the length of the patch that [AppendPatch] makes of a file
// of the given size.
func PatchSize(size int, matches []Match) int {
	return size + (len(matches)+2)*controlSize // two more than needed at most
}

func appendControl(dst []byte, diff, extra, seek int) []byte {
	dst = appendNumber(dst, diff)
	dst = appendNumber(dst, extra)
	return appendNumber(dst, seek)
}

func appendNumber(dst []byte, n int) []byte {
	if n < 0 {
		return binary.LittleEndian.AppendUint64(dst, uint64(-n)|1<<63)
	}
	return binary.LittleEndian.AppendUint64(dst, uint64(n))
}

// appendDifference appends for each byte of old what must be added to it.
func appendDifference(dst, old, new []byte) []byte {
	start := len(dst)
	dst = append(dst, new[:len(old)]...)
	d := dst[start:]
	for len(old) >= 8 {
		const low = 0x7f7f7f7f7f7f7f7f
		a, b := binary.LittleEndian.Uint64(d), binary.LittleEndian.Uint64(old)
		// The top bit of each byte is set before and put right after, so that
		// nothing is borrowed from the next byte.
		binary.LittleEndian.PutUint64(d, (a|^uint64(low)-b&low)^((a^^b)&^uint64(low)))
		d, old = d[8:], old[8:]
	}
	for i := range old {
		d[i] -= old[i]
	}
	return dst
}
