package xz

const (
	// niceLength is the length from which on a match is taken without looking
	// for anything better.
	niceLength = 64
	// maxPlan is how many bytes are planned at once.
	maxPlan = 2048
)

// A planner finds the cheapest way to encode the next bytes. A node is a
// position with the cheapest way to get there that is known so far.
type planner struct {
	nodes [maxPlan + maxMatch + 1]node
	plan  []symbol // what is to be encoded next, last symbol first
	found []match  // at the position foundAt
	// foundAt is a position whose matches are known already.
	foundAt int
}

type node struct {
	price  uint32
	length uint32 // of the symbol that ends here
	back   uint32
	state  uint32
	reps   [4]uint32
}

// nextSymbol returns what is to be encoded at a position.
func (e *encoder) nextSymbol(at int) symbol {
	if len(e.plan) == 0 {
		e.updatePrices()
		e.makePlan(at)
	}
	s := e.plan[len(e.plan)-1]
	e.plan = e.plan[:len(e.plan)-1]
	return s
}

// matchesAt finds the matches at a position, unless they are known.
func (e *encoder) matchesAt(at int) []match {
	if e.foundAt != at {
		e.found, e.foundAt = e.matches(e.found[:0], at), at
	}
	return e.found
}

// makePlan plans from a position on. It may plan further than it is encoded.
func (e *encoder) makePlan(at int) {
	if s, ok := e.obvious(at, e.reps); ok {
		e.plan = append(e.plan, s)
		return
	}
	e.nodes[0] = node{state: e.state, reps: e.reps}
	end := e.relax(at, 0, 0)
	cur := 1
	for ; cur < end && cur < maxPlan; cur++ {
		n := &e.nodes[cur]
		n.arrive(&e.nodes[cur-int(n.length)])
		if list := e.matchesAt(at + cur); len(list) > 0 && list[len(list)-1].length >= niceLength {
			break
		}
		end = e.relax(at, cur, end)
	}
	for cur > 0 {
		n := &e.nodes[cur]
		e.plan = append(e.plan, symbol{int(n.length), n.back})
		cur -= int(n.length)
	}
}

// obvious finds a symbol that needs no plan: a long match, or a byte where there
// is no match at all.
func (e *encoder) obvious(at int, reps [4]uint32) (symbol, bool) {
	list := e.matchesAt(at)
	here := e.data[at:min(at+maxMatch, len(e.data))]
	best, which := 0, uint32(0)
	for i, r := range reps {
		from := at - int(r) - 1
		if from < 0 {
			continue
		}
		if n := same(e.data[from:], here); n > best {
			best, which = n, uint32(i)
		}
	}
	if best >= niceLength {
		return symbol{best, which}, true
	}
	if len(list) > 0 {
		if last := list[len(list)-1]; last.length >= niceLength {
			return symbol{last.length, last.distance + backReps}, true
		}
	}
	return symbol{1, backLiteral}, best == 0 && len(list) == 0
}

// arrive completes a node that will not change any more.
func (n *node) arrive(from *node) {
	n.state, n.reps = from.state, from.reps
	switch {
	case n.back == backLiteral:
		n.state = afterLiteral(n.state)
	case n.back >= backReps:
		n.state = after(n.state, 7, 10)
		n.reps = [4]uint32{n.back - backReps, n.reps[0], n.reps[1], n.reps[2]}
	case n.length == 1:
		n.state = after(n.state, 9, 11)
	default:
		n.state = after(n.state, 8, 11)
		n.reps = rotate(n.reps, n.back)
	}
}

// relax tries every symbol at a node and returns the last node that can be
// reached.
func (e *encoder) relax(start, cur, end int) int {
	at := start + cur
	n := &e.nodes[cur]
	t := e.prices
	here := e.data[at:min(at+maxMatch, len(e.data))]
	if len(here) == 0 {
		return end
	}
	posState := uint32(at) & posMask
	isMatch := e.match[n.state][posState]

	if end == cur {
		end++
		e.nodes[end].price = noPrice
	}
	next := &e.nodes[cur+1]
	price := n.price + t.zero(isMatch)
	matched := byte(0)
	hasRep := at > int(n.reps[0])
	if hasRep {
		matched = e.data[at-int(n.reps[0])-1]
	}
	if n.state < statesLiteral {
		price += t.literal(e.literalModel(at), here[0])
	} else {
		price += t.matchedLiteral(e.literalModel(at), here[0], matched)
	}
	if price < next.price {
		next.price, next.length, next.back = price, 1, backLiteral
	}

	price = n.price + t.one(isMatch)
	repPrice := price + t.one(e.rep[n.state])
	if hasRep && matched == here[0] {
		p := repPrice + t.zero(e.rep0[n.state]) + t.zero(e.rep0Long[n.state][posState])
		if p < next.price {
			next.price, next.length, next.back = p, 1, 0
		}
	}
	if len(here) < minMatch {
		return end
	}
	first := minMatch
	for i := range n.reps {
		from := at - int(n.reps[i]) - 1
		if from < 0 || e.data[from] != here[0] {
			continue
		}
		length := same(e.data[from:], here)
		if length < minMatch {
			continue
		}
		end = e.reach(end, cur+length)
		p := repPrice + e.repPrice(n.state, posState, uint32(i))
		lengths := &t.repLen[posState]
		for l := minMatch; l <= length; l++ {
			to := &e.nodes[cur+l]
			if q := p + lengths[l]; q < to.price {
				to.price, to.length, to.back = q, uint32(l), uint32(i)
			}
		}
		if i == 0 {
			first = length + 1
		}
	}
	price += t.zero(e.rep[n.state])
	lengths := &t.length[posState]
	for _, m := range e.matchesAt(at) {
		if m.length < first {
			continue
		}
		end = e.reach(end, cur+m.length)
		for l := first; l <= m.length; l++ {
			to := &e.nodes[cur+l]
			if q := price + lengths[l] + t.distanceOf(m.distance, l); q < to.price {
				to.price, to.length, to.back = q, uint32(l), m.distance+backReps
			}
		}
		first = m.length + 1
	}
	return end
}

// reach makes nodes up to one that can be reached now.
func (e *encoder) reach(end, to int) int {
	for end < to {
		end++
		e.nodes[end].price = noPrice
	}
	return end
}

func (e *encoder) repPrice(state, posState, i uint32) uint32 {
	t := e.prices
	if i == 0 {
		return t.zero(e.rep0[state]) + t.one(e.rep0Long[state][posState])
	}
	p := t.one(e.rep0[state])
	if i == 1 {
		return p + t.zero(e.rep1[state])
	}
	return p + t.one(e.rep1[state]) + t.of(e.rep2[state], i-2)
}
