package step

import "sync"

// A queue hands events to a Reporter on a goroutine of its own. Adding never
// blocks: a Progress that was not delivered yet is replaced by the next one
// of the same step.
type queue struct {
	reporter Reporter
	done     chan struct{}

	mu      sync.Mutex
	wake    *sync.Cond
	waiting []Event
	closed  bool
}

func newQueue(r Reporter) *queue {
	if r == nil {
		r = ReporterFunc(func(Event) {})
	}
	q := &queue{reporter: r, done: make(chan struct{})}
	q.wake = sync.NewCond(&q.mu)
	go q.deliver()
	return q
}

// add appends an event. After close it does nothing, which is what a goroutine
// that outlives its step deserves.
func (q *queue) add(e Event) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	if last := len(q.waiting) - 1; last >= 0 && supersedes(e, q.waiting[last]) {
		q.waiting[last] = e
		return
	}
	q.waiting = append(q.waiting, e)
	q.wake.Signal()
}

func supersedes(e, waiting Event) bool {
	next, ok := e.(Progress)
	if !ok {
		return false
	}
	previous, ok := waiting.(Progress)
	return ok && next.Step == previous.Step
}

// close adds the last event and returns when it is delivered.
func (q *queue) close(last Event) {
	q.add(last)
	q.mu.Lock()
	q.closed = true
	q.wake.Signal()
	q.mu.Unlock()
	<-q.done
}

func (q *queue) deliver() {
	defer close(q.done)
	for {
		e, ok := q.next()
		if !ok {
			return
		}
		q.reporter.Report(e)
	}
}

func (q *queue) next() (Event, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.waiting) == 0 {
		if q.closed {
			return nil, false
		}
		q.wake.Wait()
	}
	e := q.waiting[0]
	q.waiting = q.waiting[1:]
	return e, true
}
