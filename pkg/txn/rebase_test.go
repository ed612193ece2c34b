package txn_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// TestRebaseForms has each way to say what is followed.
func TestRebaseForms(t *testing.T) {
	t.Parallel()
	h, r, commits := following(t)
	other := h.commitTo(r.Repo, "other", "7")
	local := h.commit("local", "8")
	sum := commits["1"].String()
	for _, c := range []struct {
		rebase   txn.Rebase
		refspec  string
		base     ostree.Checksum
		override string
	}{
		{txn.Rebase{Refspec: "far:other"}, "far:other", other, ""},
		{txn.Rebase{Refspec: "ostree://far:other"}, "far:other", other, ""},
		{txn.Rebase{Refspec: "other"}, "far:other", other, ""},
		{txn.Rebase{Branch: "other"}, "far:other", other, ""},
		{txn.Rebase{Remote: "far", Branch: "other"}, "far:other", other, ""},
		{txn.Rebase{Refspec: ":local"}, "local", local, ""},
		{txn.Rebase{Refspec: sum}, sum, commits["1"], ""},
		{txn.Rebase{Refspec: ":" + other.String()}, other.String(), other, ""},
		{txn.Rebase{Refspec: "far:" + sum}, sum, commits["1"], ""},
		{txn.Rebase{Refspec: "far:" + ref, Revision: "1"}, "far:" + ref, commits["1"], sum},
		{txn.Rebase{Refspec: "far:" + ref, Revision: sum}, "far:" + ref, commits["1"], sum},
	} {
		if c.rebase.Refspec == ":"+other.String() || c.rebase.Refspec == sum {
			pull := ostree.PullOptions{Refs: []ostree.PullRef{{Commit: c.base}}}
			_, err := h.Repo().Pull(t.Context(), "far", pull)
			require.NoError(t, err)
		}
		p := h.plan(txn.Change{Rebase: &c.rebase, AllowDowngrade: true})
		require.Equal(t, c.refspec, p.Refspec, "%+v", c.rebase)
		require.Equal(t, c.base, p.Base, "%+v", c.rebase)
	}
	p := h.plan(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref, Revision: "1"}, AllowDowngrade: true})
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, sum, d.Origin.OverrideCommit)

	for text, rebase := range map[string]txn.Rebase{
		"needs a refspec":             {Revision: "x"},
		"must be used together":       {Refspec: "far:x", CustomURL: "x"},
		"not of the form":             {Refspec: "/nowhere:ref"},
		"leaves no revision":          {Refspec: sum, Revision: "1"},
		`remote "nope" is not`:        {Refspec: "nope:x"},
		"Old and new refs are equal:": {Refspec: "far:" + ref},
	} {
		require.ErrorContains(t, h.planError(txn.Change{Rebase: &rebase, AllowDowngrade: true}), text)
	}
}

// TestRebasePurges the ref that is no longer followed, unless it is to be kept.
func TestRebasePurges(t *testing.T) {
	t.Parallel()
	for _, keep := range []bool{false, true} {
		h, r, _ := following(t)
		other := h.commitTo(r.Repo, "other", "7")
		d := h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "other", SkipPurge: keep}})
		require.Equal(t, other, d.Checksum)
		require.Equal(t, "far:other", d.Origin.Refspec)
		refs, err := h.Repo().Refs(t.Context(), "")
		require.NoError(t, err)
		_, has := refs[ostree.Refspec{Remote: "far", Ref: ref}]
		require.Equal(t, keep, has)
		require.Contains(t, refs, ostree.Refspec{Remote: "far", Ref: "other"})
		h.fsck()
	}
}

// TestRebaseToARepositoryOnThisMachine pins to what its ref names now.
func TestRebaseToARepositoryOnThisMachine(t *testing.T) {
	t.Parallel()
	h, _, _ := following(t)
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := h.commitTo(src, "built", "9")
	d := h.apply(txn.Change{Rebase: &txn.Rebase{
		Refspec: src.Path() + ":built", CustomURL: "https://archive.example/os", CustomDescription: "built here",
	}})
	require.Equal(t, c, d.Checksum)
	require.Equal(t, c.String(), d.Origin.Refspec)
	require.Equal(t, "built here", d.Origin.CustomDescription)
	require.ErrorContains(t, h.planError(txn.Change{Upgrade: true}), "Pinned to commit by custom origin: built here")
	h.fsck()
	d = h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}, AllowDowngrade: true})
	require.Empty(t, d.Origin.CustomDescription)
}

// TestUnconfigured blocks everything but a rebase.
func TestUnconfigured(t *testing.T) {
	t.Parallel()
	h, r, _ := following(t)
	h.commitTo(r.Repo, "other", "7")
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	o := list[0].Origin.Clone()
	o.Unconfigured = "register first"
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))
	for _, c := range []txn.Change{{Upgrade: true}, {Install: []string{"tool"}}, {Deploy: "3"}} {
		require.ErrorContains(t, h.planError(c), "origin unconfigured-state: register first")
	}
	require.Empty(t, h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "other"}}).Origin.Unconfigured)
}

// TestContainerOrigin has a system that another program deployed from a container image, which is gone. Its
// packages can be changed, and it can be rebased.
func TestContainerOrigin(t *testing.T) {
	t.Parallel()
	h, _, commits := following(t)
	list, err := h.sysroot.Deployments(t.Context())
	require.NoError(t, err)
	o, err := origin.Parse([]byte("[origin]\ncontainer-image-reference=ostree-unverified-image:oci:/nonexistent\n"))
	require.NoError(t, err)
	require.NoError(t, h.sysroot.SetOrigin(t.Context(), list[0], o))
	err = h.planError(txn.Change{Upgrade: true})
	require.ErrorContains(t, err, "image oci:/nonexistent not found")
	require.Equal(t, txn.KindNotFound, txn.Classify(err))
	require.Equal(t, []string{"libtool", "tool"}, names(h.plan(txn.Change{Install: []string{"tool"}})))
	d := h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}})
	require.Equal(t, commits["3"], d.Checksum)
	require.NoError(t, d.Origin.Check())
	require.Empty(t, d.Origin.ContainerImage)
}
