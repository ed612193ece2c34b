package txn_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

// does applies a change and gives its messages.
func (h *host) does(c txn.Change) []string {
	h.t.Helper()
	var said []string
	_, err := h.Apply(h.t.Context(), h.plan(c), txn.ApplyOptions{Reporter: step.ReporterFunc(func(e step.Event) {
		if m, ok := e.(step.Message); ok {
			said = append(said, m.Text)
		}
	})})
	require.NoError(h.t, err)
	return said
}

// TestCleanup has a pinned, a running, a pending and a staged deployment.
func TestCleanup(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "1")
	h.does(txn.Change{Pin: &txn.Pin{Index: []int{0}}})
	h.apply(txn.Change{Deploy: "2"})
	h.boot(0)
	h.apply(txn.Change{Upgrade: true})
	require.Equal(t, []string{"3", "2", "1"}, h.deployments())
	require.ErrorContains(t, h.planError(txn.Change{Cleanup: &txn.Cleanup{}}), "what is to be cleaned up?")

	p := h.plan(txn.Change{Cleanup: &txn.Cleanup{Pending: true}})
	require.Equal(t, []string{"debian/" + commits["3"].String() + ".0"}, p.Dropped)
	said := h.does(txn.Change{Cleanup: &txn.Cleanup{Pending: true, Rollback: true}})
	require.Equal(t, "Deployment 2 (1) is kept, since it is pinned", said[0])
	require.True(t, strings.HasPrefix(said[1], "Freed: "), said[1])
	require.Equal(t, []string{"2", "1"}, h.deployments())
	require.Equal(t, "Deployments unchanged.", h.does(txn.Change{Cleanup: &txn.Cleanup{Pending: true}})[0])

	require.Equal(t, []string{"Deployment 1 is unpinned"}, h.does(txn.Change{Pin: &txn.Pin{Index: []int{1}, Off: true}}))
	require.Equal(t, []string{"Deployment 1 is already unpinned"}, h.does(txn.Change{Pin: &txn.Pin{Index: []int{1}, Off: true}}))
	h.does(txn.Change{Cleanup: &txn.Cleanup{Rollback: true}})
	require.Equal(t, []string{"2"}, h.deployments())
	h.fsck()
}

// TestCleanupOfWhatWasDownloaded drops a base that nothing needs, and archive metadata.
func TestCleanupOfWhatWasDownloaded(t *testing.T) {
	t.Parallel()
	h, _, commits := following(t)
	h.apply(txn.Change{Deploy: commits["3"].String(), DownloadOnly: true})
	require.NoError(t, h.Repo().Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetRef(ostree.Refspec{Remote: "far", Ref: ref}, commits["2"])
	}))
	has := func() bool {
		ok, err := h.Repo().Has(t.Context(), ostree.ObjectName{Checksum: commits["3"], Type: ostree.ObjectCommit})
		require.NoError(t, err)
		return ok
	}
	h.does(txn.Change{Cleanup: &txn.Cleanup{Pending: true}})
	require.True(t, has(), "it is held")
	require.NotEmpty(t, h.does(txn.Change{RefreshMetadata: &txn.RefreshMetadata{}}))
	h.does(txn.Change{Cleanup: &txn.Cleanup{Base: true, Metadata: true}})
	require.False(t, has())
	entries, err := os.ReadDir(h.path + "/ostree/deploy/debian/var/cache/apt-ostree")
	require.NoError(t, err)
	require.Empty(t, entries)
	_, err = h.Universe(t.Context(), true)
	require.Error(t, err, "the metadata is gone")
	h.does(txn.Change{RefreshMetadata: &txn.RefreshMetadata{Force: true}})
	_, err = h.Universe(t.Context(), true)
	require.NoError(t, err)
}

// TestPinRefuses what has no place in the list.
func TestPinRefuses(t *testing.T) {
	t.Parallel()
	h, _ := bootedHost(t)
	h.apply(txn.Change{Upgrade: true})
	err := h.planError(txn.Change{Pin: &txn.Pin{Index: []int{0}}})
	require.ErrorIs(t, err, deploy.ErrPinStaged)
	require.Equal(t, txn.KindRequest, txn.Classify(err))
	require.ErrorContains(t, h.planError(txn.Change{Pin: &txn.Pin{Index: []int{2}}}), "there is no deployment 2")
	require.ErrorContains(t, h.planError(txn.Change{Pin: &txn.Pin{}}), "which deployments")
}

