package fetch

import (
	"context"
	"sync"
)

// A Priority orders requests that wait for their turn.
type Priority int

const (
	// Metadata goes first, because it leads to further requests.
	Metadata Priority = iota
	// Content waits for metadata.
	Content
	priorities
)

// A gate lets a number of transfers through at a time, metadata first.
type gate struct {
	mu      sync.Mutex
	free    int
	waiting [priorities][]chan struct{}
}

func newGate(n int) *gate { return &gate{free: n} }

// enter waits for a turn. Without error it must be followed by leave.
func (g *gate) enter(ctx context.Context, p Priority) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	p = min(max(p, Metadata), Content)
	g.mu.Lock()
	if g.free > 0 {
		g.free--
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.waiting[p] = append(g.waiting[p], turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		g.withdraw(p, turn)
		return ctx.Err()
	}
}

// withdraw takes a waiter out, or passes on the turn that it has just been given.
func (g *gate) withdraw(p Priority, turn chan struct{}) {
	g.mu.Lock()
	for i, w := range g.waiting[p] {
		if w == turn {
			g.waiting[p] = append(g.waiting[p][:i], g.waiting[p][i+1:]...)
			g.mu.Unlock()
			return
		}
	}
	g.mu.Unlock()
	g.leave()
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for p := range g.waiting {
		if queue := g.waiting[p]; len(queue) > 0 {
			close(queue[0])
			g.waiting[p] = queue[1:]
			return
		}
	}
	g.free++
}
