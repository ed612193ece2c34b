package ostree

import (
	"context"
	"errors"
	"fmt"
)

// UpdateOptions say how [Repo.UpdateWith] differs from [Repo.Update]. The zero
// value is the same.
type UpdateOptions struct {
	// Resume keeps what was staged if the update fails, and begins with what
	// another one of this boot has left behind: one that failed with Resume, or
	// whose process was killed. An interrupted pull goes on like that. Objects
	// taken over become part of the repository with this update.
	Resume bool
	// NoSync leaves out all syncing, like [Options].NoSync. After a crash objects
	// may be damaged, also such that no ref leads to, and later updates take
	// whatever is there to be whole. So it is only for repositories that go with
	// the crash or are checked after it.
	NoSync bool
	// SyncEach syncs each object when it is written, as core.per-object-fsync
	// does: slower, but other users of the disk wait less.
	SyncEach bool
}

// Update runs fn with a Writer and makes what it wrote visible if it returns
// nil: objects first, then refs. If fn or anything after it fails, nothing
// changes that a reader could see, and what was written is removed. The Writer
// must not be used after fn has returned.
//
// Several processes and goroutines may update one repository at the same time;
// they hold its lock shared, so that prune waits for them. What a process left
// behind that was killed is removed by the next update.
//
// Everything is on disk when Update returns, unless syncing is switched off.
//
// With core.auto-update-summary in the configuration the summary is written anew
// after refs have changed. If only that fails the update stands, and the error
// says so.
func (r *Repo) Update(ctx context.Context, fn func(*Writer) error) error {
	return r.UpdateWith(ctx, fn, UpdateOptions{})
}

// UpdateWith is [Repo.Update] with options.
func (r *Repo) UpdateWith(ctx context.Context, fn func(*Writer) error, opts UpdateOptions) (err error) {
	if err := r.checkWritable(); err != nil {
		return fmt.Errorf("update repository %s: %w", r.path, err)
	}
	unlock, err := r.Lock(ctx, Shared)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	w, err := newWriter(ctx, r, opts)
	if err != nil {
		return fmt.Errorf("update repository %s: %w", r.path, err)
	}
	// What cannot be removed does no harm, and the next update tries again. It
	// comes after something to resume was taken, which it would remove.
	_ = r.cleanTmp()
	if err := w.run(ctx, fn); err != nil {
		return err
	}
	// What was written is visible, so the rest has to follow.
	var errs []error
	for _, fn := range w.after {
		errs = append(errs, fn())
	}
	if r.settings.autoSummary && w.refsChanged && !w.noSummary {
		errs = append(errs, r.regenerateSummary(context.WithoutCancel(ctx), SummaryOptions{}))
	}
	return errors.Join(errs...)
}

// run calls fn and publishes what it wrote. The staging directory goes in any
// case, also when fn panics, unless it is kept to be resumed.
func (w *Writer) run(ctx context.Context, fn func(*Writer) error) (err error) {
	published := false
	defer func() {
		// After the commit point nothing is an error any more.
		if discardErr := w.discard(w.opts.Resume && !published); !published {
			err = errors.Join(err, discardErr)
		}
	}()
	if err := fn(w); err != nil {
		return err
	}
	if before := w.repo.opts.BeforePublish; before != nil {
		if err := before(); err != nil {
			w.interrupted = true
			return err
		}
	}
	if err := w.publish(ctx); err != nil {
		return fmt.Errorf("update repository %s: %w", w.repo.path, err)
	}
	published = true
	return nil
}

func (r *Repo) checkWritable() error {
	if r.settings.mode == ModeBareSplitXattrs && !r.opts.WriteSplitXattrs {
		return fmt.Errorf("mode %s can only be read", r.settings.mode)
	}
	if !r.writable {
		return errors.New("no permission to write")
	}
	return nil
}
