package busapi

import (
	"fmt"
	"os"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/apt-ostree/apt-ostree/internal/systemd"
)

// watchNames learns who leaves the bus.
func (s *Server) watchNames() error {
	if err := s.out.AddMatchSignal(dbus.WithMatchInterface("org.freedesktop.DBus"), dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(2, "")); err != nil {
		return err
	}
	signals := make(chan *dbus.Signal, 64)
	s.out.Signal(signals)
	go func() {
		for signal := range signals {
			if signal.Name != "org.freedesktop.DBus.NameOwnerChanged" || len(signal.Body) != 3 {
				continue
			}
			if name, ok := signal.Body[0].(string); ok && strings.HasPrefix(name, ":") {
				s.left(name)
			}
		}
	}()
	return nil
}

// left forgets a client that is gone, and gives up its transaction if it did not start it.
func (s *Server) left(name string) {
	s.mu.Lock()
	_, client := s.clients[name]
	delete(s.clients, name)
	active := s.active
	s.mu.Unlock()
	if active != nil && active.sender == name {
		active.abandon(errVanished)
	}
	if client { // whoever else comes and goes on a bus keeps nobody awake
		s.idle.touch()
	}
}

type registration struct {
	ID string `json:"id"`
}

func (s *Server) registerClient(c *call) ([]any, error) {
	var r registration
	if err := decodeDict(&r, arg[map[string]dbus.Variant](c, 0)); err != nil {
		return nil, err
	}
	if err := s.authorize(c, actClient); err != nil {
		return nil, err
	}
	description, err := s.describeCaller(c, r.ID)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.clients[c.sender] = description
	s.mu.Unlock()
	s.log.Info("client registered", "client", description)
	s.idle.touch()
	return nil, nil
}

func (s *Server) unregisterClient(c *call) ([]any, error) {
	var r registration
	if err := decodeDict(&r, arg[map[string]dbus.Variant](c, 0)); err != nil {
		return nil, err
	}
	s.mu.Lock()
	_, ok := s.clients[c.sender]
	delete(s.clients, c.sender)
	s.mu.Unlock()
	if !ok {
		return nil, &ArgumentError{"UnregisterClient", "the caller is not registered"}
	}
	s.idle.touch()
	return nil, nil
}

// unit is the systemd unit of a caller, "" if that is not known. It is for the history and for update drivers.
func (s *Server) unit(c *call) string {
	var pid uint32
	if err := s.out.BusObject().CallWithContext(c.ctx, "org.freedesktop.DBus.GetConnectionUnixProcessID", 0, c.sender).Store(&pid); err != nil {
		return ""
	}
	groups, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "" // it has ended
	}
	return systemd.UnitOf(string(groups))
}

// describeCaller names a caller for people and logs.
func (s *Server) describeCaller(c *call, id string) (string, error) {
	uid, err := s.uid(c)
	if err != nil {
		return "", err
	}
	if len(id) > 64 || strings.ContainsFunc(id, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", &ArgumentError{"id", "not a short line of text"}
	}
	if id == "" {
		return fmt.Sprintf("client(dbus:%s uid:%d)", c.sender, uid), nil
	}
	return fmt.Sprintf("client(id:%s dbus:%s uid:%d)", id, c.sender, uid), nil
}
