package fetch

import (
	"context"
	"sync"
	"time"
)

// A watch cancels a transfer that is too slow. Time during which nobody reads
// does not count: then it is not the server that is slow.
type watch struct {
	cancel context.CancelFunc
	limit  int64 // bytes per period
	period time.Duration
	timer  *time.Timer

	mu      sync.Mutex
	since   time.Time     // of the current wait; zero when nobody waits
	waited  time.Duration // in this period, without the current wait
	bytes   int64         // in this period
	stopped bool
	late    bool // it has cancelled the transfer
}

// newWatch starts a watch and returns the context for the transfer; the wait for
// the response has begun.
func newWatch(ctx context.Context, perSecond int64, period time.Duration) (context.Context, *watch) {
	w := &watch{period: period, limit: int64(float64(perSecond) * period.Seconds())}
	ctx, w.cancel = context.WithCancel(ctx)
	if perSecond > 0 {
		w.since = time.Now()
		w.mu.Lock() // the timer may be faster than the assignment
		w.timer = time.AfterFunc(period, w.look)
		w.mu.Unlock()
	}
	return ctx, w
}

// wait says that somebody waits for bytes.
func (w *watch) wait() {
	if w.timer == nil {
		return
	}
	w.mu.Lock()
	w.since = time.Now()
	w.mu.Unlock()
}

// got says that the wait is over.
func (w *watch) got(n int) {
	if w.timer == nil {
		return
	}
	w.mu.Lock()
	if !w.since.IsZero() {
		w.waited += time.Since(w.since)
	}
	w.since = time.Time{}
	w.bytes += int64(n)
	w.mu.Unlock()
}

// look runs when the period may be over.
func (w *watch) look() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.stopped {
		return
	}
	waited := w.waited
	if !w.since.IsZero() {
		waited += time.Since(w.since)
	}
	switch {
	case waited < w.period:
		w.timer.Reset(max(w.period-waited, time.Millisecond))
	case w.bytes < w.limit:
		w.late = true
		w.cancel()
	default:
		w.waited, w.bytes = 0, 0
		if !w.since.IsZero() {
			w.since = time.Now()
		}
		w.timer.Reset(w.period)
	}
}

// slow says whether the watch has cancelled the transfer.
func (w *watch) slow() bool {
	if w == nil {
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.late
}

// stop ends the watch and what still runs of the transfer.
func (w *watch) stop() {
	if w.timer != nil {
		w.mu.Lock()
		w.stopped = true
		w.timer.Stop()
		w.mu.Unlock()
	}
	w.cancel()
}
