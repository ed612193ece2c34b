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
	client *Client
	conn   *dbus.Conn
	told   *inbox
}

// attach connects to a transaction.
func (c *Client) attach(address string) (*follower, error) {
	told := newInbox()
	conn, err := dbus.Dial(address, dbus.WithSignalHandler(told))
	if err != nil {
		return nil, fmt.Errorf("transaction: %w", err)
	}
	if err := conn.Auth(nil); err != nil {
		return nil, errors.Join(fmt.Errorf("transaction: %w", err), conn.Close())
	}
	return &follower{client: c, conn: conn, told: told}, nil
}

func (f *follower) close() {
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
	err = f.call(ctx, c.names.Interface("Transaction")+".Start", nil, &started)
	if err != nil && f.conn.Context().Err() == nil { // else it may have ended before it read the call
		return err
	}
	return f.follow(ctx, listener)
}

// follow tells about a transaction until its end. The daemon closes the connection after the end only, so one that ends
// before says that the daemon is gone.
func (f *follower) follow(ctx context.Context, listener Listener) error {
	end := end{}
	done, closed := ctx.Done(), f.conn.Context()
	for {
		over := closed.Err() != nil // nothing follows what is in the inbox now
		for _, s := range f.told.take() {
			if over, err := f.hear(s, &end, listener); over || err != nil {
				return err
			}
		}
		if over {
			return &OwnerError{}
		}
		select {
		case <-done:
			done = nil // the transaction ends in its own time
			if err := f.cancel(context.WithoutCancel(ctx)); err != nil && closed.Err() == nil {
				return err
			}
		case <-closed.Done():
		case <-f.told.ready:
		}
	}
}

// end is what is known of a transaction.
type end struct {
	failure *RemoteError
	// planned and live say that the plan was told; who joins a transaction may be told it twice.
	planned, live bool
}

// hear handles one signal; over says that nothing follows.
func (f *follower) hear(s *dbus.Signal, end *end, listener Listener) (over bool, err error) {
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
	case "live-plan":
		plan := new(txn.LivePlan)
		if err := json.Unmarshal([]byte(document), plan); err != nil {
			return fmt.Errorf("plan of the transaction: %w", err)
		}
		if l.Live != nil && !end.live {
			l.Live(plan)
		}
		end.live = true
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
