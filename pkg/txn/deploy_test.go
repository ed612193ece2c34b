package txn_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestFirstDeployment deploys on a sysroot that has nothing: a ref is followed, another name of a
// commit is not.
func TestFirstDeployment(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	one := h.commit(ref, "1")
	two := h.commit(ref, "2")
	for revision, want := range map[string]string{
		ref: ref, ref + "^": one.String(), one.String(): one.String(), two.String()[:12]: two.String(), "revision=" + ref: two.String(),
	} {
		require.Equal(t, want, h.plan(txn.Change{Deploy: revision}).Refspec, revision)
	}
	for _, c := range []txn.Change{{Install: []string{"tool"}}, {Upgrade: true}, {UninstallAll: true}, {Rollback: true}} {
		err := h.planError(c)
		require.ErrorAs(t, err, new(*txn.NoDeploymentError))
		require.Equal(t, txn.KindNotFound, txn.Classify(err))
	}
	err := h.planError(txn.Change{Deploy: ref, Install: []string{"tool"}})
	require.ErrorAs(t, err, new(*txn.RequestError))
	require.ErrorContains(t, err, "deploy first")
	require.ErrorContains(t, h.planError(txn.Change{Deploy: ref, OverrideRemove: []string{"extra"}}), "deploy first")
	err = h.planError(txn.Change{Deploy: "version=1"})
	require.ErrorContains(t, err, "Cannot look up version")

	d := h.apply(txn.Change{Deploy: ref})
	require.Equal(t, two, d.Checksum)
	require.Equal(t, ref, d.Origin.Refspec)
	require.FileExists(t, d.Path+"/etc/apt/sources.list.d/test.sources")
}

func TestDeployRevisions(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	h.apply(txn.Change{Deploy: "2", AllowDowngrade: true})
	other := h.commit("other/ref", "5")
	for revision, want := range map[string]struct {
		commit             ostree.Checksum
		refspec, overridde string
	}{
		"3":                          {commits["3"], ref, commits["3"].String()},
		"version=3":                  {commits["3"], ref, commits["3"].String()},
		"VERSION=3":                  {commits["3"], ref, commits["3"].String()},
		commits["3"].String():        {commits["3"], ref, commits["3"].String()},
		commits["3"].String()[:10]:   {commits["3"], ref, commits["3"].String()},
		"revision=" + ref:            {commits["3"], ref, commits["3"].String()},
		ref:                          {commits["3"], ref, ""},
		"other/ref":                  {other, "other/ref", ""},
		"revision=" + other.String(): {other, ref, other.String()},
	} {
		p := h.plan(txn.Change{Deploy: revision, SkipBranchCheck: want.commit == other})
		require.Equal(t, want.commit, p.Base, revision)
		require.Equal(t, want.refspec, p.Refspec, revision)
		d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
		require.NoError(t, err)
		require.Equal(t, want.overridde, d.Origin.OverrideCommit, revision)
		h.apply(txn.Change{Rollback: true})
	}
	for revision, text := range map[string]string{
		"9":                   `"9" is neither a version on test/stable nor a ref or commit of ` + h.Repo().Path(),
		"version=9":           `test/stable: no commit of version "9" in the history`,
		"version=":            `test/stable: no commit of version "" in the history`,
		"revision=no/ref":     `ref "no/ref" not found`,
		"revision=" + zeros(): "Checksum " + zeros() + " not found in test/stable",
		zeros():               "Checksum " + zeros() + " not found in test/stable",
		other.String():        "Checksum " + other.String() + " not found in test/stable",
	} {
		err := h.planError(txn.Change{Deploy: revision})
		require.ErrorContains(t, err, text)
		require.Equal(t, txn.KindNotFound, txn.Classify(err), revision)
	}
}

func zeros() string { return ostree.Checksum{31: 1}.String() }

// TestPinnedToCommit has an origin that is a checksum.
func TestPinnedToCommit(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	one, two := h.commit(ref, "1"), h.commit(ref, "2")
	h.apply(txn.Change{Deploy: one.String()})
	err := h.planError(txn.Change{Upgrade: true})
	require.ErrorContains(t, err, "Pinned to commit; no upgrade available")
	require.Equal(t, txn.KindRequest, txn.Classify(err))
	require.ErrorContains(t, h.planError(txn.Change{Deploy: "version=2"}), "pinned to commit")
	require.ErrorContains(t, h.planError(txn.Change{Deploy: "2"}), `"2" is neither`)

	require.Equal(t, []string{"tool"}, h.plan(txn.Change{Install: []string{"tool"}}).Requested, "layering works")
	d := h.apply(txn.Change{Deploy: two.String()})
	require.Equal(t, two.String(), d.Origin.Refspec)
	require.Empty(t, d.Origin.OverrideCommit)
	d = h.apply(txn.Change{Deploy: ref})
	require.Equal(t, ref, d.Origin.Refspec)
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
}

func TestUpgrade(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	p := h.plan(txn.Change{Upgrade: true})
	require.False(t, p.Unchanged)
	require.Equal(t, commits["2"], p.From)
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, "3", p.BaseVersion)
	require.Len(t, p.Diff.Upgraded, 1)
	require.Equal(t, "3.0", p.Diff.Upgraded[0].To.Version.String())
	require.Equal(t, []string{"2"}, h.deployments(), "a plan changes nothing")
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum)
	require.Equal(t, []string{"3", "2"}, h.deployments())
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)

	h.apply(txn.Change{Deploy: "2", AllowDowngrade: true})
	require.Equal(t, commits["3"], h.apply(txn.Change{Upgrade: true}).Checksum)
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	require.Empty(t, list[0].Origin.OverrideCommit, "an upgrade ends what deploy pinned")
}

