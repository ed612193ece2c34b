package ostree

import (
	"context"
	"fmt"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// ScanInodes notes the inode of every file object, so that files in hard-linked
// checkouts are recognised whoever made them. In a ModeArchive repository
// there is nothing to find: nothing can be a link to a compressed file. Parents
// are looked at too.
func (r *Repo) ScanInodes(ctx context.Context, cache *DevInoCache) error {
	for s := r.store; s != nil; s = s.next {
		if s.mode == ModeArchive {
			continue
		}
		if err := s.scanInodes(ctx, cache); err != nil {
			return fmt.Errorf("scan inodes of repository %s: %w", r.path, err)
		}
	}
	return nil
}

func (s *store) scanInodes(ctx context.Context, cache *DevInoCache) error {
	return eachDir(ctx, func(_ context.Context, first byte, buf []byte) error {
		return s.eachIn(first, buf, func(n ObjectName) error {
			if n.Type != ObjectFile {
				return nil
			}
			st, err := fsx.StatAt(s.fd, objectPath(n, s.mode))
			if err != nil {
				return ignoreNotExist(err) // another process prunes
			}
			cache.Add(st.Dev, st.Ino, n.Checksum)
			return nil
		})
	})
}
