package busapi

import (
	_ "embed"
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/godbus/dbus/v5/introspect"
	"github.com/godbus/dbus/v5/prop"
)

// InterfaceXML describes the interfaces under their native names.
//
//go:embed interface.xml
var InterfaceXML string

// spec is interface.xml under the names of one bus, by short names.
type spec struct {
	names      Names
	interfaces map[string]introspect.Interface
}

// newSpec reads the embedded description.
func newSpec(names Names) (*spec, error) {
	var node introspect.Node
	text := strings.ReplaceAll(InterfaceXML, Native().Bus+".", names.Bus+".")
	if err := xml.Unmarshal([]byte(text), &node); err != nil {
		return nil, fmt.Errorf("interface.xml: %w", err)
	}
	s := &spec{names: names, interfaces: map[string]introspect.Interface{}}
	for _, iface := range node.Interfaces {
		s.interfaces[strings.TrimPrefix(iface.Name, names.Bus+".")] = iface
	}
	return s, nil
}

// signature gives that of a method's arguments.
func (s *spec) signature(short, member string) (in string, ok bool) {
	for _, m := range s.interfaces[short].Methods {
		if m.Name != member {
			continue
		}
		for _, arg := range m.Args {
			if arg.Direction != "out" {
				in += arg.Type
			}
		}
		return in, true
	}
	return "", false
}

// short gives the short name of a full interface name of ours.
func (s *spec) short(iface string) (string, bool) {
	short, ok := strings.CutPrefix(iface, s.names.Bus+".")
	if !ok {
		return "", false
	}
	_, ok = s.interfaces[short]
	return short, ok
}

// introspection is the answer to Introspect of an object with these interfaces and children.
func (s *spec) introspection(children []string, interfaces ...string) (string, error) {
	node := introspect.Node{Interfaces: []introspect.Interface{introspect.IntrospectData, introspect.PeerData}}
	for _, short := range interfaces {
		if short == objectManager {
			node.Interfaces = append(node.Interfaces, managerData())
			continue
		}
		iface := s.interfaces[short]
		if len(iface.Properties) > 0 {
			node.Interfaces = append(node.Interfaces, prop.IntrospectData)
		}
		node.Interfaces = append(node.Interfaces, iface)
	}
	for _, name := range children {
		node.Children = append(node.Children, introspect.Node{Name: name})
	}
	text, err := xml.MarshalIndent(node, "", " ")
	return strings.TrimSpace(introspect.IntrospectDeclarationString) + "\n" + string(text), err
}

// objectManager is the interface that lists all objects.
const objectManager = "org.freedesktop.DBus.ObjectManager"

func managerData() introspect.Interface {
	const objects = "a{oa{sa{sv}}}"
	return introspect.Interface{
		Name:    objectManager,
		Methods: []introspect.Method{{Name: "GetManagedObjects", Args: []introspect.Arg{{Name: "objects", Type: objects, Direction: "out"}}}},
		Signals: []introspect.Signal{
			{Name: "InterfacesAdded", Args: []introspect.Arg{{Name: "path", Type: "o"}, {Name: "interfaces", Type: "a{sa{sv}}"}}},
			{Name: "InterfacesRemoved", Args: []introspect.Arg{{Name: "path", Type: "o"}, {Name: "interfaces", Type: "as"}}},
		},
	}
}
