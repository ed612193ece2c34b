package ostree

import (
	"fmt"
	"io"
	"sync"
)

// A SkipList names entries that are left out, see [AddOptions]. It may be used
// by several goroutines once it is complete. A nil pointer is a list of none.
type SkipList struct {
	paths map[string]bool

	mu   sync.Mutex
	used map[string]bool
}

// ParseSkipList reads the file of ostree commit --skip-list: one absolute path a
// line.
func ParseSkipList(r io.Reader) (*SkipList, error) {
	s := &SkipList{}
	err := eachLine(r, func(line string) error {
		s.Add(line)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("skip list: %w", err)
	}
	return s, nil
}

// Add puts an absolute path on the list.
func (s *SkipList) Add(path string) {
	if s.paths == nil {
		s.paths, s.used = make(map[string]bool), make(map[string]bool)
	}
	s.paths[path] = true
}

// Unmatched returns, sorted, the paths that no entry had so far.
func (s *SkipList) Unmatched() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return unused(s.paths, s.used)
}

func (s *SkipList) has(path string) bool {
	if s == nil || !s.paths[path] {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used[path] = true
	return true
}

// Has tells whether a path is on the list.
func (s *SkipList) Has(path string) bool { return s.has(path) }
