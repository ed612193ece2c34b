package cli_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/busapi"
	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/systemd"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestStatusOfAutomaticUpdates prints rpm-ostree's lines about who makes updates.
func TestStatusOfAutomaticUpdates(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_750_000_000, 0)
	unit := func(active string) *systemd.UnitState { return &systemd.UnitState{Active: active} }
	ran := func(active string, before time.Duration) *systemd.UnitState {
		return &systemd.UnitState{Active: active, Started: now.Add(-before)}
	}
	fleet := &txn.UpdateDriver{Name: "fleet", Unit: "fleet.service"}
	for _, c := range []struct {
		policy                 busapi.Policy
		verbose                bool
		timer, service, driver *systemd.UnitState
		registered             *txn.UpdateDriver
		want                   string
	}{
		{want: ""}, // no daemon
		{policy: "none", want: ""},
		{policy: "none", verbose: true, want: "AutomaticUpdates: disabled\n"},
		{policy: "stage", want: "AutomaticUpdates: stage; apt-ostreed-automatic.timer: unknown state\n"},
		{policy: "check", timer: unit("inactive"), service: unit("inactive"), want: "AutomaticUpdates: check; apt-ostreed-automatic.timer: inactive\n"},
		{policy: "stage", timer: unit("active"), service: unit("inactive"), want: "AutomaticUpdates: stage; apt-ostreed-automatic.timer: no runs since boot\n"},
		{
			policy: "stage", timer: unit("active"), service: ran("inactive", 4*time.Hour+32*time.Minute+5*time.Second),
			want: "AutomaticUpdates: stage; apt-ostreed-automatic.timer: last run 4h 32min ago\n",
		},
		{policy: "apply", timer: unit("active"), service: ran("failed", time.Hour), want: "AutomaticUpdates: apply; apt-ostreed-automatic.service: last run failed\n"},
		{policy: "apply", timer: unit("active"), service: ran("activating", 0), want: "AutomaticUpdates: apply; apt-ostreed-automatic.service: running\n"},
		{policy: "none", registered: fleet, want: "AutomaticUpdatesDriver: fleet\n"},
		{
			policy: "stage", verbose: true, registered: fleet, driver: &systemd.UnitState{Active: "active", Text: "waiting for its turn"},
			want: "AutomaticUpdatesDriver: fleet (fleet.service)\n  DriverState: active; waiting for its turn\n",
		},
		{policy: "stage", registered: fleet, driver: unit("failed"), want: "AutomaticUpdatesDriver: fleet\n  DriverState: failed\n"},
	} {
		var out bytes.Buffer
		cli.PrintAutomatic(&out, &txn.Status{UpdateDriver: c.registered}, c.verbose, c.policy, c.timer, c.service, c.driver, now)
		require.Equal(t, "State: idle\n"+c.want+"Deployments:\n", out.String())
	}
}