func TestPrune(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	for _, version := range []string{"2", "3"} {
		h.does(txn.Change{Pin: &txn.Pin{Index: []int{0}}})
		h.apply(txn.Change{Deploy: version})
	}
	h.commit(ref, "4")
	h.does(txn.Change{Pin: &txn.Pin{Index: []int{0}}})
	h.apply(txn.Change{Upgrade: true})
	h.does(txn.Change{Pin: &txn.Pin{Index: []int{0, 1, 3}, Off: true}})
	require.Equal(t, []string{"4", "3", "2", "1"}, h.deployments(), "2 is pinned")
	dropped := func(limit txn.Prune) []string {
		names := []string{}
		for _, name := range h.plan(txn.Change{Prune: &limit}).Dropped {
			c, err := ostree.ParseChecksum(strings.TrimSuffix(filepath.Base(name), ".0"))
			require.NoError(t, err)
			commit, err := h.Repo().LoadCommit(t.Context(), c)
			require.NoError(t, err)
			names = append(names, commit.Metadata.Str(ostree.MetadataVersion))
		}
		return names
	}
	require.Empty(t, dropped(txn.Prune{}))
	require.Empty(t, dropped(txn.Prune{Keep: 4}))
	require.Equal(t, []string{"1"}, dropped(txn.Prune{Keep: 3}))
	require.Equal(t, []string{"1", "3"}, dropped(txn.Prune{Keep: 1}))
	require.Equal(t, []string{"1", "3"}, dropped(txn.Prune{OlderThan: time.Hour}))
	require.Equal(t, []string{"1"}, dropped(txn.Prune{OlderThan: time.Hour, Keep: 3}))
	require.Empty(t, dropped(txn.Prune{OlderThan: 100 * 365 * 24 * time.Hour}))
	require.Equal(t, []string{"1", "3"}, dropped(txn.Prune{MaxSize: 1}))
	require.Empty(t, dropped(txn.Prune{MaxSize: 1 << 40}))
	require.ErrorContains(t, h.planError(txn.Change{Prune: &txn.Prune{Keep: -1}}), "cannot be negative")
	said := h.does(txn.Change{Prune: &txn.Prune{Keep: 1}})
	require.Contains(t, said, "Deployment 2 (2) is kept, since it is pinned")
	require.Equal(t, []string{"4", "2"}, h.deployments())
}

// TestUndo takes changes back one after the other, whether they are staged or in effect.
func TestUndo(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	require.ErrorContains(t, h.planError(txn.Change{Undo: true}), "nothing to undo")
	h.apply(txn.Change{Kargs: &txn.Kargs{Append: []string{"one"}}})
	h.apply(txn.Change{Upgrade: true})
	h.apply(txn.Change{Kargs: &txn.Kargs{Append: []string{"two"}}})
	require.Equal(t, []string{"3", "2"}, h.deployments())

	d := h.apply(txn.Change{Undo: true})
	require.Equal(t, commits["3"], d.Checksum)
	require.Equal(t, "one", d.Kargs.String())
	d = h.apply(txn.Change{Undo: true})
	require.Equal(t, "one two", d.Kargs.String(), "to undo an undo is to redo")
	require.True(t, d.Staged)
	h.shutdown()

	h.boot(0)
	h.apply(txn.Change{Deploy: "2", AllowDowngrade: true})
	require.Equal(t, []string{"2", "3", "2"}, h.deployments())
	p := h.plan(txn.Change{Undo: true})
	require.False(t, p.Stage)
	require.Equal(t, commits["3"], p.Base)
	require.Len(t, p.Diff.Upgraded, 1)
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum)
	require.False(t, d.Staged)
	require.Equal(t, []string{"3", "2"}, h.deployments(), "what was staged is dropped")
	h.apply(txn.Change{Rollback: true})
	require.Equal(t, commits["3"], h.apply(txn.Change{Undo: true}).Checksum, "a rollback is taken back")
	require.Equal(t, []string{"3", "2"}, h.deployments())
}

// TestUndoOfPackages brings back the requests, if need be by assembling anew.
func TestUndoOfPackages(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	h.layer("tool")
	d := h.apply(txn.Change{Uninstall: []string{"tool"}})
	require.Empty(t, d.Origin.Requested)
	d = h.apply(txn.Change{Undo: true})
	require.Equal(t, []string{"tool"}, d.Origin.Requested)
	require.Equal(t, "1", d.Version)
	h.apply(txn.Change{Uninstall: []string{"tool"}})
	h.does(txn.Change{Prune: &txn.Prune{Keep: 1}})
	p := h.plan(txn.Change{Undo: true})
	require.Equal(t, []string{"tool"}, p.Requested)
	require.Equal(t, []string{"libtool", "tool"}, names(p))
	require.True(t, p.Assembled.IsZero(), "the tree is gone")
}

func TestCheckout(t *testing.T) {
	t.Parallel()
	h, commits := bootedHost(t)
	for rev, want := range map[string]string{"0": "2", ref: "3", commits["1"].String(): "1"} {
		dir := filepath.Join(t.TempDir(), "tree")
		_, err := h.Checkout(t.Context(), rev, dir, txn.CheckoutOptions{})
		require.NoError(t, err)
		text, err := os.ReadFile(dir + "/usr/share/version")
		require.NoError(t, err)
		require.Equal(t, want, string(text))
		require.NoError(t, os.WriteFile(dir+"/usr/share/version", []byte("mine"), 0o644))
	}
	dir := filepath.Join(t.TempDir(), "part")
	_, err := h.Checkout(t.Context(), "0", dir, txn.CheckoutOptions{Subpath: "/usr/share", UserMode: true})
	require.NoError(t, err)
	text, err := os.ReadFile(dir + "/version")
	require.NoError(t, err)
	require.Equal(t, "2", string(text), "the repository was not changed")
	_, err = h.Checkout(t.Context(), "9", dir, txn.CheckoutOptions{})
	require.ErrorContains(t, err, "there is no deployment 9")
	_, err = h.Checkout(t.Context(), "none", dir, txn.CheckoutOptions{})
	require.Equal(t, txn.KindNotFound, txn.Classify(err))
	h.fsck()
}

func TestUnlockNeedsARunningSystem(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "1")
	require.ErrorIs(t, h.planError(txn.Change{Unlock: deploy.UnlockHotfix}), deploy.ErrNotBooted)
	require.ErrorContains(t, h.planError(txn.Change{Unlock: "bogus"}), `unlock "bogus"`)
}
