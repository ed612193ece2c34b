package cli

import (
	"encoding/json"
	"io"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// eventReporter prints each event as a line of JSON, for programs that show the progress themselves.
type eventReporter struct {
	out io.Writer
	now func() time.Time
}

// eventLine is one line: "event" is the kind, the other keys are those that the kind has.
type eventLine struct {
	Event   string    `json:"event"`
	Time    time.Time `json:"time"`
	Steps   []string  `json:"steps,omitempty"`
	Step    string    `json:"step,omitempty"`
	Item    string    `json:"item,omitempty"`
	Done    int64     `json:"done,omitempty"`
	Total   int64     `json:"total,omitempty"`
	Unit    step.Unit `json:"unit,omitempty"`
	Percent *float64  `json:"percent,omitempty"`
	Level   string    `json:"level,omitempty"`
	Text    string    `json:"text,omitempty"`
	Seconds *float64  `json:"seconds,omitempty"`
	Error   string    `json:"error,omitempty"`
	// Kind classifies the error of the last event.
	Kind txn.Kind `json:"error-kind,omitempty"`
}

// Report prints an event.
func (r *eventReporter) Report(e step.Event) {
	l := eventLine{Event: e.Kind(), Time: r.now().UTC()}
	failed := func(err error) {
		if err != nil {
			l.Error = err.Error()
		}
	}
	switch e := e.(type) {
	case step.Started:
		l.Steps = e.Steps
	case step.StepStarted:
		l.Step = e.Step
	case step.Progress:
		l.Step, l.Item, l.Done, l.Total, l.Unit, l.Percent = e.Step, e.Item, e.Done, e.Total, e.Unit, &e.Percent
	case step.Message:
		l.Step, l.Level, l.Text = e.Step, e.Level.String(), e.Text
	case step.StepFinished:
		seconds := e.Elapsed.Seconds()
		l.Step, l.Seconds, l.Percent = e.Step, &seconds, &e.Percent
		failed(e.Err)
	case step.StepUndone:
		l.Step = e.Step
		failed(e.Err)
	case step.Finished:
		seconds := e.Elapsed.Seconds()
		l.Seconds = &seconds
		failed(e.Err)
		if e.Err != nil {
			l.Kind = txn.Classify(e.Err)
		}
	}
	line, err := json.Marshal(l)
	if err != nil {
		return // plain data
	}
	_, _ = r.out.Write(append(line, '\n')) // nobody listens any more
}
