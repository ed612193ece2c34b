package ostree

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/bsdiff"
)

// build makes all pieces and puts them into parts, in the order of the plan.
func (o *deltaOutput) build(ctx context.Context, plan *deltaPlan) error {
	group, groupCtx := errgroup.WithContext(ctx)
	results := plan.pieces(groupCtx, group)
	group.Go(func() error {
		for result := range results {
			select {
			case p := <-result:
				if err := o.add(ctx, plan, p); err != nil {
					return err
				}
			case <-groupCtx.Done():
				return groupCtx.Err()
			}
		}
		return groupCtx.Err()
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return o.finish(ctx, plan)
}

// A job makes the piece at a place of the plan.
type job struct {
	place  int
	result chan<- *piece
}

// pieces makes all pieces, several at a time. It yields for each place of the
// plan, in order, a channel that will have the piece: nil for an object that is
// left out.
func (p *deltaPlan) pieces(ctx context.Context, group *errgroup.Group) <-chan chan *piece {
	workers := runtime.GOMAXPROCS(0)
	jobs := make(chan job)
	ordered := make(chan chan *piece, workers) // bounds how many are ahead
	group.Go(func() error {
		defer close(ordered)
		defer close(jobs)
		for i := range len(p.metadata) + len(p.files) {
			result := make(chan *piece, 1)
			for _, send := range []func() bool{
				func() bool { return send(ctx, ordered, result) },
				func() bool { return send(ctx, jobs, job{i, result}) },
			} {
				if !send() {
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range workers {
		group.Go(func() error {
			var differ bsdiff.Differ
			for j := range jobs {
				if err := ctx.Err(); err != nil {
					return err
				}
				made, err := p.piece(j.place, &differ)
				if err != nil {
					return err
				}
				j.result <- made
			}
			return nil
		})
	}
	return ordered
}

func send[T any](ctx context.Context, to chan<- T, value T) bool {
	select {
	case to <- value:
		return true
	case <-ctx.Done():
		return false
	}
}

// piece makes the piece at a place of the plan.
func (p *deltaPlan) piece(place int, differ *bsdiff.Differ) (*piece, error) {
	if place < len(p.metadata) {
		return p.metadataPiece(p.metadata[place])
	}
	f := &p.files[place-len(p.metadata)]
	made, err := p.filePiece(f, differ)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.path, err)
	}
	return made, nil
}

// add puts a piece into a part, the current one or another if that is full.
func (o *deltaOutput) add(ctx context.Context, plan *deltaPlan, p *piece) error {
	size, err := plan.repo.objectSize(p.object)
	if err != nil {
		return err
	}
	report := plan.report
	report.Loose += size
	if p.patch || len(p.copies) > 0 || !p.source.IsZero() {
		o.compared++
	}
	switch {
	case p.fallback:
		f := DeltaFallback{Object: p.object, Size: uint64(size), Content: uint64(p.info.Size)}
		report.Fallbacks = append(report.Fallbacks, f)
	case p.patch:
		report.Patched++
	case len(p.copies) > 0:
		report.Copied++
		for _, c := range p.copies {
			if c.fromSource {
				report.CopiedBytes += c.size
			}
		}
	}
	if plan.opts.Progress != nil && !p.source.IsZero() {
		plan.opts.Progress(DeltaProgress{Done: o.compared, Total: report.Modified})
	}
	if p.fallback {
		return nil
	}
	if !o.part.empty() && o.part.size()+int64(len(p.payload)) > plan.opts.MaxPart {
		if err := o.seal(ctx, plan); err != nil {
			return err
		}
	}
	o.part.add(p)
	return nil
}

// objectSize is what an object takes in the repository.
func (r *Repo) objectSize(n ObjectName) (int64, error) {
	var size int64
	err := r.store.find(n, func(s *store, path string) error {
		st, err := fsx.StatAt(s.fd, path)
		size = st.Size
		return err
	})
	return size, err
}
