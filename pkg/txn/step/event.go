package step

import "time"

// An Event is one sentence of the story of a run: [Started], [StepStarted],
// [Progress], [Message], [StepFinished], [StepUndone] or [Finished].
type Event interface {
	// Kind is the name of the event in machine-readable output.
	Kind() string

	event()
}

// A Reporter listens to a run. Report is called from one goroutine at a time,
// in the order of the events. Run returns after the last call.
type Reporter interface {
	Report(e Event)
}

// ReporterFunc is a function as a Reporter.
type ReporterFunc func(Event)

// Report calls f.
func (f ReporterFunc) Report(e Event) { f(e) }

// Started is the first event.
type Started struct {
	// Steps are the names of all steps in order.
	Steps []string
}

// StepStarted says that a step begins.
type StepStarted struct {
	Step string
	// Index counts from 0.
	Index int
}

// Unit is what Progress counts.
type Unit string

// The units. Bytes are for showing with a prefix and a rate.
const (
	Bytes Unit = "bytes"
	Items Unit = "items"
)

// Progress says how far the running step is.
type Progress struct {
	Step string
	// Item is what is being worked on, such as a package; may be empty.
	Item string
	// Done of Total, in Unit. Total is zero while it is not known.
	Done, Total int64
	Unit        Unit
	// Percent is the progress of the whole run, from 0 to 100. It never goes
	// back.
	Percent float64
}

// Level says how much a Message matters.
type Level int

// The levels.
const (
	Info Level = iota
	Warning
)

// String names the level.
func (l Level) String() string {
	if l == Warning {
		return "warning"
	}
	return "info"
}

// Message is something the user should read.
type Message struct {
	Step  string
	Level Level
	Text  string
}

// StepFinished says that a step ended.
type StepFinished struct {
	Step    string
	Elapsed time.Duration
	// Err is nil if the step succeeded.
	Err error
	// Percent is the progress of the whole run.
	Percent float64
}

// StepUndone says that a finished step was taken back.
type StepUndone struct {
	Step string
	// Err is nil if that succeeded.
	Err error
}

// Finished is the last event.
type Finished struct {
	// Err is what Run returns.
	Err error
	// Elapsed is how long the run took.
	Elapsed time.Duration
}

// Kind is "started".
func (Started) Kind() string { return "started" }

// Kind is "step-started".
func (StepStarted) Kind() string { return "step-started" }

// Kind is "progress".
func (Progress) Kind() string { return "progress" }

// Kind is "message".
func (Message) Kind() string { return "message" }

// Kind is "step-finished".
func (StepFinished) Kind() string { return "step-finished" }

// Kind is "step-undone".
func (StepUndone) Kind() string { return "step-undone" }

// Kind is "finished".
func (Finished) Kind() string { return "finished" }

func (Started) event()      {}
func (StepStarted) event()  {}
func (Progress) event()     {}
func (Message) event()      {}
func (StepFinished) event() {}
func (StepUndone) event()   {}
func (Finished) event()     {}
