package step

import (
	"context"
	"time"
)

// A Step is one named part of a change.
type Step struct {
	// Name is what users see; unique within one run.
	Name string

	// Weight is the share of the whole run's progress; zero or less counts
	// as 1.
	Weight int

	// Do does it. An error means that it left nothing behind: Undo is not
	// called for a step that failed.
	Do func(ctx context.Context, t *Task) error

	// Undo takes back what Do did; nil if there is nothing to take back. It
	// is called after Do succeeded and a later step, up to the commit point,
	// did not.
	Undo func(ctx context.Context) error

	// Commit marks the commit point. At most one step has it.
	Commit bool
}

// Options configure Run. The zero value reports to nobody.
type Options struct {
	// Reporter receives the events.
	Reporter Reporter

	// UndoTimeout limits undoing all of the steps together; zero means two
	// minutes.
	UndoTimeout time.Duration
}

const defaultUndoTimeout = 2 * time.Minute
