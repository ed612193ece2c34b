package busapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// Client talks to the daemon on a bus. It is safe for concurrent use.
type Client struct {
	conn  *dbus.Conn
	names Names
}

// OwnerError says that the daemon went away while it was needed.
type OwnerError struct{}

func (*OwnerError) Error() string {
	return "Bus owner changed, aborting. This likely means the daemon crashed; check logs with journalctl -xe"
}

// Dial connects to the daemon on the bus at an address; the bus starts the daemon if it does not run.
func Dial(ctx context.Context, address string) (*Client, error) {
	conn, err := dbus.Connect(address)
	if err != nil {
		return nil, fmt.Errorf("bus %s: %w", address, err)
	}
	c := &Client{conn: conn, names: Native()}
	if err := c.find(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("%s on the bus: %w", c.names.Bus, err), conn.Close())
	}
	return c, nil
}

// find makes sure that there is a daemon: the bus starts it if it does not run. It may end when it has nothing to do,
// so all calls are to its name, for which the bus starts it again.
func (c *Client) find(ctx context.Context) error {
	var running bool
	err := c.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", 0, c.names.Bus).Store(&running)
	if err != nil || running {
		return err
	}
	var started uint32
	return c.conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.StartServiceByName", 0, c.names.Bus, uint32(0)).Store(&started)
}

// Close ends the connection.
func (c *Client) Close() error { return c.conn.Close() }

// call calls a method of an interface, "" for none, and stores its results.
func (c *Client) call(ctx context.Context, path dbus.ObjectPath, method string, args []any, results ...any) error {
	err := c.conn.Object(c.names.Bus, path).CallWithContext(ctx, method, 0, args...).Store(results...)
	return c.explain(err)
}

// explain makes what the bus answers when the daemon is gone an [OwnerError], and other answers a [RemoteError].
func (c *Client) explain(err error) error {
	remote, ok := errors.AsType[dbus.Error](err)
	switch {
	case errors.Is(err, dbus.ErrClosed):
		return &OwnerError{}
	case !ok:
		return err
	}
	switch remote.Name {
	case "org.freedesktop.DBus.Error.NoReply", "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner":
		return &OwnerError{}
	}
	return &RemoteError{Kind: kindOf(c.names, remote.Name), Message: remote.Error()}
}

// kindOf is the reverse of errorName.
func kindOf(names Names, name string) txn.Kind {
	switch name {
	case errAccessDenied:
		return txn.KindPermission
	case errInvalidArgs, errNotSupported:
		return txn.KindRequest
	}
	for _, kind := range []txn.Kind{
		txn.KindBusy, txn.KindNoSpace, txn.KindUntrusted, txn.KindUnavailable, txn.KindNotFound, txn.KindUnsatisfiable,
		txn.KindScriptFailed, txn.KindNotSysroot, txn.KindRequest, txn.KindStale, txn.KindPermission, txn.KindCanceled,
	} {
		if name == names.Errors+kindName(kind) {
			return kind
		}
	}
	return txn.KindOther
}

// Status asks for the state of the system.
func (c *Client) Status(ctx context.Context) (*txn.Status, error) {
	var document string
	if err := c.call(ctx, c.names.Sysroot(), c.names.Interface("Sysroot")+".GetStatus", nil, &document); err != nil {
		return nil, err
	}
	status := new(txn.Status)
	if err := json.Unmarshal([]byte(document), status); err != nil {
		return nil, fmt.Errorf("status of the daemon: %w", err)
	}
	return status, nil
}

// AutomaticUpdatePolicy asks for the policy in the configuration of the daemon.
func (c *Client) AutomaticUpdatePolicy(ctx context.Context) (Policy, error) {
	policy, err := c.property(ctx, "AutomaticUpdatePolicy")
	return Policy(policy), err
}

// property asks for a property of the sysroot that is text.
func (c *Client) property(ctx context.Context, name string) (text string, err error) {
	return text, c.call(ctx, c.names.Sysroot(), properties+".Get", []any{c.names.Interface("Sysroot"), name}, &text)
}

