package busapi

import (
	"context"
	"fmt"
	"time"
)

// idle ends a daemon that has had nothing to do for a while: no call, no client, no transaction.
type idle struct {
	server  *Server
	touched chan struct{}
}

func newIdle(s *Server) *idle { return &idle{server: s, touched: make(chan struct{}, 1)} }

// touch says that something happened.
func (i *idle) touch() {
	select {
	case i.touched <- struct{}{}:
	default: // it has been noted already
	}
}

// run calls end once the configured time has passed without anything, and keeps the service manager told.
func (i *idle) run(ctx context.Context, end func()) {
	for {
		clients, busy, timeout := i.server.occupied()
		var expired <-chan time.Time
		switch {
		case busy != "":
			i.server.notify(fmt.Sprintf("STATUS=clients=%d; txn=%s", clients, busy))
		case clients > 0 || timeout == 0:
			i.server.notify(fmt.Sprintf("STATUS=clients=%d; idle", clients))
		default:
			i.server.notify(fmt.Sprintf("STATUS=clients=0; idle exit in %d seconds", int(timeout.Seconds())))
			expired = time.After(timeout)
		}
		select {
		case <-ctx.Done():
			return
		case <-i.touched:
		case <-expired:
			i.server.log.Info("exiting due to idle")
			end()
			return
		}
	}
}

// occupied says how many clients there are, what runs, and how long to stay when nothing does.
func (s *Server) occupied() (clients int, busy string, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil {
		busy = s.active.describe()
	}
	return len(s.clients), busy, s.config.IdleExitTimeout
}
