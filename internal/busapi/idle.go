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
		clients, calls, busy, timeout := i.server.occupied()
		var expired <-chan time.Time
		switch {
		case busy != "":
			i.server.notify(fmt.Sprintf("STATUS=clients=%d; txn=%s", clients, busy))
		case calls > 0:
			i.server.notify(fmt.Sprintf("STATUS=clients=%d; calls=%d", clients, calls))
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
			i.retire(ctx)
			end()
			return
		}
	}
}

// retire gives the names back and answers what came before. For whoever calls from then on the bus starts the next
// daemon.
func (i *idle) retire(ctx context.Context) {
	s := i.server
	for _, names := range s.allNames() {
		if _, err := s.conn.ReleaseName(names.Bus); err != nil {
			s.log.Warn("name not given back", "name", names.Bus, "error", err)
		}
	}
	for {
		if _, calls, _, _ := s.occupied(); calls == 0 {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-i.touched:
		}
	}
}

// occupied says how many clients there are, how many calls are being answered, what runs, and how long to stay when
// nothing does.
func (s *Server) occupied() (clients, calls int, busy string, timeout time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.active != nil {
		busy = s.active.describe()
	}
	return len(s.clients), s.calls, busy, s.config.IdleExitTimeout
}

// called and answered count the calls that are being answered: a user may take minutes to type a password.
func (s *Server) called() {
	s.mu.Lock()
	s.calls++
	s.mu.Unlock()
}

func (s *Server) answered() {
	s.mu.Lock()
	s.calls--
	s.mu.Unlock()
	s.idle.touch()
}