// ReloadConfig has the daemon read its configuration and the system again.
func (c *Client) ReloadConfig(ctx context.Context) error {
	return c.call(ctx, c.names.Sysroot(), c.names.Interface("Sysroot")+".ReloadConfig", nil)
}

// object asks for the object of a stateroot, "" for the default one.
func (c *Client) object(ctx context.Context, stateroot string) (path dbus.ObjectPath, err error) {
	return path, c.call(ctx, c.names.Sysroot(), c.names.Interface("Sysroot")+".GetOS", []any{stateroot}, &path)
}

// Change has the daemon carry out a change, and tells the listener how it goes until it is done. When ctx is done
// the change is cancelled, and Change returns after it is undone. Files are packages for the keys [InstallLocal] and
// [OverrideReplaceLocal] of the change; they may be closed after that.
func (c *Client) Change(ctx context.Context, stateroot string, change txn.Change, options ChangeOptions, files map[string][]*os.File, listener Listener) error {
	path, err := c.object(ctx, stateroot)
	if err != nil {
		return err
	}
	values, err := dictOf(change)
	if err != nil {
		return err
	}
	for key, list := range files {
		var fds []dbus.UnixFD
		for _, f := range list {
			fds = append(fds, dbus.UnixFD(f.Fd())) //nolint:gosec // descriptors are small
		}
		values[key] = dbus.MakeVariant(fds)
	}
	extra, err := dictOf(options)
	if err != nil {
		return err
	}
	var address string
	if err := c.call(ctx, path, c.names.Interface("OS")+".Change", []any{values, extra}, &address); err != nil {
		return err
	}
	return c.Follow(ctx, address, listener)
}

// ApplyLive has the daemon make a commit live, as Change does a change.
func (c *Client) ApplyLive(ctx context.Context, stateroot string, options LiveOptions, listener Listener) error {
	path, err := c.object(ctx, stateroot)
	if err != nil {
		return err
	}
	values, err := dictOf(options)
	if err != nil {
		return err
	}
	var address string
	if err := c.call(ctx, path, c.names.Interface("OSExperimental")+".LiveFs", []any{values}, &address); err != nil {
		return err
	}
	return c.Follow(ctx, address, listener)
}

// AutomaticUpdate has the daemon do what its policy says about updates. It is false if that is nothing.
func (c *Client) AutomaticUpdate(ctx context.Context, stateroot, mode string, listener Listener) (enabled bool, err error) {
	path, err := c.object(ctx, stateroot)
	if err != nil {
		return false, err
	}
	var address string
	options := dict{"mode": dbus.MakeVariant(mode)}
	if err := c.call(ctx, path, c.names.Interface("OS")+".AutomaticUpdateTrigger", []any{options}, &enabled, &address); err != nil || !enabled {
		return false, err
	}
	return true, c.Follow(ctx, address, listener)
}

// Cancel cancels what runs, and waits for its end. It returns the title, "" if nothing ran.
func (c *Client) Cancel(ctx context.Context) (title string, err error) {
	address, err := c.property(ctx, "ActiveTransactionPath")
	if err != nil || address == "" {
		return "", err
	}
	follower, err := c.attach(address)
	if err != nil { // of another user: the daemon decides
		var canceled bool
		err := c.call(ctx, c.names.Sysroot(), c.names.Interface("Sysroot")+".CancelTransaction", nil, &canceled)
		if err != nil || !canceled { // it has ended meanwhile
			return "", err
		}
		return "the running transaction", nil
	}
	defer follower.close()
	if title, err = follower.title(ctx); err != nil {
		return "", err
	}
	if err := follower.cancel(ctx); err != nil {
		return title, err
	}
	err = follower.follow(ctx, Listener{})
	if failure, ok := errors.AsType[*RemoteError](err); ok && failure.Kind == txn.KindCanceled {
		err = nil
	}
	return title, err
}

// Listener is told about a transaction; each field may be nil.
type Listener struct {
	// Plan is told what is going to be done, before it is.
	Plan func(*txn.Plan)
	// Live is told what is going to become live, before it does.
	Live func(*txn.LivePlan)
	// Report is told the events of a run.
	Report step.Reporter
}
