package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// reporter shows the events of a run on standard error: one line that is redrawn on a terminal,
// otherwise one line for each step and one every few seconds of a long one.
func (a *app) reporter() step.Reporter {
	switch {
	case a.progress == progressJSON:
		return &eventReporter{out: a.Err, now: a.now}
	case a.quiet, a.progress == progressNone:
		return nil
	}
	if a.ErrTerminal > 0 {
		return &barReporter{out: a.Err, width: a.ErrTerminal, now: time.Now}
	}
	return &lineReporter{out: a.Err, now: time.Now}
}

// progressMode is the value of --progress.
type progressMode string

// The modes; auto is a line that is redrawn on a terminal and lines for logs elsewhere.
const (
	progressAuto progressMode = "auto"
	progressJSON progressMode = "json"
	progressNone progressMode = "none"
)

// String, Set and Type make it an option.
func (m *progressMode) String() string { return string(*m) }

// Set refuses a value that means nothing.
func (m *progressMode) Set(value string) error {
	if !slices.Contains([]progressMode{progressAuto, progressJSON, progressNone}, progressMode(value)) {
		return fmt.Errorf("not one of %s, %s, %s", progressAuto, progressJSON, progressNone)
	}
	*m = progressMode(value)
	return nil
}

// Type names the values in the help.
func (m *progressMode) Type() string { return "MODE" }

// meter remembers when a step began, for its speed.
type meter struct {
	began time.Time
	last  step.Progress
}

func (m *meter) begin(now time.Time) { *m = meter{began: now} }

// text tells what is done of what, how fast, and how long it will take.
func (m *meter) text(p step.Progress, now time.Time) string {
	m.last = p
	elapsed := now.Sub(m.began).Seconds()
	var parts []string
	if p.Item != "" {
		parts = append(parts, p.Item)
	}
	switch {
	case p.Unit == step.Bytes && p.Total > 0:
		parts = append(parts, size(p.Done)+" of "+size(p.Total))
	case p.Unit == step.Bytes && p.Done > 0:
		parts = append(parts, size(p.Done))
	case p.Total > 0:
		parts = append(parts, fmt.Sprintf("%d of %d", p.Done, p.Total))
	}
	if p.Unit == step.Bytes && elapsed > 0.5 && p.Done > 0 {
		rate := float64(p.Done) / elapsed
		parts = append(parts, size(int64(rate))+"/s")
		if p.Total > p.Done {
			left := time.Duration(float64(p.Total-p.Done) / rate * float64(time.Second))
			parts = append(parts, left.Round(time.Second).String()+" left")
		}
	}
	return strings.Join(parts, ", ")
}

// summary tells what a finished step came to.
func (m *meter) summary(elapsed time.Duration) string {
	seconds := elapsed.Seconds()
	switch p := m.last; {
	case p.Unit == step.Bytes && p.Done > 0 && seconds > 0:
		return fmt.Sprintf("done: %s in %.1f s, %s/s", size(p.Done), seconds, size(int64(float64(p.Done)/seconds)))
	case p.Unit == step.Items && p.Total > 0:
		return fmt.Sprintf("done: %d in %.1f s", p.Total, seconds)
	}
	return fmt.Sprintf("done in %.1f s", seconds)
}

// barReporter redraws one line.
type barReporter struct {
	out   io.Writer
	width int
	now   func() time.Time
	meter meter
}

func (r *barReporter) Report(e step.Event) {
	switch e := e.(type) {
	case step.StepStarted:
		r.meter.begin(r.now())
		r.draw(e.Step + "...")
	case step.Progress:
		r.draw(fmt.Sprintf("[%3.0f%%] %s: %s", e.Percent, e.Step, r.meter.text(e, r.now())))
	case step.Message:
		r.draw(e.Text)
		fmt.Fprintln(r.out)
	case step.StepFinished:
		if e.Err == nil {
			r.draw(e.Step + "... " + r.meter.summary(e.Elapsed))
		}
		fmt.Fprintln(r.out)
	}
}

func (r *barReporter) draw(text string) {
	if runes := []rune(text); len(runes) >= r.width {
		text = string(runes[:r.width-1])
	}
	fmt.Fprintf(r.out, "\r\x1b[K%s", text)
}

// quietTime is how long a step may go on before a line tells how far it is.
const quietTime = 10 * time.Second

// lineReporter prints lines for logs.
type lineReporter struct {
	out   io.Writer
	now   func() time.Time
	meter meter
	told  time.Time
}

func (r *lineReporter) Report(e step.Event) {
	switch e := e.(type) {
	case step.StepStarted:
		r.told = r.now()
		r.meter.begin(r.told)
	case step.Progress:
		text := r.meter.text(e, r.now())
		if r.now().Sub(r.told) >= quietTime {
			r.told = r.now()
			fmt.Fprintf(r.out, "[%3.0f%%] %s: %s\n", e.Percent, e.Step, text)
		}
	case step.Message:
		fmt.Fprintln(r.out, e.Text)
	case step.StepFinished:
		if e.Err == nil {
			fmt.Fprintf(r.out, "%s...%s\n", e.Step, r.meter.summary(e.Elapsed))
		}
	}
}
