package gvariant

// Containers with members of varying size end in framing offsets: the end of
// each such member, as little-endian words all of one width. The width follows
// from the size of the whole container.

// offsetWidth is the width of the offsets in a container of the given size.
func offsetWidth(size int) int {
	switch {
	case size <= 0xff:
		return 1
	case size <= 0xffff:
		return 2
	case uint64(size) <= 0xffffffff:
		return 4
	}
	return 8
}

// widthFor is the smallest width that works for n offsets behind a body.
func widthFor(body, n int) int {
	for _, w := range []int{1, 2, 4} {
		if offsetWidth(body+n*w) <= w {
			return w
		}
	}
	return 8
}

func appendOffset(b []byte, offset, width int) []byte {
	for range width {
		b = append(b, byte(offset))
		offset >>= 8
	}
	return b
}

// offsetAt reads the word at pos. A word that does not fit an int becomes -1,
// which no check accepts.
func offsetAt(data []byte, pos, width int) int {
	var n uint64
	for i := width - 1; i >= 0; i-- {
		n = n<<8 | uint64(data[pos+i])
	}
	if n > uint64(len(data)) {
		return -1
	}
	return int(n)
}

// arrayFrame locates the elements of an array whose elements vary in size.
type arrayFrame struct {
	data  []byte
	align int
	width int
	body  int // where the offsets begin
	count int
}

func frameArray(elem string, data []byte) (arrayFrame, error) {
	f := arrayFrame{data: data, align: alignment(elem)}
	if len(data) == 0 {
		return f, nil
	}
	f.width = offsetWidth(len(data))
	if len(data) < f.width {
		return f, ErrNotNormal
	}
	f.body = offsetAt(data, len(data)-f.width, f.width)
	if f.body < 0 || f.body > len(data)-f.width || (len(data)-f.body)%f.width != 0 {
		return f, ErrNotNormal
	}
	f.count = (len(data) - f.body) / f.width
	return f, nil
}

// bounds returns where the end of the previous element is, and start and end of
// element i. The caller checks them.
func (f arrayFrame) bounds(i int) (prev, start, end int) {
	if i > 0 {
		prev = offsetAt(f.data, f.body+(i-1)*f.width, f.width)
	}
	return prev, alignUp(prev, f.align), offsetAt(f.data, f.body+i*f.width, f.width)
}

// tupleWalk visits the members of a tuple or dictionary entry in order.
type tupleWalk struct {
	data   []byte
	rest   string // types not visited yet
	width  int
	offset int // position of the next framing offset plus its width
	end    int // end of the last member visited
}

func walkTuple(typ string, data []byte) tupleWalk {
	return tupleWalk{data: data, rest: members(typ), width: offsetWidth(len(data)), offset: len(data)}
}

// next returns the type, start and end of the next member. The caller checks
// that end of the previous ≤ start ≤ end ≤ w.offset.
func (w *tupleWalk) next() (typ string, start, end int) {
	typ, w.rest = nextType(w.rest)
	start = alignUp(w.end, alignment(typ))
	switch size := fixedSize(typ); {
	case size > 0:
		end = start + size
	case w.rest == "":
		end = w.offset
	case w.offset < w.width:
		end = -1
	default:
		w.offset -= w.width
		end = offsetAt(w.data, w.offset, w.width)
	}
	w.end = end
	return typ, start, end
}
