package ostree

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// direntBuffer is the size of what the entries of a directory are read into.
const direntBuffer = 64 << 10

// each calls visit for every object in this store, not in those behind it.
func (s *store) each(ctx context.Context, visit func(ObjectName) error) error {
	buf := make([]byte, direntBuffer)
	for i := range 256 {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.eachIn(byte(i), buf, visit); err != nil {
			return err
		}
	}
	return nil
}

// eachIn does so for the objects whose checksum begins with a byte.
func (s *store) eachIn(first byte, buf []byte, visit func(ObjectName) error) error {
	d, err := fsx.OpenDirAt(s.fd, fmt.Sprintf("%02x", first))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	return fsx.EachName(int(d.Fd()), buf, func(name []byte) error {
		object, ok := parseObjectFile(first, name, s.mode)
		if !ok {
			return nil
		}
		return visit(object)
	})
}

// eachDir calls visit for all 256 first bytes of checksums, from as many
// goroutines as there are processors, each with a buffer for directories.
func eachDir(ctx context.Context, visit func(ctx context.Context, first byte, buf []byte) error) error {
	buffers := sync.Pool{New: func() any { b := make([]byte, direntBuffer); return &b }}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range 256 {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			buf := buffers.Get().(*[]byte)
			defer buffers.Put(buf)
			return visit(ctx, byte(i), *buf)
		})
	}
	return group.Wait()
}

// commits lists the commit objects of this store.
func (s *store) commits(ctx context.Context) ([]Checksum, error) {
	var commits []Checksum
	err := s.each(ctx, func(n ObjectName) error {
		if n.Type == ObjectCommit {
			commits = append(commits, n.Checksum)
		}
		return nil
	})
	return commits, err
}
