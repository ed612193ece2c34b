package systemd

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/godbus/dbus/v5"
)

// UnitState is what a unit does.
type UnitState struct {
	// Active is its state: active, inactive, failed, activating and so on.
	Active string
	// Text is what a service says of itself.
	Text string
	// Started is when the main program of a service was started last, zero if it was not since the boot.
	Started time.Time
}

// AskUnit asks the service manager for a unit, which need not be active, over the message bus at an address. That
// takes no rights.
func AskUnit(ctx context.Context, address, name string) (state UnitState, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("systemd: %s: %w", name, err)
		}
	}()
	conn, err := dbus.Connect(address)
	if err != nil {
		return state, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	const systemd, properties = "org.freedesktop.systemd1", "org.freedesktop.DBus.Properties.Get"
	var path dbus.ObjectPath
	if err := conn.Object(systemd, "/org/freedesktop/systemd1").CallWithContext(ctx, systemd+".Manager.LoadUnit", 0, name).Store(&path); err != nil {
		return state, err
	}
	get := func(iface, property string, to any) error {
		return conn.Object(systemd, path).CallWithContext(ctx, properties, 0, systemd+"."+iface, property).Store(to)
	}
	if err := get("Unit", "ActiveState", &state.Active); err != nil || !strings.HasSuffix(name, ".service") {
		return state, err
	}
	var started uint64 // in microseconds
	if err := errors.Join(get("Service", "StatusText", &state.Text), get("Service", "ExecMainStartTimestamp", &started)); err != nil {
		return state, err
	}
	if started > 0 {
		state.Started = time.UnixMicro(int64(started)) //nolint:gosec // a time
	}
	return state, nil
}
