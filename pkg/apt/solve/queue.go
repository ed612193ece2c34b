package solve

import (
	"cmp"
	"container/heap"
)

// need is a dependency with a choice, or one that may stay unmet: work for a decision.
type need struct {
	of        id
	solutions []id // in order of preference
	rank      rank
	sequence  int32
	cause     cause
	queued    bool
}

// rank is the order in which needs are dealt with.
type rank int8

const (
	requested rank = iota
	required
	kept
	recommended
)

// optional reports whether the need may stay unmet.
func (n *need) optional() bool { return n.rank >= kept }

// queue holds needs by rank, and those of a rank in the order they came up first.
type queue struct{ needs needHeap }

// push adds a need unless it is queued.
func (q *queue) push(n *need) {
	if !n.queued {
		n.queued = true
		heap.Push(&q.needs, n)
	}
}

// pop removes the first need up to a rank, nil if there is none.
func (q *queue) pop(last rank) *need {
	if len(q.needs) == 0 || q.needs[0].rank > last {
		return nil
	}
	n, _ := heap.Pop(&q.needs).(*need)
	n.queued = false
	return n
}

// next returns what to choose for the first need up to a rank that asks for a decision, the root if
// there is none.
func (s *search) next(last rank) id {
	for {
		n := s.queue.pop(last)
		if n == nil {
			return root
		}
		if s.state[n.of].value <= 0 {
			continue // comes again when the package does
		}
		if v := s.open(n); v != root {
			s.queue.push(n) // until it is met
			return v
		}
		s.settled = append(s.settled, settled{n, len(s.limits)})
	}
}

// open returns the preferred solution of a need, or the root if the need is met or cannot be met.
func (s *search) open(n *need) id {
	best := root
	for _, v := range n.solutions {
		switch s.state[v].value {
		case 1:
			return root
		case 0:
			if best == root {
				best = v
			}
		}
	}
	return best
}

// needHeap implements heap.Interface.
type needHeap []*need

func (h needHeap) Len() int { return len(h) }
func (h needHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].rank, h[j].rank), cmp.Compare(h[i].sequence, h[j].sequence)) < 0
}
func (h needHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *needHeap) Push(x any) {
	if n, ok := x.(*need); ok {
		*h = append(*h, n)
	}
}

func (h *needHeap) Pop() any {
	old := *h
	n := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return n
}
