package busapi

import (
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"
)

// Interfaces of D-Bus itself that objects have.
const (
	introspectable = "org.freedesktop.DBus.Introspectable"
	properties     = "org.freedesktop.DBus.Properties"
)

// standard are the signatures of the methods of D-Bus's own interfaces.
func standard(iface, member string) (signature string, ok bool) {
	switch iface + "." + member {
	case introspectable + ".Introspect", objectManager + ".GetManagedObjects":
		return "", true
	case properties + ".Get":
		return "ss", true
	case properties + ".GetAll":
		return "s", true
	case properties + ".Set":
		return "ssv", true
	}
	return "", false
}

// route finds out which method of which object is called, and that the arguments are of its types.
func (s *Server) route(c *call, iface, signature string) (Names, error) {
	names := Native()
	if s.compat() && (strings.HasPrefix(string(c.path), string(Compat().Root)) || strings.HasPrefix(iface, Compat().Bus+".")) {
		names = Compat()
	}
	c.names = names
	spec := s.specs[names.Bus]
	want, ok := standard(iface, c.member)
	if c.short = iface; !ok {
		if iface == "" {
			iface = s.interfaceOf(c.path, c.names, c.member)
		}
		short, known := spec.short(iface)
		if !known || short == "Transaction" {
			return names, &dbus.Error{Name: errUnknownIface, Body: []any{fmt.Sprintf("%s: no interface %q", c.path, iface)}}
		}
		c.short = short
		if want, ok = spec.signature(short, c.member); !ok {
			return names, &dbus.Error{Name: errUnknownMethod, Body: []any{fmt.Sprintf("%s: no method %q", iface, c.member)}}
		}
	}
	if signature != want {
		return names, &dbus.Error{Name: errInvalidArgs, Body: []any{fmt.Sprintf("%s takes %q, not %q", c.member, want, signature)}}
	}
	if ok := c.short == introspectable || slices.Contains(s.interfacesAt(names, c.path), c.short) || c.short == properties && len(s.interfacesAt(names, c.path)) > 0; !ok {
		return names, &dbus.Error{Name: errUnknownObject, Body: []any{fmt.Sprintf("%s: no such object with %s", c.path, c.short)}}
	}
	return names, nil
}

// interfaceOf finds the interface of a call that names none.
func (s *Server) interfaceOf(path dbus.ObjectPath, names Names, member string) string {
	for _, short := range s.interfacesAt(names, path) {
		if _, ok := s.specs[names.Bus].signature(short, member); ok {
			return names.Interface(short)
		}
	}
	return ""
}

// interfacesAt lists what the object at a path has, nothing if there is no object.
func (s *Server) interfacesAt(names Names, path dbus.ObjectPath) []string {
	switch {
	case path == names.Root:
		return []string{objectManager}
	case path == names.Sysroot():
		return []string{"Sysroot"}
	case s.stateroot(names, path) != "":
		return []string{"OS", "OSExperimental"}
	}
	return nil
}

// children lists the names right below a path.
func (s *Server) children(path dbus.ObjectPath) []string {
	prefix := strings.TrimSuffix(string(path), "/") + "/"
	var out []string
	for _, names := range s.allNames() {
		paths := []dbus.ObjectPath{names.Root, names.Sysroot()}
		for _, name := range s.stateroots() {
			paths = append(paths, names.OS(name))
		}
		for _, p := range paths {
			if rest, ok := strings.CutPrefix(string(p), prefix); ok {
				name, _, _ := strings.Cut(rest, "/")
				out = append(out, name)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// dispatch carries out a call whose method and types are known.
func (s *Server) dispatch(c *call) ([]any, error) {
	s.idle.touch()
	switch c.short + "." + c.member {
	case introspectable + ".Introspect":
		text, err := s.specs[c.names.Bus].introspection(s.children(c.path), s.interfacesAt(c.names, c.path)...)
		return []any{text}, err
	case objectManager + ".GetManagedObjects":
		return []any{s.managedObjects(c.names)}, nil
	case properties + ".Get":
		return s.getProperty(c)
	case properties + ".GetAll":
		all, err := s.propertiesOf(c.names, c.path, strings.TrimPrefix(arg[string](c, 0), c.names.Bus+"."))
		return []any{all}, err
	case properties + ".Set":
		return nil, &dbus.Error{Name: errReadOnly, Body: []any{arg[string](c, 1) + ": read-only"}}
	}
	return s.methods[c.short+"."+c.member](c) // a test compares the table with interface.xml
}
