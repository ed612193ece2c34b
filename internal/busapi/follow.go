package busapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// follower is a client's end of the private socket of a transaction.
type follower struct {
	client  *Client
	conn    *dbus.Conn
	signals chan *dbus.Signal
	owners  chan *dbus.Signal
}

// attach connects to a transaction.
func (c *Client) attach(address string) (*follower, error) {
	conn, err := dbus.Dial(address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	f := &follower{client: c, conn: conn, signals: make(chan *dbus.Signal, 64), owners: make(chan *dbus.Signal, 16)}
	conn.Signal(f.signals)
	if err := conn.Auth(nil); err != nil {
		return nil, errors.Join(fmt.Errorf("transaction: %w", err), conn.Close())
	}
	c.conn.Signal(f.owners)
	err = c.conn.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, c.names.Bus))
	if err != nil {
		f.close()
		return nil, err
	}
	return f, nil
}

func (f *follower) close() {
	f.client.conn.RemoveSignal(f.owners)
	f.conn.Close() // the daemon keeps what it does
}

func (f *follower) call(ctx context.Context, method string, args []any, results ...any) error {
	return f.client.explain(f.conn.Object("", "/").CallWithContext(ctx, method, 0, args...).Store(results...))
}

func (f *follower) title(ctx context.Context) (title string, err error) {
	return title, f.call(ctx, properties+".Get", []any{f.client.names.Interface("Transaction"), "Title"}, &title)
}

func (f *follower) cancel(ctx context.Context) error {
	return f.call(ctx, f.client.names.Interface("Transaction")+".Cancel", nil)
}

// Follow starts the transaction at an address, unless it runs already, and tells about it until its end.
func (c *Client) Follow(ctx context.Context, address string, listener Listener) error {
	f, err := c.attach(address)
	if err != nil {
		return err
	}
	defer f.close()
	var started bool
	if err := f.call(ctx, c.names.Interface("Transaction")+".Start", nil, &started); err != nil {
		return err
	}
	return f.follow(ctx, listener)
}

// follow tells about a transaction until its end.
func (f *follower) follow(ctx context.Context, listener Listener) error {
	end := end{}
	done := ctx.Done()
	for {
		select {
		case <-done:
			done = nil // the transaction ends in its own time
			if err := f.cancel(context.WithoutCancel(ctx)); err != nil {
				return err
			}
		case <-f.conn.Context().Done():
			// What came before the end of the connection is still in the queue.
			for {
				select {
				case s, ok := <-f.signals:
					if !ok {
						return &OwnerError{}
					}
					if over, err := f.told(s, &end, listener); over || err != nil {
						return err
					}
				default:
					return &OwnerError{}
				}
			}
		case s := <-f.owners:
			if s == nil || s.Name == "org.freedesktop.DBus.NameOwnerChanged" && len(s.Body) == 3 && s.Body[1] == f.client.owner {
				return &OwnerError{}
			}
		case s, ok := <-f.signals:
			if !ok {
				return &OwnerError{}
			}
			if over, err := f.told(s, &end, listener); over || err != nil {
				return err
			}
		}
	}
}

// end is what is known of a transaction.
type end struct {
	failure *RemoteError
	planned bool // the plan was told; who joins a transaction may be told it twice
}

// told handles one signal; over says that nothing follows.
func (f *follower) told(s *dbus.Signal, end *end, listener Listener) (over bool, err error) {
	switch strings.TrimPrefix(s.Name, f.client.names.Interface("Transaction")+".") {
	case "Finished":
		var success bool
		var message string
		if err := dbus.Store(s.Body, &success, &message); err != nil {
			return true, fmt.Errorf("transaction: %w", err)
		}
		switch {
		case success:
			return true, nil
		case end.failure != nil:
			return true, end.failure
		}
		return true, &RemoteError{Kind: txn.KindOther, Message: message}
	case "Event":
		var kind, document string
		if err := dbus.Store(s.Body, &kind, &document); err != nil {
			return true, fmt.Errorf("transaction: %w", err)
		}
		return false, listener.event(kind, document, end)
	}
	return false, nil
}

// event hands an event on.
func (l Listener) event(kind, document string, end *end) error {
	switch kind {
	case "plan":
		plan := new(txn.Plan)
		if err := json.Unmarshal([]byte(document), plan); err != nil {
			return fmt.Errorf("plan of the transaction: %w", err)
		}
		if l.Plan != nil && !end.planned {
			l.Plan(plan)
		}
		end.planned = true
		return nil
	case "failure":
		end.failure = new(RemoteError)
		return json.Unmarshal([]byte(document), end.failure)
	}
	e, err := decodeEvent(kind, document)
	if err == nil && e != nil && l.Report != nil {
		l.Report.Report(e)
	}
	return err
}
