package busapi

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// state is what the daemon knows of the system. It is replaced as a whole.
type state struct {
	status      *txn.Status
	deployments []map[string]dbus.Variant
	stateroots  []string
	// update is what the last automatic check found, nil if nothing; updateDict the same for the bus.
	update     *txn.CachedUpdate
	updateDict dict
}

// refresh reads the system again and tells what has changed.
func (s *Server) refresh(ctx context.Context) error {
	s.refreshing.Lock()
	defer s.refreshing.Unlock()
	fresh, err := s.read(ctx)
	if err != nil {
		return err
	}
	before := s.allProperties()
	s.mu.Lock()
	s.state = *fresh
	s.mu.Unlock()
	s.emitChanges(before, s.allProperties())
	return nil
}

func (s *Server) read(ctx context.Context) (_ *state, err error) {
	system, err := s.open(ctx, "")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, system.Close()) }()
	out := &state{deployments: []map[string]dbus.Variant{}}
	if out.status, err = system.Status(ctx); err != nil {
		return nil, err
	}
	if out.update = out.status.CachedUpdate; out.update != nil {
		if out.updateDict, err = dictOf(out.update); err != nil {
			return nil, err
		}
	}
	for _, d := range out.status.Deployments {
		dict, err := dictOf(d)
		if err != nil {
			return nil, err
		}
		out.deployments = append(out.deployments, dict)
		if !slices.Contains(out.stateroots, d.Osname) {
			out.stateroots = append(out.stateroots, d.Osname)
		}
	}
	names, err := system.Stateroots()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !slices.Contains(out.stateroots, name) {
			out.stateroots = append(out.stateroots, name)
		}
	}
	return out, nil
}

// open opens the system for one piece of work.
func (s *Server) open(ctx context.Context, stateroot string) (*txn.System, error) {
	opts := s.opts.System
	opts.Stateroot = stateroot
	opts.Logger = s.log
	return txn.Open(ctx, s.opts.Sysroot, opts)
}

func (s *Server) stateroots() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.stateroots
}

// stateroot is the one that an object is for, "" if there is no such object.
func (s *Server) stateroot(names Names, path dbus.ObjectPath) string {
	for _, name := range s.stateroots() {
		if names.OS(name) == path {
			return name
		}
	}
	return ""
}

// booted is the stateroot of the running deployment, or "".
func (s *state) booted() string {
	for _, d := range s.status.Deployments {
		if d.Booted {
			return d.Osname
		}
	}
	return ""
}

// document is the answer to GetStatus.
func (s *Server) document() (string, error) {
	s.mu.Lock()
	status := *s.state.status
	if t := s.active; t != nil {
		status.Transaction = []string{t.method, t.sender, string(t.object)}
	}
	s.mu.Unlock()
	text, err := json.Marshal(status)
	return string(text), err
}

// allProperties gives the properties of all objects under all names.
func (s *Server) allProperties() map[objectInterface]map[string]dbus.Variant {
	out := map[objectInterface]map[string]dbus.Variant{}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state.status == nil {
		return out
	}
	for _, names := range s.namesLocked() {
		out[objectInterface{names.Sysroot(), names.Interface("Sysroot")}] = s.sysrootProperties(names)
		for _, name := range s.state.stateroots {
			out[objectInterface{names.OS(name), names.Interface("OS")}] = s.osProperties(name)
		}
	}
	return out
}

func (s *Server) namesLocked() []Names {
	if s.config.RpmOstreeCompatibility {
		return []Names{Native(), Compat()}
	}
	return []Names{Native()}
}

// objectInterface is one interface of one object.
type objectInterface struct {
	path  dbus.ObjectPath
	iface string
}

// emitChanges tells the bus what differs.
func (s *Server) emitChanges(before, after map[objectInterface]map[string]dbus.Variant) {
	for at, now := range after {
		old, known := before[at]
		changed := map[string]dbus.Variant{}
		for name, value := range now {
			if was, ok := old[name]; known && (!ok || !reflect.DeepEqual(was.Value(), value.Value())) {
				changed[name] = value
			}
		}
		if len(changed) > 0 {
			s.emit(at.path, properties+".PropertiesChanged", at.iface, changed, []string{})
		}
		if !known && len(before) > 0 {
			s.emit(managerOf(at.path), objectManager+".InterfacesAdded", at.path, map[string]map[string]dbus.Variant{at.iface: now})
		}
	}
	for at := range before {
		if _, still := after[at]; !still {
			s.emit(managerOf(at.path), objectManager+".InterfacesRemoved", at.path, []string{at.iface})
		}
	}
}

// managerOf is the root that an object belongs to.
func managerOf(path dbus.ObjectPath) dbus.ObjectPath {
	for _, names := range []Names{Native(), Compat()} {
		if len(path) > len(names.Root) && path[:len(names.Root)] == names.Root {
			return names.Root
		}
	}
	return "/"
}

func (s *Server) emit(path dbus.ObjectPath, signal string, values ...any) {
	if err := s.conn.Emit(path, signal, values...); err != nil {
		s.log.Warn("signal not sent", "signal", signal, "error", err)
	}
}
