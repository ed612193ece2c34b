package bsdiff

// A Match says that a stretch of the new file is like one of the old file. Some
// bytes may differ.
type Match struct {
	New, Old, Len int
}

// A Differ compares files. It keeps its memory for the next ones, and belongs to
// one goroutine at a time. The zero value is ready.
type Differ struct {
	index index
}

// Diff finds stretches of two files that are alike. They are in the order of the
// new file and do not overlap there. What is between them has no like.
//
// It is Percival's method, that tolerates bytes which differ, over another
// search than his: not a sorted list of all suffixes, but a table of the places
// of eight bytes. It takes up to eight bytes of memory per byte of the old file,
// and time in proportion to both.
func (d *Differ) Diff(old, new []byte) []Match {
	d.index.build(old)
	w := &walk{index: &d.index, old: old, new: new}
	for scan := 0; scan < len(new); {
		scan = w.next(scan)
		w.emit(scan)
	}
	d.index.old = nil
	return w.matches
}

// Equal returns how many bytes two slices have in common at the beginning.
func Equal(a, b []byte) int { return matching(a, b) }

// A walk goes through the new file. The alignment is how far a place of the
// new file is from the like of it in the old one.
type walk struct {
	index    *index
	old, new []byte
	matches  []Match

	lastNew, lastOld int // where the stretch begins that is looked for now
	align            int // old minus new
	match, matchLen  int // what next found, in the old file
}

const (
	// better is by how many bytes a match must beat the alignment to end it.
	better = 8
	// enough is how far a match is followed before it is used: without an end to
	// that, files that repeat themselves would take for ever.
	enough = 4 << 10
	// sure is how long a stretch without a difference is, so that nothing better
	// is looked for.
	sure = 32
)

// next walks on from a match until one begins that is better than to go on with
// the alignment. It returns where, or the end of the file.
func (w *walk) next(scan int) int {
	scan += w.matchLen
	score, counted := 0, scan
	for ; scan < len(w.new); scan++ {
		on := w.onAlignment(scan)
		if on >= sure {
			w.match, w.matchLen = scan+w.align, on
		} else {
			w.match, w.matchLen = w.index.longest(w.new[scan:], scan+w.align)
			if on >= w.matchLen {
				w.match, w.matchLen = scan+w.align, on
			}
		}
		for ; counted < scan+w.matchLen; counted++ {
			if w.same(counted) {
				score++
			}
		}
		if w.matchLen > 0 && w.matchLen == score {
			// The alignment goes on: behind what matches, look again.
			scan += w.matchLen - 1
			score, counted = 0, scan+1
			continue
		}
		if w.matchLen > score+better {
			return scan
		}
		if w.same(scan) {
			score--
		}
	}
	w.matchLen = 0
	return len(w.new)
}

// onAlignment returns how many bytes from a place on are the same in the current
// alignment.
func (w *walk) onAlignment(scan int) int {
	at := scan + w.align
	if at < 0 || at >= len(w.old) {
		return 0
	}
	return matching(w.old[at:], w.new[scan:min(scan+enough, len(w.new))])
}

func (w *walk) same(at int) bool {
	o := at + w.align
	return o >= 0 && o < len(w.old) && w.old[o] == w.new[at]
}

// emit extends the stretch that ends and the one that begins at scan towards
// each other, and notes the former.
func (w *walk) emit(scan int) {
	forward := w.forward(scan)
	backward := 0
	if scan < len(w.new) {
		backward = w.backward(scan)
	}
	if overlap := w.lastNew + forward - (scan - backward); overlap > 0 {
		keep := w.split(overlap, forward, scan, backward)
		forward += keep - overlap
		backward -= keep
	}
	if forward > 0 {
		w.matches = append(w.matches, Match{New: w.lastNew, Old: w.lastOld, Len: forward})
	}
	w.lastNew, w.lastOld = scan-backward, w.match-backward
	w.align = w.match - scan
}

// forward returns how far the last stretch goes on with more bytes alike than
// not.
func (w *walk) forward(scan int) int {
	score, best, length := 0, 0, 0
	for i := 0; w.lastNew+i < scan && w.lastOld+i < len(w.old); {
		if w.old[w.lastOld+i] == w.new[w.lastNew+i] {
			score++
		}
		i++
		if score*2-i > best*2-length {
			best, length = score, i
		}
	}
	return length
}

// backward returns how far before scan the next stretch begins.
func (w *walk) backward(scan int) int {
	score, best, length := 0, 0, 0
	for i := 1; scan-i >= w.lastNew && w.match-i >= 0; i++ {
		if w.old[w.match-i] == w.new[scan-i] {
			score++
		}
		if score*2-i > best*2-length {
			best, length = score, i
		}
	}
	return length
}

// split divides bytes that both stretches claim: it returns how many of them go
// to the former.
func (w *walk) split(overlap, forward, scan, backward int) int {
	score, best, keep := 0, 0, 0
	start := forward - overlap
	for i := range overlap {
		if w.new[w.lastNew+start+i] == w.old[w.lastOld+start+i] {
			score++
		}
		if w.new[scan-backward+i] == w.old[w.match-backward+i] {
			score--
		}
		if score > best {
			best, keep = score, i+1
		}
	}
	return keep
}
