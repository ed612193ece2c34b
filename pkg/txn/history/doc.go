// Package history keeps the records of transactions: who changed a system, how, when, with what
// outcome, and how long each step took. It is what `history` shows and the audit log of a system.
//
// A [Record] is one transaction. A [Store] is the directory that they are in, one file each, which
// everybody may read. [Store.Begin] writes a record before anything is changed and the [Writer] adds
// to it, line by line and synced, so that a record survives whatever ends its transaction: one that has
// no end is [Running] as long as its writer lives and [Interrupted] afterwards.
//
//	w, err := store.Begin(history.Record{Title: "install htop", Actor: who}, now)
//	w.Step(history.Step{Name: "Deploying", Seconds: 1.5})
//	err = w.End(history.End{Outcome: history.Succeeded})
//	records, err := store.List(3)
//
// A Store may be used by several processes at a time; a Writer by one goroutine at a time.
package history
