package txn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

// UpdateDriver is a program that has taken over updates of the system, such as an agent that rolls
// them out to a fleet in turns. While its unit is active others do not update, unless they insist.
type UpdateDriver struct {
	Name string `json:"driver-name"`
	Unit string `json:"driver-sd-unit"`
}

// DriverError says that updates are somebody else's business.
type DriverError struct {
	Driver UpdateDriver
	// Documentation are the links of the driver's unit.
	Documentation []string
}

func (e *DriverError) Error() string {
	lines := []string{
		fmt.Sprintf("Updates and deployments are driven by %s (%s)", e.Driver.Name, e.Driver.Unit),
		fmt.Sprintf("See %s's documentation", e.Driver.Name),
	}
	return strings.Join(append(lines, e.Documentation...), "\n  ")
}

// driverPath is where a driver is registered until the next boot.
func (s *System) driverPath() string {
	return filepath.Join(s.runDir(), "apt-ostree/update-driver.json")
}

func (s *System) runDir() string {
	if dir := s.opts.Sysroot.RunDir; dir != "" {
		return dir
	}
	return "/run"
}

// UpdateDriver gives the registered driver, nil if there is none.
func (s *System) UpdateDriver() (*UpdateDriver, error) {
	text, err := os.ReadFile(s.driverPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := new(UpdateDriver)
	if err := json.Unmarshal(text, d); err != nil {
		return nil, fmt.Errorf("%s: %w", s.driverPath(), err)
	}
	return d, nil
}

// registerDriver makes the unit that the caller runs in the driver.
func (s *System) registerDriver(c Change) error {
	text, err := json.Marshal(UpdateDriver{Name: c.RegisterDriver, Unit: c.CallerUnit})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.driverPath()), 0o755); err != nil {
		return err
	}
	return fsx.WriteFile(s.driverPath(), append(text, '\n'), 0o644)
}

// checkDriver refuses to choose another base while a driver is active, unless the caller is part of it.
func (s *System) checkDriver(ctx context.Context, c Change) error {
	if c.BypassDriver || c.RegisterDriver != "" || len(c.choosesBase()) == 0 {
		return nil
	}
	driver, err := s.UpdateDriver()
	if err != nil || driver == nil || driver.Unit == c.CallerUnit {
		return err
	}
	unit, err := s.opts.Unit(ctx, driver.Unit)
	if err != nil || !unit.Active {
		return err
	}
	return &DriverError{Driver: *driver, Documentation: unit.Documentation}
}

// Unit is what there is to know about a systemd unit.
type Unit struct {
	Active bool
	// Documentation are its links.
	Documentation []string
}

// showUnit asks systemd.
func showUnit(ctx context.Context, name string) (Unit, error) {
	out, err := exec.CommandContext(ctx, "systemctl", "show", "--property=ActiveState,Documentation", "--", name).Output()
	if err != nil {
		return Unit{}, fmt.Errorf("systemctl show %s: %w", name, err)
	}
	return parseUnit(string(out)), nil
}

func parseUnit(text string) Unit {
	var unit Unit
	for line := range strings.Lines(text) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		switch key {
		case "ActiveState":
			unit.Active = value == "active" || value == "activating" || value == "reloading"
		case "Documentation":
			unit.Documentation = strings.Fields(value)
		}
	}
	return unit
}
