package cli

import (
	"strings"

	"github.com/coreos/go-systemd/v22/journal"

	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// Journal sends the record of a transaction to the systemd journal, if that is there: the record on the
// disk is what counts.
func Journal(r history.Record) {
	message, fields := r.Journal()
	priority := journal.PriInfo
	if r.Outcome == history.Failed {
		priority = journal.PriErr
	}
	_ = journal.Send(message, priority, fields) // a system without systemd, a chroot, a container
}

// actor is the user of this command line, for the history.
func (a *app) actor() history.Actor {
	words := make([]string, 0, len(a.args)+1)
	for _, w := range append([]string{"apt-ostree"}, a.args...) {
		words = append(words, shellQuote(w))
	}
	by := history.Self(strings.Join(words, " "))
	by.Client = "cli"
	return by
}
