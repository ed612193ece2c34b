package ostree

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// PullProgress is what a pull has done so far. Imported is what came from
// repositories on this machine, fetched what came over the network.
type PullProgress struct {
	FetchedMetadata, FetchedContent     int   // objects
	ImportedMetadata, ImportedContent   int   // objects
	RequestedMetadata, RequestedContent int   // objects that were found to be needed
	ScannedMetadata                     int   // commits and directories that were looked through
	DeltaParts, TotalDeltaParts         int   // done or not needed, and all
	DeltaFallbacks, TotalDeltaFallbacks int   // objects that deltas leave out: not needed, and all
	DeltaSize, TotalDeltaSize           int64 // bytes of both, done or not needed, and all
	TotalDeltaContent                   int64 // bytes of the objects in both
	BytesTransferred                    int64
	ContentBytesWritten                 int64 // before compression
	Elapsed                             time.Duration
}

// PullResult is what a pull has done.
type PullResult struct {
	PullProgress
	Refs    []PulledRef
	Local   bool // everything came from a repository on this machine
	Written WriteStats
}

// A PulledRef is a ref or commit that was pulled.
type PulledRef struct {
	PullRef           // Commit is what was pulled
	Previous Checksum // what the local ref named before; zero if there was none
}

type pullStats struct {
	fetchedMeta, fetchedContent, importedMeta, importedContent atomic.Int64
	requestedMeta, requestedContent, scanned                   atomic.Int64

	deltaParts, deltaPartsTotal, deltaFallbacks, deltaFallbacksTotal atomic.Int64
	deltaSize, deltaSizeTotal, deltaContent                          atomic.Int64
}

func (p *pull) progress() PullProgress {
	s := &p.stats
	progress := PullProgress{
		FetchedMetadata:   int(s.fetchedMeta.Load()),
		FetchedContent:    int(s.fetchedContent.Load()),
		ImportedMetadata:  int(s.importedMeta.Load()),
		ImportedContent:   int(s.importedContent.Load()),
		RequestedMetadata: int(s.requestedMeta.Load()),
		RequestedContent:  int(s.requestedContent.Load()),
		ScannedMetadata:   int(s.scanned.Load()),
		Elapsed:           time.Since(p.started),

		DeltaParts:          int(s.deltaParts.Load()),
		TotalDeltaParts:     int(s.deltaPartsTotal.Load()),
		DeltaFallbacks:      int(s.deltaFallbacks.Load()),
		TotalDeltaFallbacks: int(s.deltaFallbacksTotal.Load()),
		DeltaSize:           s.deltaSize.Load(),
		TotalDeltaSize:      s.deltaSizeTotal.Load(),
		TotalDeltaContent:   s.deltaContent.Load(),
	}
	if p.http != nil {
		progress.BytesTransferred = p.http.session.client.Stats().Bytes
	}
	if w := p.writer.Load(); w != nil {
		progress.ContentBytesWritten = w.Stats().ContentBytesWritten
	}
	return progress
}

func (p *pull) result() *PullResult {
	result := &PullResult{PullProgress: p.progress(), Local: p.local != nil}
	if w := p.writer.Load(); w != nil {
		result.Written = w.Stats()
	}
	for _, t := range p.targets {
		result.Refs = append(result.Refs, PulledRef{PullRef: t.PullRef, Previous: t.previous})
	}
	return result
}

// reportProgress calls the caller's function until the returned one is called.
func (p *pull) reportProgress(ctx context.Context) (stop func()) {
	report := p.opts.Progress
	if report == nil {
		return func() {}
	}
	interval := p.opts.ProgressInterval
	if interval <= 0 {
		interval = time.Second
	}
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				report(p.progress())
			}
		}
	})
	return func() {
		cancel()
		group.Wait()
		report(p.progress())
	}
}
