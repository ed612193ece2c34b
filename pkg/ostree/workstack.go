package ostree

import (
	"runtime"
	"sync"
)

// A workStack hands out work to several goroutines, what came last first: in a
// tree that keeps the number of open directories small.
type workStack[T any] struct {
	mu    sync.Mutex
	ready sync.Cond // of mu: there is something to do, or nothing more will be
	todo  []T
	busy  int // goroutines that may find more to do
	err   error
}

// run calls one function for each item from as many goroutines as there are
// processors, until nothing is left or one fails. It hands over more work with add,
// and gets that slice back empty next time. What is not safe for several
// goroutines is made by newWorker for each.
func (s *workStack[T]) run(todo []T, newWorker func() func(item T, add []T) ([]T, error)) error {
	s.ready.L = &s.mu
	s.todo = todo
	if len(todo) == 0 {
		return nil
	}
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() { s.work(newWorker()) })
	}
	workers.Wait()
	return s.err
}

func (s *workStack[T]) work(do func(T, []T) ([]T, error)) {
	var add []T
	var err error
	for item, ok := s.next(nil, false); ok; item, ok = s.next(add, true) {
		if add, err = do(item, add[:0]); err != nil {
			s.fail(err)
			return
		}
	}
}

// next hands in what an item led to, if one was worked at, and takes another.
func (s *workStack[T]) next(add []T, worked bool) (item T, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if worked {
		s.busy--
		s.todo = append(s.todo, add...)
		if len(add) > 1 || s.busy == 0 {
			s.ready.Broadcast()
		}
	}
	for len(s.todo) == 0 && s.busy > 0 && s.err == nil {
		s.ready.Wait()
	}
	if len(s.todo) == 0 || s.err != nil {
		return item, false
	}
	last := len(s.todo) - 1
	item = s.todo[last]
	s.todo = s.todo[:last]
	s.busy++
	return item, true
}

func (s *workStack[T]) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.ready.Broadcast()
}
