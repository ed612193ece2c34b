package txn_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestStagedDeploymentsFollowTheRunningConfiguration until shutdown, when they get their own /etc.
func TestStagedDeploymentsFollowTheRunningConfiguration(t *testing.T) {
	t.Parallel()
	h, _ := bootedHost(t)
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	other := apttest.New(t, apttest.Options{Architectures: []string{"amd64"}, Suite: "mine"})
	other.Add(apttest.Deb{Package: "only-mine"})
	other.Publish()
	require.NoError(t, os.WriteFile(list[0].Path+"/etc/apt/sources.list.d/mine.sources", source.Format([]source.Source{other.Source()}), 0o644))
	h.apply(txn.Change{Upgrade: true})

	require.Equal(t, []string{"only-mine"}, names(h.plan(txn.Change{Install: []string{"only-mine"}})))
	u, err := h.Universe(t.Context(), false)
	require.NoError(t, err)
	require.NotEmpty(t, u.Versions("only-mine"))
}
