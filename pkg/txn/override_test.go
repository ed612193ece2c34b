package txn_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
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

func TestOverrideReplace(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	id := h.local(apttest.Deb{Package: "extra", Version: "0.9"})
	p := h.fake(txn.Change{OverrideReplaceLocal: []string{id}})
	require.Len(t, p.Replaced, 1)
	require.Equal(t, "1.0", p.Replaced[0].From.Version)
	require.Equal(t, "0.9", p.Replaced[0].To.Version)
	require.Len(t, p.Diff.Downgraded, 1)
	require.Empty(t, p.Packages)
	require.ErrorContains(t, h.planError(txn.Change{OverrideReplaceLocal: []string{id}}), "override already exists for package 'extra_0.9_all'")

	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"extra_0.9_all"}, status.Deployments[0].RequestedBaseLocalReplacements)
	text, err := json.Marshal(status.Deployments[0].BaseLocalReplacements)
	require.NoError(t, err)
	require.JSONEq(t, `[[["extra_0.9_all", "extra", 0, "0.9", "", "all"], ["extra_1.0_all", "extra", 0, "1.0", "", "all"]]]`, string(text))
	h.reopen()
	p = h.plan(txn.Change{Upgrade: true})
	require.Equal(t, commits["3"], p.Base)
	require.Len(t, p.Replaced, 1)

	again := h.local(apttest.Deb{Package: "extra", Version: "1.0"})
	p = h.plan(txn.Change{OverrideReplaceLocal: []string{again}})
	require.Equal(t, []string{again}, txn.PlannedOrigin(p).OverrideReplaceLocal, "one override for a package")
	require.Equal(t, []string{"extra_1.0_all"}, p.InactiveReplacements, "the base has that version")
	p = h.plan(txn.Change{OverrideReplaceLocal: []string{h.local(apttest.Deb{Package: "absent"})}})
	require.Equal(t, []string{"absent_1.0_all"}, p.InactiveReplacements)
	for _, word := range []string{"extra", "extra_0.9_all", id} {
		require.Equal(t, commits["1"], h.plan(txn.Change{OverrideReset: []string{word}}).Base)
		require.Empty(t, h.plan(txn.Change{OverrideReset: []string{word}}).Replaced)
	}
	p = h.plan(txn.Change{OverrideRemove: []string{"uses-extra", "extra"}})
	require.Empty(t, txn.PlannedOrigin(p).OverrideReplaceLocal)
	require.Len(t, p.Removed, 2)
}

// TestOverrideReplaceFromArchive takes a version that stays, or follows a suite.
func TestOverrideReplaceFromArchive(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	for _, c := range []txn.Change{
		{OverrideReplace: []string{"base-tool"}}, {OverrideReplace: []string{"base-tool=2.0"}}, {OverrideReplace: []string{"base-tool/stable"}, Freeze: true},
	} {
		p := h.plan(c)
		require.Len(t, p.Replaced, 1)
		require.Equal(t, "2.0", p.Replaced[0].To.Version)
		require.Len(t, txn.PlannedOrigin(p).OverrideReplaceLocal, 1)
		require.Positive(t, p.DownloadSize)
	}
	h.fake(txn.Change{OverrideReplace: []string{"base-tool/stable"}})
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, [][2]any{{"repo=stable", []string{"base-tool"}}}, status.Deployments[0].RequestedBaseRemoteReplacements)
	require.Contains(t, status.Deployments[0].BaseRemoteReplacements, "repo=stable")
	require.Empty(t, status.Deployments[0].BaseLocalReplacements)

	h.archive.Add(apttest.Deb{Package: "base-tool", Version: "5.0"})
	h.archive.Publish()
	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, "5.0", p.Replaced[0].To.Version, "it follows")
	require.Equal(t, "3.0", p.Replaced[0].From.Version)
	require.Equal(t, "2.0", h.plan(txn.Change{OverrideRemove: []string{"old-tool"}}).Replaced[0].To.Version, "nothing else changes")
	require.Empty(t, h.plan(txn.Change{OverrideReset: []string{"base-tool"}}).Replaced)

	for text, want := range map[string]string{
		"nothing": "package 'nothing' is not in the base", "base-tool=77": "no source has it", "extra": "no source has it",
		"base-tool/sid": "does not have it",
	} {
		err := h.planError(txn.Change{OverrideReplace: []string{text}})
		require.ErrorContains(t, err, want, text)
	}
}

// TestOneKernel replaces the kernel by what follows it, by a file, and by a layered one.
func TestOneKernel(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.kernel = "1"
	h.commit(ref, "3")
	h.archive.Add(
		apttest.Deb{Package: "linux-image-2-test"}, apttest.Deb{Package: "linux-image-test", Version: "2.0", Depends: "linux-image-2-test"},
		apttest.Deb{Package: "linux-image-rt", Depends: "linux-image-2-rt"}, apttest.Deb{Package: "linux-image-2-rt"},
	)
	h.archive.Publish()
	h.apply(txn.Change{Deploy: ref})
	own := h.local(apttest.Deb{Package: "linux-image-own"})
	for _, c := range []struct {
		change         txn.Change
		added, removed []string
	}{
		{txn.Change{OverrideReplace: []string{"linux-image-test"}}, []string{"linux-image-2-test"}, []string{"linux-image-1-test"}},
		{txn.Change{OverrideReplace: []string{"linux-image-test/stable"}}, []string{"linux-image-2-test"}, []string{"linux-image-1-test"}},
		{txn.Change{OverrideReplaceLocal: []string{own}}, []string{"linux-image-own"}, []string{"linux-image-1-test", "linux-image-test"}},
	} {
		p := h.plan(c.change)
		require.Equal(t, c.added, names(p))
		removed := []string{}
		for _, r := range p.Removed {
			removed = append(removed, r.Name)
		}
		require.Equal(t, c.removed, removed)
	}
	c := txn.Change{Install: []string{"linux-image-rt"}}
	err := h.planError(c)
	require.ErrorContains(t, err, "linux-image-2-rt_1.0_all cannot be layered beside linux-image-1-test_1.0_all of the base")
	require.Equal(t, txn.KindRequest, txn.Classify(err))
	p := h.plan(*txn.Advise(err, c)[0].Change)
	require.Len(t, p.Packages, 2, "the way out works")
	require.Len(t, p.Removed, 2)
}
