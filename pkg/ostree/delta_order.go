package ostree

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Sizes in a superblock are in the byte order of the machine that made it. The
// superblock says which; old ones do not, and then it has to be guessed.

// findOrder finds the order and turns the sizes into what they mean.
func (s *superblock) findOrder() error {
	s.order = binary.LittleEndian
	v, ok := s.metadata.Lookup(deltaEndiannessKey)
	if !ok {
		s.guessed = true
		if s.looksSwapped() {
			s.order = binary.BigEndian
		}
	} else {
		letter, err := v.Byte()
		switch {
		case err != nil:
			return fmt.Errorf("%s: %w", deltaEndiannessKey, err)
		case letter == deltaBigEndian:
			s.order = binary.BigEndian
		case letter != deltaLittleEndian:
			return fmt.Errorf("%s %q is neither %q nor %q", deltaEndiannessKey, letter, deltaLittleEndian, deltaBigEndian)
		}
	}
	if s.order == binary.BigEndian {
		s.swapSizes()
	}
	return nil
}

// looksSwapped guesses like libostree: sizes in the wrong order are absurd. The
// objects have many gigabytes on average, or the part is far larger than they
// are.
func (s *superblock) looksSwapped() bool {
	for _, p := range s.parts {
		if absurdSizes(p.size, p.content, uint64(len(p.objects))) {
			return true
		}
	}
	for _, f := range s.fallbacks {
		if absurdSizes(f.size, f.content, 1) {
			return true
		}
	}
	return false
}

const (
	absurdObjectSize = 4 << 30 // bytes
	absurdRatio      = 1000
	// smallPart is the size up to which a part may consist of nothing but its
	// frame.
	smallPart = 1 << 10
)

func absurdSizes(size, content, objects uint64) bool {
	if objects > 0 && content/objects > absurdObjectSize {
		return true
	}
	return size > smallPart && size/absurdRatio > content
}

func (s *superblock) swapSizes() {
	for i := range s.parts {
		p := &s.parts[i]
		p.size, p.content = bits.ReverseBytes64(p.size), bits.ReverseBytes64(p.content)
	}
	for i := range s.fallbacks {
		f := &s.fallbacks[i]
		f.size, f.content = bits.ReverseBytes64(f.size), bits.ReverseBytes64(f.content)
	}
}
