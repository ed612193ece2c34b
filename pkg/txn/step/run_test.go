package step_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// A log is what happened, in words.
type log struct {
	mu    sync.Mutex
	lines []string
}

func (l *log) add(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, fmt.Sprintf(format, args...))
}

// Report writes an event into the log.
func (l *log) Report(e step.Event) {
	switch e := e.(type) {
	case step.Started:
		l.add("started %v", e.Steps)
	case step.StepStarted:
		l.add("%d %s", e.Index, e.Step)
	case step.Progress:
		l.add("%s %s %d/%d %s %.0f%%", e.Step, e.Item, e.Done, e.Total, e.Unit, e.Percent)
	case step.Message:
		l.add("%s: %s: %s", e.Level, e.Step, e.Text)
	case step.StepFinished:
		l.add("%s ended after %s: %v, %.0f%%", e.Step, e.Elapsed, e.Err, e.Percent)
	case step.StepUndone:
		l.add("%s undone: %v", e.Step, e.Err)
	case step.Finished:
		l.add("finished after %s: %v", e.Elapsed, e.Err)
	}
}

// steps makes steps that succeed, with their names in the log.
func (l *log) steps(names ...string) []step.Step {
	var steps []step.Step
	for _, name := range names {
		steps = append(steps, step.Step{
			Name: name,
			Do:   func(context.Context, *step.Task) error { l.add("do %s", name); return nil },
			Undo: func(context.Context) error { l.add("undo %s", name); return nil },
		})
	}
	return steps
}

var errBroken = errors.New("broken")

func fails(context.Context, *step.Task) error { return errBroken }

func TestRunTellsTheStory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		steps := []step.Step{
			{Name: "download", Weight: 60, Do: func(_ context.Context, task *step.Task) error {
				task.Progress("a.deb", 10, 20, step.Bytes)
				synctest.Wait()
				time.Sleep(time.Second)
				task.Warnf("slow mirror %d", 7)
				return nil
			}},
			{Name: "build", Weight: 40, Commit: true, Do: func(_ context.Context, task *step.Task) error {
				task.Progress("", 0, 0, step.Items)
				synctest.Wait()
				task.Progress("", 3, 4, step.Items)
				synctest.Wait()
				task.Infof("nearly there")
				return nil
			}},
		}
		require.NoError(t, step.Run(t.Context(), steps, step.Options{Reporter: &l}))
		require.Equal(t, []string{
			"started [download build]",
			"0 download",
			"download a.deb 10/20 bytes 30%",
			"warning: download: slow mirror 7",
			"download ended after 1s: <nil>, 60%",
			"1 build",
			"build  0/0 items 60%",
			"build  3/4 items 90%",
			"info: build: nearly there",
			"build ended after 0s: <nil>, 100%",
			"finished after 1s: <nil>",
		}, l.lines)
	})
}

func TestRunUndoesInReverse(t *testing.T) {
	t.Parallel()
	var l log
	steps := l.steps("a", "b", "c", "d")
	steps[1].Undo = nil
	steps[3].Do = fails
	steps[3].Commit = true
	err := step.Run(t.Context(), steps, step.Options{})
	require.ErrorIs(t, err, errBroken)
	var failed *step.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "d", failed.Step)
	require.False(t, failed.Committed)
	require.EqualError(t, err, "d: broken")
	require.Equal(t, []string{"do a", "do b", "do c", "undo c", "undo a"}, l.lines)
}

func TestRunReportsUndo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		steps := l.steps("a", "b", "c")
		steps[1].Undo = func(context.Context) error { return errors.New("stuck") }
		steps[2].Do = fails
		err := step.Run(t.Context(), steps, step.Options{Reporter: &l})
		require.EqualError(t, err, "c: broken\nundo b: stuck")
		var undo *step.UndoError
		require.ErrorAs(t, err, &undo)
		require.Equal(t, "b", undo.Step)
		require.Equal(t, []string{"b undone: stuck", "a undone: <nil>", "finished after 0s: c: broken\nundo b: stuck"}, l.lines[len(l.lines)-3:])
	})
}

func TestCancelBeforeTheCommitPointUndoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var l log
		ctx, cancel := context.WithCancelCause(t.Context())
		steps := l.steps("a", "wait", "commit")
		steps[0].Undo = func(ctx context.Context) error {
			deadline, ok := ctx.Deadline()
			l.add("undo a: %v, deadline in %s %v", ctx.Err(), time.Until(deadline), ok)
			<-ctx.Done()
			return ctx.Err()
		}
		steps[1].Do = func(ctx context.Context, _ *step.Task) error {
			<-ctx.Done()
			return ctx.Err()
		}
		steps[2].Commit = true
		go func() { time.Sleep(time.Minute); cancel(context.Canceled) }()
		err := step.Run(ctx, steps, step.Options{UndoTimeout: 5 * time.Second})
		require.ErrorIs(t, err, context.Canceled)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, []string{"do a", "undo a: <nil>, deadline in 5s true"}, l.lines)
	})
}

// TestCancelBetweenSteps ends the context in a step that does not look at it.
func TestCancelBetweenSteps(t *testing.T) {
	t.Parallel()
	for _, commit := range []bool{false, true} {
		var l log
		ctx, cancel := context.WithCancel(t.Context())
		steps := l.steps("a", "b")
		steps[0].Do = func(context.Context, *step.Task) error { cancel(); return nil }
		steps[1].Commit = commit
		err := step.Run(ctx, steps, step.Options{Reporter: &l})
		require.ErrorIs(t, err, context.Canceled)
		require.Contains(t, l.lines, "undo a")
		require.NotContains(t, l.lines, "1 b", "a step that did not run was not started")
		require.NotContains(t, l.lines, "do b")
	}
}

