package ostree

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// applyDeltaPart makes the objects of one part of a delta. It reads the part
// from r, which may be nil if the part lies in the superblock. Objects that
// exist are not made again. Every object is compared with its checksum.
//
// Several parts may be applied at the same time. Memory is bounded by the size
// of the part, which lies in a file if it is large.
func (w *Writer) applyDeltaPart(ctx context.Context, s *superblock, i int, r io.Reader) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	p, err := w.blobs().openPart(s, i, r)
	if err != nil {
		return fmt.Errorf("static delta %s: part %d: %w", s.name, i, err)
	}
	err = w.cook(ctx, p.partContent, s.parts[i].objects)
	if err := errors.Join(err, p.close()); err != nil {
		return fmt.Errorf("static delta %s: part %d: %w", s.name, i, err)
	}
	return nil
}

// hasDeltaPart tells whether all objects of a part exist, so that it need not be
// fetched.
func (w *Writer) hasDeltaPart(s *superblock, i int) (bool, error) {
	for _, n := range s.parts[i].objects {
		if ok, err := w.store.has(n); !ok || err != nil {
			return false, err
		}
	}
	return true, nil
}

// cook makes the objects of an open part. Objects do not depend on each other.
func (w *Writer) cook(ctx context.Context, p *partContent, objects []ObjectName) error {
	book, err := p.read(objects)
	if err != nil {
		return err
	}
	recipes := book.recipes
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range recipes {
		if groupCtx.Err() != nil {
			break
		}
		group.Go(func() error {
			if err := w.cookObject(groupCtx, &recipes[i]); err != nil {
				return fmt.Errorf("%s: %w", recipes[i].object, err)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	return ctx.Err()
}

func (w *Writer) cookObject(ctx context.Context, r *recipe) error {
	if ok, err := w.store.has(r.object); ok || err != nil {
		return err
	}
	if r.object.Type != ObjectFile {
		return w.cookMetadata(r)
	}
	if r.steps.part == nil {
		c, err := w.writeFile(ctx, r.info, bytes.NewReader(r.whole))
		if err != nil {
			return err
		}
		return sameChecksum(r.object, c)
	}
	content := &deltaContent{w: w, steps: r.steps}
	c, err := w.writeFile(ctx, r.info, content)
	if err = errors.Join(err, content.close()); err != nil {
		return err
	}
	return sameChecksum(r.object, c)
}

func (w *Writer) cookMetadata(r *recipe) error {
	c := Checksum(sha256.Sum256(r.whole))
	if err := sameChecksum(r.object, c); err != nil {
		return err
	}
	if err := checkMetadata(r.object, r.whole); err != nil {
		return err
	}
	return w.putMetaAs(r.object, r.whole)
}
