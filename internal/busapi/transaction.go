package busapi

import (
	"cmp"
	"context"
	"errors"
	"os"
	"reflect"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// RunOptions are the options of all methods that change a system.
type RunOptions struct {
	DryRun bool `json:"dry-run,omitempty"`
	Reboot bool `json:"reboot,omitempty"`
	// CommandLine is what the user typed, for titles and the history.
	CommandLine string `json:"initiating-command-line,omitempty"`
	// Unpacker says who unpacks packages; empty is the default.
	Unpacker string `json:"unpacker,omitempty"`
}

// request is what a transaction is to do.
type request struct {
	// method, stateroot, change, liveWant and options are all that counts for two requests to be the same.
	method    string
	stateroot string
	change    txn.Change
	options   RunOptions
	// liveWant is what is to become live: after the change if that is empty, else instead of one.
	liveWant *liveRequest
	// title is for people.
	title string
	// files replace what the caller passed descriptors for; they are owned by the request.
	files map[string][]*os.File
	// work is done instead of planning and applying the change, which it may be about.
	work func(t *transaction, ctx context.Context) error
}

func (r *request) same(other *request) bool {
	return r.method == other.method && r.stateroot == other.stateroot && r.title == other.title && len(r.files)+len(other.files) == 0 &&
		reflect.DeepEqual(r.change, other.change) && reflect.DeepEqual(r.liveWant, other.liveWant) && r.options == other.options
}

func (r *request) close() {
	for _, files := range r.files {
		closeAll(files)
	}
	r.files = nil
}

// transaction is one request on its way: it waits to be started, runs, and is told about until nobody listens.
type transaction struct {
	request
	server  *Server
	names   Names
	object  dbus.ObjectPath
	sender  string
	uid     uint32
	client  string // description
	by      history.Actor
	address string

	ctx    context.Context //nolint:containedctx // the life of the transaction
	cancel context.CancelCauseFunc
	peers  *peers

	started  chan struct{}
	finished chan struct{}

	mu       sync.Mutex
	begun    bool
	plans    [][]byte     // as they were told, for those who come later
	failure  *RemoteError // of a finished one
	progress float64
}

// Reasons to give up.
var (
	errVanished = errors.New("client disconnected before calling Start")
	errLate     = errors.New("client did not call Start in time")
)

// begin makes a transaction for a caller who is allowed it. The same request of the same caller's user joins the
// one that is there; anything else is refused while there is one.
func (s *Server) begin(c *call, r *request) ([]any, error) {
	uid, err := s.uid(c)
	if err != nil {
		r.close()
		return nil, err
	}
	client, err := s.describeCaller(c, "")
	if err != nil {
		r.close()
		return nil, err
	}
	r.change.CallerUnit = s.unit(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.ctx.Err() != nil || s.queued:
		r.close()
		return nil, &UnsupportedError{c.member, "the system is about to restart, or the daemon to stop"}
	case s.active != nil:
		defer r.close()
		if s.active.uid == uid && s.active.same(r) {
			s.active.peers.expect()
			return []any{s.active.address}, nil
		}
		return nil, &BusyError{s.active.title}
	}
	t := &transaction{
		request: *r, server: s, names: c.names, object: c.path, sender: c.sender, uid: uid, client: client,
		started: make(chan struct{}), finished: make(chan struct{}),
	}
	t.by = history.Actor{UID: int(uid), Client: client, Unit: r.change.CallerUnit, CommandLine: oneLine(r.options.CommandLine)}
	t.title = cmp.Or(r.title, oneLine(r.options.CommandLine), r.method)
	t.ctx, t.cancel = context.WithCancelCause(context.WithoutCancel(s.ctx))
	if t.peers, err = listenPeers(t); err != nil {
		r.close()
		return nil, err
	}
	t.peers.expect()
	t.address = "unix:path=" + t.peers.path
	s.active = t
	s.work.Add(1)
	s.log.Info("transaction", "method", t.method, "object", t.object, "title", t.title, "client", client, "address", t.address)
	go t.live(s.config.StartTimeout)
	s.idle.touch()
	return []any{t.address}, nil
}

func (t *transaction) describe() string {
	return t.method + " caller=" + t.sender + " path=" + string(t.object)
}

// live is the life of a transaction.
func (t *transaction) live(startTimeout time.Duration) {
	defer t.server.work.Done()
	t.server.changed(nil)
	if _, err := t.server.uidOf(t.ctx, t.sender); err != nil {
		t.abandon(errVanished) // before the server knew whom to watch
	}
	t.wait(startTimeout)
	err := context.Cause(t.ctx)
	if err == nil {
		err = t.run()
	}
	t.cancel(context.Canceled) // nothing of it is left
	t.close()
	t.end(err)
	t.peers.linger()
}

// wait returns when the transaction was started or given up.
func (t *transaction) wait(timeout time.Duration) {
	var late <-chan time.Time
	if timeout > 0 {
		late = time.After(timeout)
	}
	select {
	case <-t.started:
	case <-t.ctx.Done():
	case <-late:
		t.abandon(errLate)
	}
}

// start begins; it says whether this call did.
func (t *transaction) start() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.begun {
		return false
	}
	t.begun = true
	close(t.started)
	t.server.log.Info("started", "title", t.title)
	return true
}

// abandon gives up a transaction that nobody has started.
func (t *transaction) abandon(why error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.begun {
		t.cancel(why)
	}
}

// cancelActive cancels the running transaction, if there is one.
func (s *Server) cancelActive(why string) bool {
	s.mu.Lock()
	t := s.active
	s.mu.Unlock()
	if t == nil {
		return false
	}
	s.log.Info("canceling", "title", t.title, "why", why)
	t.cancel(context.Canceled)
	return true
}

// end makes room for the next transaction and then tells the listeners how this one ended: whoever hears of it can
// begin another, and sees the system as it is now.
func (t *transaction) end(err error) {
	s := t.server
	if err := s.refresh(context.WithoutCancel(s.ctx)); err != nil {
		s.log.Error("the system cannot be read", "error", err)
	}
	s.changed(func() { s.active = nil })
	t.mu.Lock()
	t.begun = true // nobody begins it any more
	if err != nil {
		t.failure = newFailure(err, t.change)
	}
	t.mu.Unlock()
	if err != nil {
		s.log.Error("transaction failed", "method", t.method, "object", t.object, "error", err)
	} else {
		s.log.Info("transaction successful", "method", t.method, "object", t.object)
	}
	close(t.finished)
	t.tellFinished(t.peers.broadcast)
	s.idle.touch()
}

// changed changes what properties are made of, and tells the bus.
func (s *Server) changed(change func()) {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	if change == nil {
		s.emitActivity()
		return
	}
	s.mu.Lock()
	change()
	s.mu.Unlock()
	s.emitActivity()
}

// emitActivity tells which transaction runs.
func (s *Server) emitActivity() {
	s.mu.Lock()
	all := map[Names]map[string]dbus.Variant{}
	for _, names := range s.namesLocked() {
		p := s.sysrootProperties(names)
		all[names] = map[string]dbus.Variant{"ActiveTransaction": p["ActiveTransaction"], "ActiveTransactionPath": p["ActiveTransactionPath"]}
	}
	s.mu.Unlock()
	for names, changed := range all {
		s.emit(names.Sysroot(), properties+".PropertiesChanged", names.Interface("Sysroot"), changed, []string{})
	}
}
