package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// The units that make automatic updates.
const (
	automaticTimer   = "apt-ostreed-automatic.timer"
	automaticService = "apt-ostreed-automatic.service"
)

// automaticView is who makes updates on their own, and whether that works.
type automaticView struct {
	policy busapi.Policy // "" where no daemon has one
	// What the service manager says of the units, nil if it says nothing.
	timer, service, driver *systemd.UnitState
}

// viewAutomatic asks for the units that matter.
func (a *app) viewAutomatic(ctx context.Context, policy busapi.Policy, driver *txn.UpdateDriver) automaticView {
	ask := func(unit string) *systemd.UnitState {
		state, err := systemd.AskUnit(ctx, a.Bus, unit)
		if err != nil {
			return nil // in a container there may be no manager; the text says that the state is unknown
		}
		return &state
	}
	v := automaticView{policy: policy}
	switch {
	case a.Bus == "":
	case driver != nil && driver.Unit != "":
		v.driver = ask(driver.Unit)
	case policy != "" && policy != busapi.PolicyNone:
		v.timer, v.service = ask(automaticTimer), ask(automaticService)
	}
	return v
}

// printAutomatic prints who makes updates: a driver, or the policy of the daemon.
func (a *app) printAutomatic(driver *txn.UpdateDriver, v statusView) {
	auto := v.automatic
	switch {
	case driver != nil:
		name := driver.Name
		if v.verbose {
			name += " (" + driver.Unit + ")"
		}
		a.printf("AutomaticUpdatesDriver: %s\n", name)
		if auto.driver == nil {
			return
		}
		state := auto.driver.Active
		if auto.driver.Text != "" {
			state += "; " + auto.driver.Text
		}
		a.printf("  DriverState: %s\n", state)
	case auto.policy == busapi.PolicyNone:
		if v.verbose {
			a.printf("AutomaticUpdates: disabled\n")
		}
	case auto.policy != "":
		a.printf("AutomaticUpdates: %s; %s\n", auto.policy, a.automaticText(auto))
	}
}

// automaticText says how far the policy is carried out.
func (a *app) automaticText(v automaticView) string {
	switch {
	case v.timer == nil || v.service == nil:
		return automaticTimer + ": unknown state"
	case v.timer.Active != "active":
		return automaticTimer + ": inactive"
	case v.service.Active == "failed":
		return automaticService + ": " + a.styled("1;31", "last run failed")
	case v.service.Active == "active" || v.service.Active == "activating":
		return automaticService + ": running"
	case v.service.Started.IsZero():
		return automaticTimer + ": no runs since boot"
	}
	return fmt.Sprintf("%s: last run %s", automaticTimer, ago(a.now().Sub(v.service.Started).Truncate(time.Second)))
}
