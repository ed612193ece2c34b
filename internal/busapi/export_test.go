package busapi

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"slices"
)

// Parts of decisions, for tests of their own.
var (
	Rights   = rights
	Required = required
	Encode   = dictOf
	Decode   = decodeDict
)

// Methods are those that have a handler, "INTERFACE.METHOD".
func Methods() []string { return slices.Sorted(maps.Keys((&Server{}).table())) }

// ServePeer answers a peer of a transaction that does nothing, until either side closes, and says whether the peer has
// started it.
func ServePeer(conn *net.UnixConn) (started bool, err error) {
	described, err := newSpec(Native())
	if err != nil {
		return false, err
	}
	server := &Server{log: slog.New(slog.DiscardHandler), specs: map[string]*spec{Native().Bus: described}}
	t := &transaction{server: server, names: Native(), started: make(chan struct{}), finished: make(chan struct{})}
	t.ctx, t.cancel = context.WithCancelCause(context.Background())
	t.peers = &peers{txn: t, path: socketPrefix + "0123456789abcdef", all: map[*peer]bool{}, empty: make(chan struct{}, 1)}
	one := newPeer(t.peers, conn)
	t.peers.all[one] = true
	one.serve()
	return !t.start(), nil
}

// Options are what methods decode their options into.
func Options() []any {
	return []any{
		new(modifiers), new(updateOptions), new(RunOptions), new(upgradeOptions), new(deployOptions), new(rebaseOptions), new(pkgChangeOptions),
		new(triggerOptions), new(finalizeOptions), new(registration),
	}
}
