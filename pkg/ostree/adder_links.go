package ostree

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// linkCache remembers the objects of files that have several names, so that
// each is read once.
type linkCache struct {
	mu   sync.Mutex
	seen map[linkKey]*linkResult
}

// linkKey is one inode with the metadata it gets in the commit; a filter may
// give each name metadata of its own.
type linkKey struct {
	dev, ino uint64
	meta     string
}

type linkResult struct {
	once     sync.Once
	checksum Checksum
	err      error
}

func (l *linkCache) do(st *unix.Stat_t, fi FileInfo, store func() (Checksum, error)) (Checksum, error) {
	if st.Nlink < 2 {
		return store()
	}
	key := linkKey{dev: st.Dev, ino: st.Ino, meta: fmt.Sprint(fi.UID, fi.GID, fi.Mode, fi.Xattrs)}
	l.mu.Lock()
	if l.seen == nil {
		l.seen = map[linkKey]*linkResult{}
	}
	r := l.seen[key]
	if r == nil {
		r = &linkResult{}
		l.seen[key] = r
	}
	l.mu.Unlock()
	r.once.Do(func() { r.checksum, r.err = store() })
	return r.checksum, r.err
}
