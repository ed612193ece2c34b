package ostree

import (
	"context"
	"runtime"
	"sync"
)

// workers run functions in as many goroutines as there are processors. They stay
// for the next function: starting a goroutine for each of thousands of files costs
// mostly the growth of its stack.
type workers struct {
	todo    chan func() error
	running sync.WaitGroup
	cancel  context.CancelFunc
	once    sync.Once
	err     error
}

// startWorkers also returns a context that ends when a function fails.
func startWorkers(ctx context.Context) (*workers, context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	n := runtime.GOMAXPROCS(0)
	w := &workers{todo: make(chan func() error, 2*n), cancel: cancel}
	for range n {
		w.running.Go(w.work)
	}
	return w, ctx
}

func (w *workers) work() {
	for do := range w.todo {
		if err := do(); err != nil {
			w.once.Do(func() { w.err = err })
			w.cancel()
		}
	}
}

// run hands a function to a worker. It runs also after another one has failed, so
// that it can let go of what it holds.
func (w *workers) run(do func() error) { w.todo <- do }

// wait waits for the functions and returns the first error. It is called once.
func (w *workers) wait() error {
	close(w.todo)
	w.running.Wait()
	w.cancel()
	return w.err
}
