package step

import (
	"fmt"
	"sync"
)

// A Task is how a running step tells of itself. It is safe for concurrent use
// and useless after the step has ended. A nil Task reports to nobody, so a
// step's function can be called on its own.
type Task struct {
	step  string
	queue *queue
	meter *meter
}

// Progress reports that done of total are done, in unit; total is zero while
// it is not known. Item is what is being worked on and may be empty.
func (t *Task) Progress(item string, done, total int64, unit Unit) {
	if t == nil {
		return
	}
	t.meter.mu.Lock()
	defer t.meter.mu.Unlock()
	// Added under the meter's lock, so that Percent never goes back in the
	// order of delivery either.
	t.queue.add(Progress{Step: t.step, Item: item, Done: done, Total: total, Unit: unit,
		Percent: t.meter.advance(fraction(done, total))})
}

// Infof tells the user something.
func (t *Task) Infof(format string, args ...any) { t.message(Info, format, args) }

// Warnf tells the user something that may need attention.
func (t *Task) Warnf(format string, args ...any) { t.message(Warning, format, args) }

func (t *Task) message(level Level, format string, args []any) {
	if t == nil {
		return
	}
	t.queue.add(Message{Step: t.step, Level: level, Text: fmt.Sprintf(format, args...)})
}

func fraction(done, total int64) float64 {
	if total <= 0 {
		return 0
	}
	return min(max(float64(done)/float64(total), 0), 1)
}

// A meter turns the fractions of steps into the percentage of the run.
type meter struct {
	mu       sync.Mutex
	total    float64 // of all weights
	finished float64 // of the weights of finished steps
	current  float64 // weight of the running step
	shown    float64
}

func newMeter(steps []Step) *meter {
	m := &meter{}
	for _, s := range steps {
		m.total += weightOf(s)
	}
	return m
}

func weightOf(s Step) float64 { return float64(max(s.Weight, 1)) }

// begin and finish bracket a step.
func (m *meter) begin(s Step) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.current = weightOf(s)
}

func (m *meter) finish(succeeded bool) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if succeeded {
		m.finished += m.current
	}
	m.current = 0
	return m.advance(0)
}

// advance needs mu held.
func (m *meter) advance(fraction float64) float64 {
	if m.total > 0 {
		m.shown = max(m.shown, 100*(m.finished+m.current*fraction)/m.total)
	}
	return m.shown
}