func TestCancelFromTheCommitPointOnIsIgnored(t *testing.T) {
	t.Parallel()
	var l log
	ctx, cancel := context.WithCancel(t.Context())
	steps := l.steps("a", "commit", "after")
	steps[1].Commit = true
	steps[1].Do = func(ctx context.Context, _ *step.Task) error {
		cancel()
		return ctx.Err()
	}
	steps[2].Do = func(ctx context.Context, _ *step.Task) error {
		l.add("after: %v", ctx.Err())
		return nil
	}
	require.NoError(t, step.Run(ctx, steps, step.Options{}))
	require.Equal(t, []string{"do a", "after: <nil>"}, l.lines)
}

func TestAfterTheCommitPointTheRestIsRun(t *testing.T) {
	t.Parallel()
	var l log
	steps := l.steps("a", "commit", "x", "y", "z")
	steps[1].Commit = true
	steps[2].Do, steps[3].Do = fails, fails
	err := step.Run(t.Context(), steps, step.Options{})
	require.EqualError(t, err, "the change was made, but x: broken\nthe change was made, but y: broken")
	var failed *step.Error
	require.ErrorAs(t, err, &failed)
	require.True(t, failed.Committed)
	require.Equal(t, []string{"do a", "do commit", "do z"}, l.lines)
}

func TestSlowReporterDoesNotHoldUpTheWork(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var delivered []step.Event
		slow := step.ReporterFunc(func(e step.Event) {
			time.Sleep(time.Hour)
			delivered = append(delivered, e)
		})
		begin := time.Now()
		var worked time.Duration
		steps := []step.Step{{Name: "work", Do: func(_ context.Context, task *step.Task) error {
			for i := range int64(1000) {
				task.Progress("", i+1, 1000, step.Items)
			}
			task.Infof("still delivered")
			for i := range int64(1000) {
				task.Progress("", 1000-i, 1000, step.Items)
			}
			worked = time.Since(begin)
			return nil
		}}}
		require.NoError(t, step.Run(t.Context(), steps, step.Options{Reporter: slow}))
		require.Zero(t, worked)
		var kinds []string
		for _, e := range delivered {
			kinds = append(kinds, e.Kind())
		}
		require.Equal(t, []string{"started", "step-started", "progress", "message", "progress", "step-finished", "finished"}, kinds)
		require.EqualValues(t, 1000, delivered[2].(step.Progress).Done, "the last of the first thousand")
		require.InDelta(t, 100, delivered[4].(step.Progress).Percent, 0.01, "it never goes back")
	})
}

func TestProgressFromManyGoroutines(t *testing.T) {
	t.Parallel()
	var percents []float64
	watch := step.ReporterFunc(func(e step.Event) {
		if p, ok := e.(step.Progress); ok {
			percents = append(percents, p.Percent)
		}
	})
	steps := []step.Step{{Name: "work", Do: func(_ context.Context, task *step.Task) error {
		var all sync.WaitGroup
		for g := range int64(8) {
			all.Go(func() {
				for i := range int64(200) {
					task.Progress("", g*i, 2000, step.Items)
				}
			})
		}
		all.Wait()
		return nil
	}}}
	require.NoError(t, step.Run(t.Context(), steps, step.Options{Reporter: watch}))
	require.NotEmpty(t, percents)
	require.IsNonDecreasing(t, percents)
}

func TestFinishedIsDeliveredWhenAStepPanics(t *testing.T) {
	t.Parallel()
	var l log
	steps := []step.Step{{Name: "a", Do: func(context.Context, *step.Task) error { panic("bug") }}}
	require.PanicsWithValue(t, "bug", func() { _ = step.Run(t.Context(), steps, step.Options{Reporter: &l}) })
	require.Contains(t, l.lines[len(l.lines)-1], "abandoned by a panic")
}

func TestLateReportsAreDropped(t *testing.T) {
	t.Parallel()
	var l log
	var kept *step.Task
	steps := []step.Step{{Name: "a", Do: func(_ context.Context, task *step.Task) error { kept = task; return nil }}}
	require.NoError(t, step.Run(t.Context(), steps, step.Options{Reporter: &l}))
	kept.Infof("too late")
	kept.Progress("", 1, 1, step.Items)
	require.Contains(t, l.lines[len(l.lines)-1], "finished")

	var none *step.Task
	none.Infof("to nobody")
	none.Progress("", 1, 1, step.Items)
}

func TestRunRefusesMistakes(t *testing.T) {
	t.Parallel()
	ok := func(context.Context, *step.Task) error { return nil }
	for reason, steps := range map[string][]step.Step{
		`step "": a step needs a name`:                {{Do: ok}},
		`step "a": a step needs a name and something`: {{Name: "a"}},
		`step "a": named twice`:                       {{Name: "a", Do: ok}, {Name: "a", Do: ok}},
		`step "b": the commit point is "a" already`:   {{Name: "a", Do: ok, Commit: true}, {Name: "b", Do: ok, Commit: true}},
	} {
		require.ErrorContains(t, step.Run(t.Context(), steps, step.Options{}), reason)
	}
	require.NoError(t, step.Run(t.Context(), nil, step.Options{}))
}
