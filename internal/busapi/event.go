package busapi

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// wireEvent is any event of a run as JSON; the kind says which.
type wireEvent struct {
	Steps   []string   `json:"steps,omitempty"`
	Step    string     `json:"step,omitempty"`
	Index   int        `json:"index,omitempty"`
	Item    string     `json:"item,omitempty"`
	Done    int64      `json:"done,omitempty"`
	Total   int64      `json:"total,omitempty"`
	Unit    step.Unit  `json:"unit,omitempty"`
	Percent float64    `json:"percent,omitempty"`
	Level   step.Level `json:"level,omitempty"`
	Text    string     `json:"text,omitempty"`
	// Elapsed is in nanoseconds.
	Elapsed time.Duration `json:"elapsed,omitempty"`
	Error   string        `json:"error,omitempty"`
}

// encodeEvent gives an event as JSON; "" for the last one, which the signal Finished tells.
func encodeEvent(e step.Event) (string, error) {
	var w wireEvent
	switch e := e.(type) {
	case step.Started:
		w.Steps = e.Steps
	case step.StepStarted:
		w.Step, w.Index = e.Step, e.Index
	case step.Progress:
		w = wireEvent{Step: e.Step, Item: e.Item, Done: e.Done, Total: e.Total, Unit: e.Unit, Percent: e.Percent}
	case step.Message:
		w.Step, w.Level, w.Text = e.Step, e.Level, e.Text
	case step.StepFinished:
		w = wireEvent{Step: e.Step, Elapsed: e.Elapsed, Percent: e.Percent, Error: errorText(e.Err)}
	case step.StepUndone:
		w.Step, w.Error = e.Step, errorText(e.Err)
	default:
		return "", nil
	}
	text, err := json.Marshal(w)
	return string(text), err
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// decodeEvent is the reverse; nil for a kind that this program does not know.
func decodeEvent(kind, text string) (step.Event, error) {
	var w wireEvent
	if err := json.Unmarshal([]byte(text), &w); err != nil {
		return nil, err
	}
	var failed error
	if w.Error != "" {
		failed = errors.New(w.Error)
	}
	switch kind {
	case step.Started{}.Kind():
		return step.Started{Steps: w.Steps}, nil
	case step.StepStarted{}.Kind():
		return step.StepStarted{Step: w.Step, Index: w.Index}, nil
	case step.Progress{}.Kind():
		return step.Progress{Step: w.Step, Item: w.Item, Done: w.Done, Total: w.Total, Unit: w.Unit, Percent: w.Percent}, nil
	case step.Message{}.Kind():
		return step.Message{Step: w.Step, Level: w.Level, Text: w.Text}, nil
	case step.StepFinished{}.Kind():
		return step.StepFinished{Step: w.Step, Elapsed: w.Elapsed, Percent: w.Percent, Err: failed}, nil
	case step.StepUndone{}.Kind():
		return step.StepUndone{Step: w.Step, Err: failed}, nil
	}
	return nil, nil
}
