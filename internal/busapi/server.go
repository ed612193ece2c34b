package busapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// ServerOptions say what a daemon works on.
type ServerOptions struct {
	// Address is the bus, "unix:path=…".
	Address string
	// Sysroot is the physical root of the system.
	Sysroot string
	// ConfigPath is read at the start and by ReloadConfig.
	ConfigPath string
	// RunDir is for the sockets of transactions, CacheDir for what automatic checks found.
	RunDir, CacheDir string
	// System is the template for the systems that are opened.
	System txn.Options
	// Logger gets one line for everything that is done; nil is none.
	Logger *slog.Logger
	// Authority decides what callers other than root may do; nil is polkit.
	Authority Authority
	// Notify tells the service manager; nil is nobody.
	Notify func(state string)
}

// Server is a daemon on a bus. It is safe for concurrent use.
type Server struct {
	opts ServerOptions
	log  *slog.Logger
	//nolint:containedctx // the life of the daemon, which handlers and transactions share
	ctx context.Context
	end context.CancelCauseFunc

	conn    *dbus.Conn // callers
	fds     *fdConn    // of conn
	out     *dbus.Conn // calls of our own, whose answers may have descriptors
	specs   map[string]*spec
	methods map[string]func(*call) ([]any, error)
	idle    *idle

	mu      sync.Mutex
	config  Config
	state   state
	clients map[string]string // unique name to description
	active  *transaction
	calls   int  // are being answered
	queued  bool // a reboot was asked for: nothing may begin any more

	refreshing sync.Mutex // one reader of the sysroot at a time
	work       sync.WaitGroup
}

// OwnedError says that the name is taken: another daemon runs.
type OwnedError struct{ Name string }

func (e *OwnedError) Error() string {
	return e.Name + ": owned by another process; a daemon is running already"
}

// errIdle ends a daemon with nothing to do.
var errIdle = errors.New("idle")

// Serve answers on the bus until ctx ends or there is nothing to do for the configured time, which is no error.
// Everything that has begun is finished first.
func Serve(ctx context.Context, opts ServerOptions) error {
	s, err := newServer(ctx, opts)
	if err != nil {
		return err
	}
	defer s.close()
	if err := s.refresh(s.ctx); err != nil { //nolint:contextcheck // that of the daemon was made of ctx
		return err
	}
	stop, err := s.watch()
	if err != nil {
		return err
	}
	defer stop()
	if err := s.own(); err != nil {
		return err
	}
	s.notify("READY=1")
	s.log.Info("ready", "sysroot", opts.Sysroot, "names", s.allNames())
	go s.idle.run(s.ctx, func() { s.end(errIdle) }) //nolint:contextcheck // that of the daemon was made of ctx
	select {
	case <-s.ctx.Done():
	case <-s.conn.Context().Done():
		s.end(errors.New("the bus closed the connection"))
	}
	s.notify("STOPPING=1")
	if cause := context.Cause(s.ctx); !errors.Is(cause, errIdle) { //nolint:contextcheck // of the daemon
		s.cancelActive("the daemon stops")
	}
	s.work.Wait()
	if cause := context.Cause(s.ctx); !errors.Is(cause, errIdle) && !errors.Is(cause, context.Canceled) { //nolint:contextcheck // of the daemon
		return cause
	}
	return nil
}

func newServer(ctx context.Context, opts ServerOptions) (*Server, error) {
	config, err := LoadConfig(opts.ConfigPath)
	if err != nil {
		return nil, err
	}
	s := &Server{opts: opts, log: opts.Logger, config: config, clients: map[string]string{}, specs: map[string]*spec{}}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if len(config.Unknown) > 0 {
		s.log.Warn("unknown keys", "file", opts.ConfigPath, "keys", config.Unknown)
	}
	for _, names := range []Names{Native(), Compat()} {
		if s.specs[names.Bus], err = newSpec(names); err != nil {
			return nil, err
		}
	}
	s.methods = s.table()
	s.idle = newIdle(s)
	if err := prepareRunDir(opts.RunDir); err != nil {
		return nil, err
	}
	s.ctx, s.end = context.WithCancelCause(ctx)
	if err := s.connect(); err != nil {
		s.end(err)
		return nil, err
	}
	return s, nil
}

func (s *Server) connect() (err error) {
	s.conn, s.fds, err = dialBus(s.opts.Address, s.called, dbus.WithHandler(handler{server: s}))
	if err != nil {
		return err
	}
	s.out, err = dbus.Connect(s.opts.Address)
	if err != nil {
		return errors.Join(err, s.conn.Close())
	}
	if s.opts.Authority == nil {
		s.opts.Authority = polkit{s.out}
	}
	return s.watchNames()
}

func (s *Server) close() {
	s.end(context.Canceled)
	for _, c := range []*dbus.Conn{s.conn, s.out} {
		if err := c.Close(); err != nil {
			s.log.Debug("closing the bus", "error", err)
		}
	}
}

// own takes the names. That is the last thing before the daemon is ready: who has the name has a system to offer.
func (s *Server) own() error {
	for _, names := range s.allNames() {
		reply, err := s.conn.RequestName(names.Bus, dbus.NameFlagDoNotQueue)
		if err != nil {
			return fmt.Errorf("name %s: %w", names.Bus, err)
		}
		if reply != dbus.RequestNameReplyPrimaryOwner {
			return &OwnedError{names.Bus}
		}
	}
	return nil
}

// allNames are the names that the daemon goes by.
func (s *Server) allNames() []Names {
	if s.compat() {
		return []Names{Native(), Compat()}
	}
	return []Names{Native()}
}

func (s *Server) compat() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.config.RpmOstreeCompatibility
}

func (s *Server) notify(state string) {
	if s.opts.Notify != nil {
		s.opts.Notify(state)
	}
}

// uid asks the bus whose connection a caller is; that does not change while it lasts.
func (s *Server) uid(c *call) (uint32, error) { return s.uidOf(c.ctx, c.sender) }

// uidOf is an error for a connection that is gone.
func (s *Server) uidOf(ctx context.Context, sender string) (uint32, error) {
	var uid uint32
	err := s.out.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.GetConnectionUnixUser", 0, sender).Store(&uid)
	return uid, err
}
