package txn_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// images is a place where versions of a system are published as an image.
type images struct {
	*remote
	to oci.Location
}

// newImages is a host that runs version 2 of a remote, and an image of version 3.
func newImages(t *testing.T) (*host, *images) {
	t.Helper()
	h, r, commits := following(t)
	i := &images{r, oci.Location{Transport: oci.Layout, Name: filepath.Join(t.TempDir(), "image") + ":latest"}}
	i.encapsulate(commits["3"])
	return h, i
}

// encapsulate makes a commit the newest image.
func (i *images) encapsulate(c ostree.Checksum) *oci.Exported {
	i.h.t.Helper()
	exported, err := oci.Export(i.h.t.Context(), i.Repo, c, i.to, oci.ExportOptions{
		Owner: func(path string) string { return filepath.Dir(path) }, Labels: map[string]string{oci.LabelBootable: "true"},
	})
	require.NoError(i.h.t, err)
	return exported
}

// ref is the reference of the image.
func (i *images) ref() string { return "ostree-unverified-image:" + i.to.String() }

// layers counts the layers that a host keeps.
func (h *host) layers() int {
	h.t.Helper()
	refs, err := h.Repo().Refs(h.t.Context(), "ostree/container/blob")
	require.NoError(h.t, err)
	return len(refs)
}

func TestRebaseToAnImage(t *testing.T) {
	t.Parallel()
	h, i := newImages(t)
	image, err := oci.Open(t.Context(), i.to, oci.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, image.Close()) })
	rebase := txn.Change{Rebase: &txn.Rebase{Refspec: i.ref()}}

	p := h.plan(rebase)
	require.Equal(t, i.ref(), p.ContainerImage)
	require.Equal(t, image.Digest, p.ContainerDigest)
	require.Equal(t, "3", p.BaseVersion)
	require.True(t, p.PullBase)
	require.False(t, p.Unchanged)
	require.Zero(t, h.layers(), "a plan fetches no layers")

	d := h.apply(rebase)
	require.Equal(t, i.ref(), d.Origin.ContainerImage)
	require.NoError(t, d.Origin.Check())
	require.Equal(t, "3", d.Version)
	commit, err := h.Repo().LoadCommit(t.Context(), d.Checksum)
	require.NoError(t, err)
	require.Equal(t, image.Digest, oci.ImageDigest(commit))
	base, err := i.LoadCommit(t.Context(), image.Commit())
	require.NoError(t, err)
	require.Equal(t, base.Tree, commit.Tree)
	require.Equal(t, len(image.Layers()), h.layers())

	status, err := h.Status(t.Context())
	require.NoError(t, err)
	text, err := json.Marshal(status.Deployments[0])
	require.NoError(t, err)
	require.Contains(t, string(text), `"container-image-reference":"`+i.ref()+`"`)
	require.Contains(t, string(text), `"container-image-reference-digest":"`+image.Digest+`"`)
	require.NotContains(t, string(text), "schemaVersion")

	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
	require.True(t, h.plan(txn.Change{Upgrade: true, CacheOnly: true}).Unchanged)
	require.ErrorContains(t, h.planError(rebase), "Old and new refs are equal: "+i.ref())
	h.fsck()
}

func TestUpgradeOfAnImage(t *testing.T) {
	t.Parallel()
	h, i := newImages(t)
	h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: i.ref()}})
	before := h.layers()

	exported := i.encapsulate(i.publish("4")["4"])
	p := h.plan(txn.Change{Upgrade: true})
	require.Equal(t, exported.Digest, p.ContainerDigest)
	require.Equal(t, "4", p.BaseVersion)
	require.Equal(t, before, h.layers(), "a plan fetches no layers")
	d := h.apply(txn.Change{Upgrade: true})
	require.Equal(t, "4", d.Version)
	require.Equal(t, i.ref(), d.Origin.ContainerImage)
	require.Less(t, h.layers(), before+len(exported.Layers), "layers that are the same are not fetched")

	// Packages are chosen by what is in the image, so its layers are fetched for the plan.
	i.encapsulate(i.publish("5")["5"])
	p = h.plan(txn.Change{Upgrade: true, Install: []string{"tool"}})
	require.Equal(t, []string{"libtool", "tool"}, names(p))
	require.Equal(t, "5", p.BaseVersion)
	commit, err := h.Repo().LoadCommit(t.Context(), p.Base)
	require.NoError(t, err)
	require.Equal(t, p.ContainerDigest, oci.ImageDigest(commit))
	require.False(t, p.PullBase)
	d = h.apply(txn.Change{Upgrade: true})
	require.Equal(t, "5", d.Version)
	h.fsck()

	// An older image is refused.
	i.encapsulate(i.publish("1")["1"])
	err = h.planError(txn.Change{Upgrade: true})
	require.ErrorContains(t, err, "is chronologically older than current revision")
	require.Equal(t, txn.KindRequest, txn.Classify(err))
}

func TestImagesThatAreRefused(t *testing.T) {
	t.Parallel()
	h, i := newImages(t)
	plain := oci.Location{Transport: oci.Layout, Name: filepath.Join(t.TempDir(), "plain")}
	_, err := oci.Export(t.Context(), i.Repo, i.publish("9")["9"], plain, oci.ExportOptions{})
	require.NoError(t, err)
	other := oci.Location{Transport: oci.Layout, Name: filepath.Join(t.TempDir(), "other")}
	_, err = oci.Export(t.Context(), i.Repo, i.publish("10")["10"], other, oci.ExportOptions{Labels: map[string]string{oci.LabelBootc: "1"}, Architecture: "s390x"})
	require.NoError(t, err)
	for _, c := range []struct {
		rebase txn.Rebase
		want   string
		kind   txn.Kind
	}{
		{txn.Rebase{Refspec: "ostree-image-signed:" + i.to.String()}, "use ostree-remote-registry:REMOTE:NAME", txn.KindUnsupported},
		{txn.Rebase{Refspec: "ostree-unverified-image:containers-storage:os"}, "copy the image with skopeo", txn.KindUnsupported},
		{txn.Rebase{Refspec: "docker://archive.example/os"}, "does not say what vouches for it", txn.KindRequest},
		{txn.Rebase{Refspec: "ostree-unverified-image:oci:/nonexistent"}, "not found", txn.KindNotFound},
		{txn.Rebase{Refspec: "ostree-unverified-image:" + plain.String()}, "is not a system that boots", txn.KindRequest},
		{txn.Rebase{Refspec: "ostree-unverified-image:" + other.String()}, "is for the architecture s390x", txn.KindRequest},
		{txn.Rebase{Refspec: i.ref(), Revision: "3"}, "is chosen by its digest", txn.KindRequest},
		{txn.Rebase{Refspec: i.ref(), Branch: "x"}, "neither a remote nor a branch", txn.KindRequest},
	} {
		err := h.planError(txn.Change{Rebase: &c.rebase})
		require.ErrorContains(t, err, c.want)
		require.Equal(t, c.kind, txn.Classify(err), c.want)
	}
	_, err = h.Plan(t.Context(), txn.Change{Rebase: &txn.Rebase{Refspec: i.ref()}, CacheOnly: true})
	require.Equal(t, txn.KindUnavailable, txn.Classify(err))

	// A remote that verifies nothing vouches for nothing.
	p := h.plan(txn.Change{Rebase: &txn.Rebase{Refspec: "ostree-remote-image:far:" + i.to.String()}})
	_, err = h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.ErrorContains(t, err, "verifies no commits")
	require.Zero(t, h.layers())
}
