package busapi

import (
	"sync"

	"github.com/godbus/dbus/v5"
)

// inbox keeps the signals of a connection, in their order, until they are read. Those that came before the connection
// ended are still there afterwards, which the handlers of the D-Bus package do not promise.
type inbox struct {
	// ready has an element when something has come.
	ready chan struct{}

	mu      sync.Mutex
	signals []*dbus.Signal
}

func newInbox() *inbox { return &inbox{ready: make(chan struct{}, 1)} }

// DeliverSignal is called by the connection, for one signal after another.
func (i *inbox) DeliverSignal(_, _ string, signal *dbus.Signal) {
	i.mu.Lock()
	i.signals = append(i.signals, signal)
	i.mu.Unlock()
	select {
	case i.ready <- struct{}{}:
	default: // it has been noted already
	}
}

// take gives what has come since the last time.
func (i *inbox) take() []*dbus.Signal {
	i.mu.Lock()
	defer i.mu.Unlock()
	signals := i.signals
	i.signals = nil
	return signals
}