func TestDowngrade(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	h.write(ref, h.tree("2"), ostree.Commit{Timestamp: ostreetest.Timestamp()})
	for _, c := range []txn.Change{{Upgrade: true}, {Deploy: ref}, {Deploy: "revision=" + ref}} {
		err := h.planError(c)
		require.ErrorContains(t, err, "is chronologically older than current revision "+commits["3"].String())
		advice := txn.Advise(err, c)
		require.Len(t, advice, 1)
		require.False(t, h.plan(*advice[0].Change).Unchanged)
	}
}

// TestNoOrigin lacks the file beside the deployment, as one that somebody deployed by hand may.
func TestNoOrigin(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	require.NoError(t, os.Remove(h.originFile()))
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Empty(t, status.Deployments[0].Origin)
	require.Empty(t, status.Deployments[0].RequestedPackages)
	require.ErrorContains(t, h.planError(txn.Change{Upgrade: true}), "deploy a ref to follow it")
	require.ErrorContains(t, h.planError(txn.Change{Deploy: "3"}), `"3" is neither a ref nor a commit`)
	require.True(t, h.plan(txn.Change{UninstallAll: true}).Unchanged)
	_, err = h.Installed(t.Context())
	require.NoError(t, err)
	require.Equal(t, []string{"libtool", "tool"}, names(h.plan(txn.Change{Install: []string{"tool"}})))
	require.Equal(t, ref, h.apply(txn.Change{Deploy: ref}).Origin.Refspec)
	require.Equal(t, commits["2"], h.apply(txn.Change{Rollback: true}).Checksum)
}

func TestRollback(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	err := h.planError(txn.Change{Rollback: true})
	require.ErrorAs(t, err, new(*txn.NoDeploymentError))
	require.ErrorContains(t, err, "1 deployments, 2 are needed")
	h.apply(txn.Change{Upgrade: true})
	p := h.plan(txn.Change{Rollback: true})
	require.Equal(t, commits["2"], p.Base)
	require.Equal(t, ref, p.Refspec)
	require.Len(t, p.Diff.Downgraded, 1)
	for _, want := range []string{"2", "3", "2"} {
		require.Equal(t, commits[want], h.apply(txn.Change{Rollback: true}).Checksum)
		require.Equal(t, want, h.deployments()[0])
	}
}

// TestNotDebian deploys a commit without packages and goes back: neither needs a dpkg database.
func TestNotDebian(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "2")
	foreign := h.write("foreign", h.tree("9").Without("usr/lib/sysimage/dpkg/status", "usr/lib/sysimage/dpkg/arch"), ostree.Commit{Timestamp: h.now})
	require.Equal(t, foreign, h.apply(txn.Change{Deploy: "foreign"}).Checksum)
	require.ErrorContains(t, h.planError(txn.Change{Install: []string{"tool"}}), "commit "+foreign.String()+": read dpkg status")
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
	require.Equal(t, commits["2"], h.apply(txn.Change{Rollback: true}).Checksum)
}

// TestHistoryThatIsGone looks for a version beyond where the repository was pruned.
func TestHistoryThatIsGone(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	h.commit(ref, "1")
	h.commit(ref, "2")
	h.apply(txn.Change{Deploy: ref})
	err := h.planError(txn.Change{Deploy: "version=1"})
	require.ErrorAs(t, err, new(*txn.RevisionError))
}

func TestStateroots(t *testing.T) {
	t.Parallel()
	h, _ := deployed(t, "3")
	other := h.open(txn.Options{Stateroot: "none"})
	_, err := other.Plan(t.Context(), txn.Change{Deploy: ref})
	require.ErrorContains(t, err, `there is no stateroot "none"`)
	require.Equal(t, txn.KindNotFound, txn.Classify(err))

	require.NoError(t, h.sysroot.InitStateroot(t.Context(), "second"))
	second := h.open(txn.Options{Stateroot: "second"})
	p, err := second.Plan(t.Context(), txn.Change{Deploy: ref})
	require.NoError(t, err)
	require.True(t, p.From.IsZero())
	_, err = second.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Len(t, status.Deployments, 2)
	_, err = second.Plan(t.Context(), txn.Change{Rollback: true})
	require.ErrorContains(t, err, "stateroot second: 1 deployments")
}

// TestRemoteRef deploys a ref of a remote by its short name, and follows the remote.
func TestRemoteRef(t *testing.T) {
	t.Parallel()
	h, commits := deployed(t, "3")
	require.NoError(t, h.Repo().Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetRef(ostree.Refspec{Remote: "debian", Ref: "far"}, commits["2"])
	}))
	for _, name := range []string{"far", "debian:far"} {
		p := h.plan(txn.Change{Deploy: name, AllowDowngrade: true})
		require.Equal(t, "debian:far", p.Refspec)
	}
	o := origin.New("debian:far")
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, commits["2"].String(), status.Deployments[0].PendingBaseChecksum)
	require.Equal(t, "2", status.Deployments[0].PendingBaseVersion)
}
