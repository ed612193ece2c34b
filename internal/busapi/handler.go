package busapi

import (
	"context"
	"os"

	"github.com/godbus/dbus/v5"
)

// call is one method call on the bus.
type call struct {
	ctx    context.Context //nolint:containedctx // the life of one call
	names  Names
	sender string
	path   dbus.ObjectPath
	// short is the interface without its prefix, or the full name of one of D-Bus itself.
	short, member string
	body          []any
	// files are the descriptors that came with the call; what is not set to nil is closed when it returns.
	files []*os.File
}

// arg gives an argument; its type was checked against the description before the method is called.
func arg[T any](c *call, i int) T {
	value, ok := c.body[i].(T)
	if !ok {
		panic("the argument's type differs from its signature in interface.xml")
	}
	return value
}

// handler gives every call on the connection to the server: it is the object, the interface and the method of all
// of them, because only the server knows what there is.
type handler struct {
	server *Server
	path   dbus.ObjectPath
	iface  string
	member string
	call   *call
	// signature is what the caller says the body is.
	signature string
}

func (h handler) LookupObject(path dbus.ObjectPath) (dbus.ServerObject, bool) {
	h.path = path
	return h, true
}

func (h handler) LookupInterface(name string) (dbus.Interface, bool) {
	h.iface = name
	return h, true
}

func (h handler) LookupMethod(name string) (dbus.Method, bool) {
	h.member = name
	return &h, true
}

// DecodeArguments remembers the call; its arguments are checked with everything else.
func (h *handler) DecodeArguments(_ *dbus.Conn, sender string, m *dbus.Message, _ []any) ([]any, error) {
	signature, _ := m.Headers[dbus.FieldSignature].Value().(dbus.Signature)
	h.signature = signature.String()
	h.call = &call{ctx: h.server.ctx, sender: sender, path: h.path, member: h.member, body: m.Body, files: h.server.fds.take(m)}
	return nil, nil
}

// Call answers.
func (h *handler) Call(...any) ([]any, error) {
	defer h.server.answered()
	defer func() { closeAll(h.call.files) }()
	names, err := h.server.route(h.call, h.iface, h.signature)
	if err != nil {
		return nil, err
	}
	result, err := h.server.dispatch(h.call)
	if err != nil {
		h.server.log.Info("refused", "method", h.member, "caller", h.call.sender, "error", err)
		return nil, dbusError(names, err)
	}
	return result, nil
}

func (h *handler) NumArguments() int     { return 0 }
func (h *handler) NumReturns() int       { return 0 }
func (h *handler) ArgumentValue(int) any { return nil }
func (h *handler) ReturnValue(int) any   { return nil }
