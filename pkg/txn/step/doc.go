// Package step runs a change as a list of named steps that either all take
// effect or are undone, and tells the story of it as ordered events. It knows
// nothing of packages or deployments.
//
// Three nouns carry it:
//
//   - [Step] is a named part of the change, with how to do and how to undo it.
//   - [Event] is one sentence of the story; a [Reporter] listens to it.
//   - [Locked] is the right to change something, which one process has at a
//     time; whoever comes second learns from a [BusyError] who has it.
//
// The first call is [Run]:
//
//	err := step.Run(ctx, []step.Step{
//		{Name: "download", Weight: 60, Do: download},
//		{Name: "build", Weight: 30, Do: build, Undo: discard},
//		{Name: "deploy", Weight: 10, Do: deploy, Commit: true},
//		{Name: "clean up", Do: cleanUp},
//	}, step.Options{Reporter: bar})
//
// # What it promises
//
// A step with Commit set is the commit point. Until it has succeeded, a failed
// step or the end of the context undoes the finished steps, the last first,
// under a context that is not cancelled but has a deadline. From its start on,
// cancellation is ignored, since finishing is the fastest way to a known
// state; once it has succeeded, every remaining step is run even if one fails,
// and nothing is undone.
//
// [Started] is the first event and [Finished] the last on every path, and both
// have been delivered when Run returns. One goroutine delivers them all; a
// slow Reporter does not hold the work up, it only sees fewer [Progress]
// events.
package step
