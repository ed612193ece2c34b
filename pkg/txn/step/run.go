package step

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var errAbandoned = errors.New("abandoned by a panic")

// Run does the steps in order. It returns nil if all succeeded; otherwise an
// error that wraps one [*Error] for the step that failed, after the commit
// point for each that failed, and an [*UndoError] for each step that could not
// be undone.
func Run(ctx context.Context, steps []Step, opts Options) error {
	if err := check(steps); err != nil {
		return err
	}
	r := &run{steps: steps, queue: newQueue(opts.Reporter), meter: newMeter(steps), undoTimeout: opts.UndoTimeout}
	if r.undoTimeout <= 0 {
		r.undoTimeout = defaultUndoTimeout
	}
	begin := time.Now()
	err := errAbandoned
	// Deferred, so that a listener sees the end even if a step panics.
	defer func() { r.queue.close(Finished{Err: err, Elapsed: time.Since(begin)}) }()
	r.queue.add(Started{Steps: names(steps)})
	err = r.all(ctx)
	return err
}

// check refuses what is a mistake of the program.
func check(steps []Step) error {
	seen := make(map[string]bool, len(steps))
	commit := ""
	for _, s := range steps {
		switch {
		case s.Name == "" || s.Do == nil:
			return fmt.Errorf("step %q: a step needs a name and something to do", s.Name)
		case seen[s.Name]:
			return fmt.Errorf("step %q: named twice", s.Name)
		case s.Commit && commit != "":
			return fmt.Errorf("step %q: the commit point is %q already", s.Name, commit)
		}
		seen[s.Name] = true
		if s.Commit {
			commit = s.Name
		}
	}
	return nil
}

func names(steps []Step) []string {
	names := make([]string, len(steps))
	for i, s := range steps {
		names[i] = s.Name
	}
	return names
}

// A run is one call of Run.
type run struct {
	steps       []Step
	queue       *queue
	meter       *meter
	undoTimeout time.Duration
}

func (r *run) all(ctx context.Context) error {
	committed := false
	var late []error
	for i, s := range r.steps {
		if committed || s.Commit {
			if err := ctx.Err(); err != nil && !committed {
				return r.fail(ctx, i, context.Cause(ctx))
			}
			ctx = context.WithoutCancel(ctx)
		}
		err := r.one(ctx, i)
		switch {
		case err == nil:
			committed = committed || s.Commit
		case committed:
			late = append(late, &Error{Step: s.Name, Err: err, Committed: true})
		default:
			return r.fail(ctx, i, err)
		}
	}
	if len(late) == 1 {
		return late[0]
	}
	return errors.Join(late...)
}

// one does a step between its two events. A step is not begun under a context
// that has ended.
func (r *run) one(ctx context.Context, i int) error {
	s := r.steps[i]
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	begin := time.Now()
	r.meter.begin(s)
	r.queue.add(StepStarted{Step: s.Name, Index: i})
	err := s.Do(ctx, &Task{step: s.Name, queue: r.queue, meter: r.meter})
	r.queue.add(StepFinished{Step: s.Name, Elapsed: time.Since(begin), Err: err, Percent: r.meter.finish(err == nil)})
	return err
}

// fail undoes the steps before i and returns what there is to say.
func (r *run) fail(ctx context.Context, i int, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.undoTimeout)
	defer cancel()
	var result error = &Error{Step: r.steps[i].Name, Err: err}
	for j := i - 1; j >= 0; j-- {
		s := r.steps[j]
		if s.Undo == nil {
			continue
		}
		undo := s.Undo(ctx)
		r.queue.add(StepUndone{Step: s.Name, Err: undo})
		if undo != nil {
			result = errors.Join(result, &UndoError{Step: s.Name, Err: undo})
		}
	}
	return result
}
