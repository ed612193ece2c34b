package txn_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

func TestOverrideRemove(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	p := h.plan(txn.Change{OverrideRemove: []string{"old-tool"}})
	require.Len(t, p.Removed, 1)
	require.Equal(t, "old-tool", p.Removed[0].Name)
	require.Empty(t, p.Packages)
	require.Len(t, p.Diff.Removed, 1)
	require.False(t, p.Unchanged)
	require.Equal(t, commits["1"], p.Base)
	require.NotEqual(t, p.Digest, h.plan(txn.Change{OverrideRemove: []string{"extra", "uses-extra"}}).Digest)

	for _, c := range []struct {
		change txn.Change
		want   string
	}{
		{txn.Change{OverrideRemove: []string{"nothing"}}, "package 'nothing' is not in the base"},
		{txn.Change{OverrideRemove: []string{"tool"}, Install: []string{"tool"}}, "'tool' is layered: uninstall it"},
		{txn.Change{OverrideReset: []string{"old-tool"}}, "no override for package 'old-tool'"},
		{txn.Change{OverrideRemove: []string{"x"}, OverrideReset: []string{"x"}}, "x: both to be left out and to be reset"},
		{txn.Change{OverrideRemove: []string{"x"}, Rollback: true}, "a rollback cannot be combined"},
	} {
		err := h.planError(c.change)
		require.ErrorContains(t, err, c.want)
	}
	require.True(t, h.plan(txn.Change{OverrideReset: []string{"x"}, Idempotent: true}).Unchanged)
	require.True(t, h.plan(txn.Change{OverrideResetAll: true}).Unchanged)
	require.True(t, h.plan(txn.Change{UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true}).Unchanged)
}

// TestOverrideIsKept takes a removal through later changes, until the base lacks the package and after.
func TestOverrideIsKept(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	h.fake(txn.Change{OverrideRemove: []string{"old-tool"}})
	require.ErrorContains(t, h.planError(txn.Change{OverrideRemove: []string{"old-tool"}}), "override already exists for package 'old-tool'")
	require.True(t, h.plan(txn.Change{OverrideRemove: []string{"old-tool"}, Idempotent: true}).Unchanged)
	require.Len(t, h.plan(txn.Change{Install: []string{"other"}}).Removed, 1)

	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, []string{"old-tool"}, p.InactiveRemovals)
	require.Empty(t, p.Removed)
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum, "nothing is left to change")
	require.Equal(t, []string{"old-tool"}, d.Origin.OverrideRemove)
	require.ErrorContains(t, h.planError(txn.Change{OverrideReset: []string{"x"}}), "overrides: 'old-tool'")
	d = h.apply(txn.Change{OverrideReset: []string{"old-tool"}})
	require.Empty(t, d.Origin.OverrideRemove)
	require.Equal(t, commits["3"], d.Checksum)
}

// TestOverrideRemoveIsRefused where the base would break.
func TestOverrideRemoveIsRefused(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	c := txn.Change{OverrideRemove: []string{"extra"}}
	err := h.planError(c)
	require.Equal(t, txn.KindUnsatisfiable, txn.Classify(err))
	require.ErrorContains(t, err, "uses-extra")
	advice := txn.Advise(err, c)
	require.Len(t, advice, 1)
	require.Equal(t, []string{"extra", "uses-extra"}, advice[0].Change.OverrideRemove)
	require.Len(t, h.plan(*advice[0].Change).Removed, 2, "the way out works")

	c = txn.Change{OverrideRemove: []string{"vital"}}
	err = h.planError(c)
	require.Equal(t, txn.KindRequest, txn.Classify(err))
	require.ErrorContains(t, err, "package 'vital' is essential")
	advice = txn.Advise(err, c)
	require.Len(t, advice, 1)
	require.Len(t, h.plan(*advice[0].Change).Removed, 1)
	h.fake(*advice[0].Change)
	require.Len(t, h.plan(txn.Change{Install: []string{"other"}}).Removed, 1, "once is enough")
}

func TestReset(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	h.fake(txn.Change{OverrideRemove: []string{"old-tool"}, Install: []string{"tool"}})
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	o := list[0].Origin.Clone()
	o.InitramfsEtc = []string{"/etc/crypttab"}
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))

	p := h.plan(txn.Change{UninstallAll: true})
	require.Empty(t, p.Packages)
	require.Len(t, p.Removed, 1)
	p = h.plan(txn.Change{OverrideResetAll: true})
	require.Empty(t, p.Removed)
	require.Len(t, p.Packages, 2)
	d := h.apply(txn.Change{UninstallAll: true, OverrideResetAll: true, ResetInitramfs: true})
	require.Equal(t, commits["1"], d.Checksum)
	require.False(t, d.Origin.Layered())
}

func TestStatusOfRemovals(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	h.fake(txn.Change{OverrideRemove: []string{"old-tool"}})
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"old-tool"}, status.Deployments[0].RequestedBaseRemovals)
	text, err := json.Marshal(status.Deployments[0].BaseRemovals)
	require.NoError(t, err)
	require.JSONEq(t, `[["old-tool_1.0_all", "old-tool", 0, "1.0", "", "all"]]`, string(text))
	require.NotContains(t, status.Deployments[0].LayeredCommitMeta, "apt-ostree.removed-base-packages")
}
