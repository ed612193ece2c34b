package ostree

import (
	"iter"
	"sync"
	"sync/atomic"
)

// An objectSet is a set of objects that several goroutines add to. An object
// that its index lists costs a bit and no lock, others a map entry without
// pointers.
type objectSet struct {
	index *objectIndex          // may be nil
	marks [256][]atomic.Uint32  // a bit for each name of the index
	parts [64]objectSetUnlisted // by checksum, so that they seldom wait for each other
}

type objectSetUnlisted struct {
	mu    sync.Mutex
	known map[Checksum]uint16 // a bit for each type
}

func newObjectSet(index *objectIndex) *objectSet {
	s := &objectSet{index: index}
	if index != nil {
		for i, names := range index.dirs {
			s.marks[i] = make([]atomic.Uint32, (len(names)+31)/32)
		}
	}
	return s
}

// add tells whether the object is new.
func (s *objectSet) add(t ObjectType, c *Checksum) bool {
	if s.index != nil {
		if i, listed := s.index.find(t, c); listed {
			bit := uint32(1) << (i % 32)
			return s.marks[c[0]][i/32].Or(bit)&bit == 0
		}
	}
	p := &s.parts[c[0]%64]
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known == nil {
		p.known = make(map[Checksum]uint16)
	}
	had, bit := p.known[*c], uint16(1)<<t
	p.known[*c] = had | bit
	return had&bit == 0
}

func (s *objectSet) has(n ObjectName) bool {
	if s.index != nil {
		if i, listed := s.index.find(n.Type, &n.Checksum); listed {
			return s.hasListed(n.Checksum[0], i)
		}
	}
	p := &s.parts[n.Checksum[0]%64]
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known[n.Checksum]&(1<<n.Type) != 0
}

// hasListed tells whether an object is in the set, by its place in the index.
func (s *objectSet) hasListed(first byte, i int) bool {
	return s.marks[first][i/32].Load()&(1<<(i%32)) != 0
}

// all lists the objects, those of the index in order and then the others.
// Nothing may be added meanwhile.
func (s *objectSet) all() iter.Seq[ObjectName] {
	return func(yield func(ObjectName) bool) {
		for first := range s.marks {
			for n := range s.listed(byte(first)) {
				if !yield(n) {
					return
				}
			}
		}
		for n := range s.unlisted() {
			if !yield(n) {
				return
			}
		}
	}
}

// listed lists the objects in the index whose checksum begins with a byte.
func (s *objectSet) listed(first byte) iter.Seq[ObjectName] {
	return func(yield func(ObjectName) bool) {
		if s.index == nil {
			return
		}
		for i, n := range s.index.dirs[first] {
			if s.hasListed(first, i) && !yield(n.object()) {
				return
			}
		}
	}
}

// unlisted lists the objects that are not in the index, in no order.
func (s *objectSet) unlisted() iter.Seq[ObjectName] {
	return func(yield func(ObjectName) bool) {
		for i := range s.parts {
			for c, types := range s.parts[i].known {
				for t := ObjectFile; t <= ObjectFileXattrsLink; t++ {
					if types&(1<<t) != 0 && !yield(ObjectName{c, t}) {
						return
					}
				}
			}
		}
	}
}

// len counts the objects. Nothing may be added meanwhile.
func (s *objectSet) len() int {
	n := 0
	for range s.all() {
		n++
	}
	return n
}
