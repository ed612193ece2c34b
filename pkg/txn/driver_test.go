package txn_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestUpdateDriver keeps others from changing the base while its unit is active.
func TestUpdateDriver(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "2")
	active := true
	h.System = h.open(txn.Options{
		Sysroot: deploy.Options{RunDir: t.TempDir()},
		Unit: func(_ context.Context, name string) (txn.Unit, error) {
			require.Equal(t, "fleet.service", name)
			return txn.Unit{Active: active, Documentation: []string{"man:fleet(8)"}}, nil
		},
	})
	require.ErrorContains(t, h.planError(txn.Change{RegisterDriver: "fleet"}), "the caller runs in none")
	h.apply(txn.Change{RegisterDriver: "fleet", CallerUnit: "fleet.service"})
	require.Equal(t, []string{"2"}, h.deployments(), "to register changes nothing else")
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, &txn.UpdateDriver{Name: "fleet", Unit: "fleet.service"}, status.UpdateDriver)

	for _, c := range []txn.Change{{Upgrade: true}, {Deploy: "3"}, {Rebase: &txn.Rebase{Refspec: ":kept/3"}}} {
		err := h.planError(c)
		require.EqualError(t, err, "Updates and deployments are driven by fleet (fleet.service)\n  See fleet's documentation\n  man:fleet(8)")
		require.Equal(t, txn.KindRequest, txn.Classify(err))
		h.plan(*txn.Advise(err, c)[0].Change)
		c.CallerUnit = "fleet.service"
		h.plan(c)
	}
	h.plan(txn.Change{Install: []string{"tool"}})
	active = false
	h.plan(txn.Change{Upgrade: true})
}
