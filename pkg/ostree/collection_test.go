package ostree_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func TestValidateCollectionID(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"a.b", "org.example.OS", "_a._1", "A1.b2.c3"} {
		require.NoError(t, ostree.ValidateCollectionID(id), id)
	}
	for _, id := range []string{"", "a", ".", "a.", ".a", "a..b", "1a.b", "a.1b", "a-b.c", "a/b.c", "é.b", "a." + strings.Repeat("b", 254)} {
		var wrong *ostree.CollectionIDError
		require.ErrorAs(t, ostree.ValidateCollectionID(id), &wrong, id)
	}
}

func TestInitWithCollection(t *testing.T) {
	t.Parallel()
	o := fastOptions
	o.CollectionID = "nope"
	path := filepath.Join(t.TempDir(), "repo")
	_, err := ostree.Init(path, ostree.ModeArchive, o)
	require.Error(t, err)
	require.NoDirExists(t, path, "nothing is made for an invalid name")
	o.CollectionID = "org.example.OS"
	r, err := ostree.Init(path, ostree.ModeArchive, o)
	require.NoError(t, err)
	require.Equal(t, "org.example.OS", r.CollectionID())
	require.NoError(t, r.Close())
}

func TestCollectionRefs(t *testing.T) {
	t.Parallel()
	r := reopen(t, newRepo(t, ostree.ModeArchive), "collection-id=org.example.Own\n")
	one := commitWith(t, r, "1", ostree.Checksum{}, "main", "known:far", "unknown:far")
	two := commitWith(t, r, "2", ostree.Checksum{})
	require.NoError(t, r.AddRemote("known", ostree.AddRemoteOptions{URL: "https://archive.example/repo",
		Options: []ostree.RemoteOption{{Key: "collection-id", Value: "org.example.Known"}}}))
	own, copied := ostree.CollectionRef{Collection: "org.example.Own", Ref: "dev"}, ostree.CollectionRef{Collection: "org.example.Copy", Ref: "a/b"}
	update(t, r, func(w *ostree.Writer) error {
		require.NoError(t, w.SetCollectionRef(own, two))
		return w.SetCollectionRef(copied, two)
	})
	require.FileExists(t, filepath.Join(r.Path(), "refs/heads/dev"), "the repository's own collection is its local refs")
	require.FileExists(t, filepath.Join(r.Path(), "refs/mirrors/org.example.Copy/a/b"))

	main := ostree.CollectionRef{Collection: "org.example.Own", Ref: "main"}
	far := ostree.CollectionRef{Collection: "org.example.Known", Ref: "far"}
	for _, test := range []struct {
		collection string
		opts       ostree.CollectionRefsOptions
		want       map[ostree.CollectionRef]ostree.Checksum
	}{
		{"", ostree.CollectionRefsOptions{}, map[ostree.CollectionRef]ostree.Checksum{main: one, own: two, copied: two, far: one}},
		{"", ostree.CollectionRefsOptions{NoRemotes: true}, map[ostree.CollectionRef]ostree.Checksum{main: one, own: two, copied: two}},
		{"", ostree.CollectionRefsOptions{NoMirrors: true, NoRemotes: true}, map[ostree.CollectionRef]ostree.Checksum{main: one, own: two}},
		{"org.example.Copy", ostree.CollectionRefsOptions{}, map[ostree.CollectionRef]ostree.Checksum{copied: two}},
		{"org.example.None", ostree.CollectionRefsOptions{}, map[ostree.CollectionRef]ostree.Checksum{}},
	} {
		refs, err := r.CollectionRefs(t.Context(), test.collection, test.opts)
		require.NoError(t, err)
		require.Equal(t, test.want, refs, test.collection)
	}
	refs, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Len(t, refs, 4, "copies of collections are no refs of this repository")

	c, err := r.ResolveCollectionRef(t.Context(), copied)
	require.NoError(t, err)
	require.Equal(t, two, c)
	update(t, r, func(w *ostree.Writer) error { return w.DeleteCollectionRef(copied) })
	_, err = r.ResolveCollectionRef(t.Context(), copied)
	require.ErrorIs(t, err, ostree.ErrRefNotFound)
}

func TestCollectionRefNamesStayInside(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "1", ostree.Checksum{})
	for _, ref := range []ostree.CollectionRef{{"../../x.y", "a"}, {"a.b", "../c"}, {"a.b", ""}, {"", "a"}, {"a.b", c.String()}} {
		err := r.Update(t.Context(), func(w *ostree.Writer) error { return w.SetCollectionRef(ref, c) })
		require.Error(t, err, ref.String())
	}
}
