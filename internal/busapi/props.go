package busapi

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// sysrootProperties is called with the lock held.
func (s *Server) sysrootProperties(names Names) map[string]dbus.Variant {
	booted := dbus.ObjectPath("/")
	if name := s.state.booted(); name != "" {
		booted = names.OS(name)
	}
	type activity struct{ Method, Sender, Path string }
	var active activity
	address := ""
	if t := s.active; t != nil {
		active, address = activity{t.method, t.sender, string(t.object)}, t.address
	}
	return map[string]dbus.Variant{
		"Booted": dbus.MakeVariant(booted), "Path": dbus.MakeVariant(s.opts.Sysroot),
		"ActiveTransaction": dbus.MakeVariant(active), "ActiveTransactionPath": dbus.MakeVariant(address),
		"AutomaticUpdatePolicy": dbus.MakeVariant(string(s.config.AutomaticUpdatePolicy)),
		"Deployments":           dbus.MakeVariant(s.state.deployments),
	}
}

// osProperties is called with the lock held. The rollback deployment is the one that would boot next after a
// rollback: that behind the booted one, or behind the default one of a system that is not booted.
func (s *Server) osProperties(name string) map[string]dbus.Variant {
	none := map[string]dbus.Variant{}
	booted, first, rollback := none, none, none
	seen := false // the deployment that a rollback starts from
	for i, d := range s.state.status.Deployments {
		if d.Osname != name {
			continue
		}
		dict := s.state.deployments[i]
		if seen && len(rollback) == 0 {
			rollback = dict
		}
		if len(first) == 0 {
			first = dict
			seen = s.state.booted() != name
		}
		if d.Booted {
			booted, seen, rollback = dict, true, none
		}
	}
	update := none
	if s.state.update != nil && s.state.update.Osname == name {
		update = s.state.updateDict
	}
	_, diff := update["rpm-diff"]
	return map[string]dbus.Variant{
		"BootedDeployment": dbus.MakeVariant(booted), "DefaultDeployment": dbus.MakeVariant(first),
		"RollbackDeployment": dbus.MakeVariant(rollback), "CachedUpdate": dbus.MakeVariant(update),
		"HasCachedUpdateRpmDiff": dbus.MakeVariant(diff), "Name": dbus.MakeVariant(name),
	}
}

// propertiesOf gives those of one interface of an object.
func (s *Server) propertiesOf(names Names, path dbus.ObjectPath, short string) (map[string]dbus.Variant, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case path == names.Sysroot() && (short == "Sysroot" || short == ""):
		return s.sysrootProperties(names), nil
	case path != names.Root && (short == "OS" || short == ""):
		for _, name := range s.state.stateroots {
			if names.OS(name) == path {
				return s.osProperties(name), nil
			}
		}
	case strings.HasPrefix(short, "org.freedesktop.DBus.") || short == "OSExperimental":
		return map[string]dbus.Variant{}, nil
	}
	return nil, &dbus.Error{Name: errUnknownIface, Body: []any{fmt.Sprintf("%s: no properties of %q", path, short)}}
}

func (s *Server) getProperty(c *call) ([]any, error) {
	iface, name := arg[string](c, 0), arg[string](c, 1)
	all, err := s.propertiesOf(c.names, c.path, strings.TrimPrefix(iface, c.names.Bus+"."))
	if err != nil {
		return nil, err
	}
	value, ok := all[name]
	if !ok {
		return nil, &dbus.Error{Name: errUnknownProp, Body: []any{fmt.Sprintf("%s: no property %q", c.path, name)}}
	}
	return []any{value}, nil
}

func (s *Server) managedObjects(names Names) map[dbus.ObjectPath]map[string]map[string]dbus.Variant {
	out := map[dbus.ObjectPath]map[string]map[string]dbus.Variant{}
	for at, values := range s.allProperties() {
		if managerOf(at.path) != names.Root {
			continue
		}
		out[at.path] = map[string]map[string]dbus.Variant{at.iface: values}
		if strings.HasSuffix(at.iface, ".OS") {
			out[at.path][names.Interface("OSExperimental")] = map[string]dbus.Variant{}
		}
	}
	return out
}

// first is the deployment of a stateroot that boots next.
func (s *Server) first(stateroot string) (txn.DeploymentStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.state.status.Deployments {
		if d.Osname == stateroot {
			return d, nil
		}
	}
	return txn.DeploymentStatus{}, &ArgumentError{stateroot, "nothing is deployed"}
}

// indexOf is the place of a deployment among all.
func (s *Server) indexOf(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.IndexFunc(s.state.status.Deployments, func(d txn.DeploymentStatus) bool { return d.ID == id })
}

// deployment finds one by its id; "" is the booted one, or the first.
func (s *Server) deployment(stateroot, id string) (txn.DeploymentStatus, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var found *txn.DeploymentStatus
	for i, d := range s.state.status.Deployments {
		switch {
		case id != "" && d.ID == id:
			return d, nil
		case id == "" && d.Osname == stateroot && (found == nil || d.Booted):
			found = &s.state.status.Deployments[i]
		}
	}
	if found == nil {
		return txn.DeploymentStatus{}, &ArgumentError{cmp.Or(id, stateroot), "no such deployment"}
	}
	return *found, nil
}
