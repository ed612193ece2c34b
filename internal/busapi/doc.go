// Package busapi is the D-Bus interface of apt-ostree: the daemon that changes a system for callers who may
// not do it themselves, and the client of it that the command line is.
//
// interface.xml is the single source of the interfaces. A method call becomes a [txn.Change] through one table
// of keys; what the caller must be allowed is derived from that same Change, so nothing can be executed that was
// not asked permission for. The change is then a transaction: it waits on a private socket until its client
// calls Start, and tells it everything until Finished.
//
// The names of objects, interfaces and errors, and what the methods mean, follow rpm-ostree, so that a front end
// of the one is a front end of the other but for names; [Compat] even gives it those.
package busapi
