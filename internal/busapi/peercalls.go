package busapi

import (
	"context"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5"
)

// call carries out what a peer asks of the transaction.
func (p *peer) call(m *dbus.Message) ([]any, error) {
	t := p.peers.txn
	iface, _ := m.Headers[dbus.FieldInterface].Value().(string)
	member, _ := m.Headers[dbus.FieldMember].Value().(string)
	short := strings.TrimPrefix(iface, t.names.Bus+".")
	if short == "" {
		short = "Transaction"
	}
	switch short + "." + member {
	case "Transaction.Start":
		if !p.arrived {
			p.arrived = true
			p.peers.arrived()
		}
		if started := t.start(); started {
			return []any{true}, nil
		}
		select {
		case <-t.finished: // for a listener that came too late for the end
			t.tellFinished(p.send)
		default:
		}
		return []any{false}, nil
	case "Transaction.Cancel":
		t.server.log.Info("canceled by its client", "title", t.title)
		t.cancel(context.Canceled)
		return nil, nil
	case "org.freedesktop.DBus.Peer.Ping":
		return nil, nil
	case "org.freedesktop.DBus.Hello": // clients that take every connection for one to a bus
		return []any{":1.0"}, nil
	case introspectable + ".Introspect":
		text, err := t.server.specs[t.names.Bus].introspection(nil, "Transaction")
		return []any{text}, err
	case properties + ".GetAll":
		return []any{t.properties()}, nil
	case properties + ".Get":
		if len(m.Body) == 2 {
			if value, ok := t.properties()[fmt.Sprint(m.Body[1])]; ok {
				return []any{value}, nil
			}
		}
		return nil, &dbus.Error{Name: errUnknownProp, Body: []any{"no such property of a transaction"}}
	}
	return nil, &dbus.Error{Name: errUnknownMethod, Body: []any{fmt.Sprintf("a transaction has no %s.%s", iface, member)}}
}

func (t *transaction) properties() map[string]dbus.Variant {
	t.mu.Lock()
	defer t.mu.Unlock()
	return map[string]dbus.Variant{
		"Title": dbus.MakeVariant(t.title), "InitiatingClientDescription": dbus.MakeVariant(t.client), "Progress": dbus.MakeVariant(t.progress),
	}
}

// signal tells all listeners.
func (t *transaction) signal(name string, values ...any) {
	t.peers.broadcast(t.encodeSignal(name, values...))
}

func (t *transaction) encodeSignal(name string, values ...any) []byte {
	return encodeMessage(&dbus.Message{Type: dbus.TypeSignal, Flags: dbus.FlagNoReplyExpected, Body: values, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(dbus.ObjectPath("/")), dbus.FieldMember: dbus.MakeVariant(name),
		dbus.FieldInterface: dbus.MakeVariant(t.names.Interface("Transaction")),
	}})
}
