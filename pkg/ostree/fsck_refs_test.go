package ostree_test

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// boundCommit writes a commit that is bound to refs and, if it is not empty, to
// a collection.
func boundCommit(t *testing.T, r *ostree.Repo, collection string, refs ...string) ostree.Checksum {
	t.Helper()
	var c ostree.Checksum
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		ctx := t.Context()
		tree, err := ostreetest.Build(ctx, w, ostreetest.Tree{"f": ostreetest.File("f")})
		if err != nil {
			return err
		}
		commit := ostree.Commit{Timestamp: ostreetest.Timestamp()}
		if refs != nil {
			commit.Metadata.Set(ostree.MetadataRefBinding, gvariant.Strings(refs))
		}
		if collection != "" {
			commit.Metadata.Set(ostree.MetadataCollectionBinding, gvariant.String(collection))
		}
		if commit.Tree, err = w.WriteTree(ctx, tree); err != nil {
			return err
		}
		c, err = w.WriteCommit(ctx, commit)
		return err
	}))
	return c
}

func setRefs(t *testing.T, r *ostree.Repo, set func(ctx context.Context, w *ostree.Writer) error) {
	t.Helper()
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error { return set(t.Context(), w) }))
}

func TestFsckChecksBindings(t *testing.T) {
	t.Parallel()
	const collection, elsewhere = "org.example.One", "org.example.Two"
	for name, test := range map[string]struct {
		collection string
		bound      []string
		ref        ostree.CollectionRef
		want       *ostree.BindingError
	}{
		"bound":            {"", []string{"a", "b"}, ostree.CollectionRef{Ref: "b"}, nil},
		"not bound":        {"", nil, ostree.CollectionRef{Ref: "b"}, nil},
		"other ref":        {"", []string{"a"}, ostree.CollectionRef{Ref: "b"}, &ostree.BindingError{Ref: "b", Bound: []string{"a"}}},
		"no ref":           {"", []string{}, ostree.CollectionRef{Ref: "b"}, &ostree.BindingError{Ref: "b", Bound: []string{}}},
		"mirror":           {collection, []string{"b"}, ostree.CollectionRef{Collection: collection, Ref: "b"}, nil},
		"other collection": {elsewhere, []string{"b"}, ostree.CollectionRef{Collection: collection, Ref: "b"}, &ostree.BindingError{Collection: collection, Ref: "b", BoundCollection: elsewhere}},
		"no collection":    {"", []string{"b"}, ostree.CollectionRef{Collection: collection, Ref: "b"}, &ostree.BindingError{Collection: collection, Ref: "b", Missing: ostree.MetadataCollectionBinding}},
		"unbound mirror":   {collection, nil, ostree.CollectionRef{Collection: collection, Ref: "b"}, &ostree.BindingError{Collection: collection, Ref: "b", Missing: ostree.MetadataRefBinding}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, ostree.ModeBareUser)
			c := boundCommit(t, r, test.collection, test.bound...)
			setRefs(t, r, func(_ context.Context, w *ostree.Writer) error {
				if test.ref.Collection != "" {
					return w.SetCollectionRef(test.ref, c)
				}
				return w.SetRef(ostree.Refspec{Ref: test.ref.Ref}, c)
			})
			_, err := r.Fsck(t.Context(), ostree.FsckOptions{})
			require.NoError(t, err)
			_, err = r.Fsck(t.Context(), ostree.FsckOptions{Bindings: true})
			if test.want == nil {
				require.NoError(t, err)
				return
			}
			var got *ostree.BindingError
			require.ErrorAs(t, err, &got)
			require.Equal(t, test.want, got)
			require.ErrorContains(t, err, "bound to")
		})
	}
}

func TestFsckChecksBackRefs(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	a := boundCommit(t, r, "", "a")
	b := boundCommit(t, r, "", "a", "b")
	backRefs := func() *ostree.BackRefError {
		_, err := r.Fsck(t.Context(), ostree.FsckOptions{BackRefs: true})
		var got *ostree.BackRefError
		if err == nil {
			return nil
		}
		require.ErrorAs(t, err, &got)
		return got
	}
	setRefs(t, r, func(_ context.Context, w *ostree.Writer) error { return w.SetRef(ostree.Refspec{Ref: "a"}, a) })
	got := backRefs()
	require.Equal(t, b, got.Commit)
	require.Equal(t, a, got.Other)
	setRefs(t, r, func(_ context.Context, w *ostree.Writer) error { return w.SetRef(ostree.Refspec{Ref: "a"}, b) })
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: a, Type: ostree.ObjectCommit})))
	require.Equal(t, &ostree.BackRefError{Commit: b, Ref: "b"}, backRefs())
	setRefs(t, r, func(_ context.Context, w *ostree.Writer) error {
		return w.SetRef(ostree.Refspec{Remote: "o", Ref: "b"}, b)
	})
	require.Nil(t, backRefs())
}

func TestFsckMirrorToNothing(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := boundCommit(t, r, "org.example.One", "a")
	setRefs(t, r, func(_ context.Context, w *ostree.Writer) error {
		return w.SetCollectionRef(ostree.CollectionRef{Collection: "org.example.One", Ref: "a"}, c)
	})
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.Equal(t, "mirrors/org.example.One/a", report.Problems[0].Ref)
}
