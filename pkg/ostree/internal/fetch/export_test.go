package fetch

import (
	"context"
	"time"
)

// A Watch is a watch, for tests of what is hard to time with a server.
type Watch struct{ w *watch }

func NewWatch(ctx context.Context, perSecond int64, period time.Duration) Watch {
	_, w := newWatch(ctx, perSecond, period)
	return Watch{w}
}

func (w Watch) Wait()      { w.w.wait() }
func (w Watch) Got(n int)  { w.w.got(n) }
func (w Watch) Slow() bool { return w.w.slow() }
func (w Watch) Stop()      { w.w.stop() }

// A Gate is a gate.
type Gate struct{ g *gate }

func NewGate(n int) Gate                                   { return Gate{newGate(n)} }
func (g Gate) Enter(ctx context.Context, p Priority) error { return g.g.enter(ctx, p) }
func (g Gate) Leave()                                      { g.g.leave() }

// ParseContentRange is parseContentRange.
func ParseContentRange(text string) (start, size int64, ok bool) { return parseContentRange(text) }
