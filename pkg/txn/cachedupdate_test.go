package txn_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/dpkg"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestCachedUpdate keeps what a check found for the status, until it is no longer about what boots next.
func TestCachedUpdate(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	cached := func() *txn.CachedUpdate {
		s, err := h.Status(t.Context())
		require.NoError(t, err)
		return s.CachedUpdate
	}
	require.Nil(t, cached(), "nothing was checked")
	check := func() {
		_, err := h.RecordUpdate(t.Context(), h.plan(txn.Change{Upgrade: true}))
		require.NoError(t, err)
	}
	check()
	update := cached()
	require.True(t, update.NewCommit)
	require.Equal(t, commits["3"].String(), update.Checksum)
	require.Equal(t, commits["2"].String(), update.Key)
	require.Equal(t, "3", update.Version)
	require.Empty(t, update.Deployment)
	text, err := json.Marshal(update.Diff)
	require.NoError(t, err)
	require.JSONEq(t, `{"upgraded":[[0,"base-tool",["2.0","all"],["3.0","all"]]],"downgraded":[],"removed":[],"added":[]}`, string(text))

	h.apply(txn.Change{Upgrade: true})
	s, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, s.Deployments[0].ID, s.CachedUpdate.Deployment, "it is deployed now")
	check()
	require.Nil(t, cached(), "nothing is new")

	h.apply(txn.Change{Deploy: "2", AllowDowngrade: true})
	check()
	require.NotNil(t, cached())
	h.apply(txn.Change{Deploy: "1", AllowDowngrade: true})
	require.Nil(t, cached(), "it was about another deployment")
}

// TestSecurityUpdates are those that come from where security updates come from, by source package.
func TestSecurityUpdates(t *testing.T) {
	t.Parallel()
	upgrade := func(name, source, suite string) dpkg.Change {
		return dpkg.Change{From: &apt.Package{Name: name}, To: &apt.Package{
			Name: name, Source: source, Architecture: "amd64", Origin: &apt.Origin{Suite: suite},
		}}
	}
	list := txn.Advisories(dpkg.Changes{Upgraded: []dpkg.Change{
		upgrade("libssl3", "openssl", "stable-security"), upgrade("openssl", "", "stable-security"), upgrade("vim", "", "stable"),
	}})
	text, err := json.Marshal(list)
	require.NoError(t, err)
	require.JSONEq(t, `[["openssl (stable-security)",1,0,["libssl3__amd64","openssl__amd64"],{}]]`, string(text))
}
