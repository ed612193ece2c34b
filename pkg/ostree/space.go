package ostree

import (
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// space is how much content an update may write, after what the configuration
// keeps free. Metadata is not counted, as in libostree.
type space struct {
	repo    *Repo
	limited bool
	block   int64
	left    atomic.Int64 // bytes
}

func newSpace(r *Repo) (*space, error) {
	s := &space{repo: r, block: 1}
	if r.settings.minFreeSize == 0 && r.settings.minFreePercent == 0 {
		return s, nil
	}
	var st unix.Statfs_t
	if err := unix.Fstatfs(r.fd, &st); err != nil {
		return nil, fmt.Errorf("free space: %w", err)
	}
	free := int64(st.Bavail)
	if unix.Geteuid() == 0 {
		free = int64(st.Bfree) // root may use what is reserved for it
	}
	s.limited, s.block = true, max(1, st.Bsize)
	if r.settings.minFreeSize > 0 {
		s.left.Store(free*s.block - r.settings.minFreeSize)
	} else {
		s.left.Store((free - int64(st.Blocks)*r.settings.minFreePercent/100) * s.block)
	}
	return s, nil
}

// take counts n bytes that are about to be written.
func (s *space) take(n int64) error {
	if !s.limited || n == 0 {
		return nil
	}
	n = s.blocks(n)
	if left := s.left.Add(-n); left < 0 {
		s.left.Add(n)
		return &SpaceError{Setting: s.repo.settings.spaceSetting(), Path: s.repo.path, Needed: -left}
	}
	return nil
}

// give returns what was taken for an object that turned out to exist.
func (s *space) give(n int64) {
	if s.limited {
		s.left.Add(s.blocks(n))
	}
}

func (s *space) blocks(n int64) int64 { return (n + s.block - 1) / s.block * s.block }
