package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

func TestCommitsAndWhatTheyNeed(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	one := commitWith(t, r, "1", ostree.Checksum{}, "main")
	two := commitWith(t, r, "2", one, "main")
	commits, err := r.Commits(t.Context())
	require.NoError(t, err)
	require.ElementsMatch(t, []ostree.Checksum{one, two}, commits)

	objects, err := r.Reachable(t.Context(), 0, two)
	require.NoError(t, err)
	require.Len(t, objects, 3, "commit, dirtree and dirmeta")
	objects, err = r.Reachable(t.Context(), -1, two)
	require.NoError(t, err)
	require.Len(t, objects, 4)
	for object := range objects {
		size, err := r.StorageSize(t.Context(), object)
		require.NoError(t, err)
		st, err := os.Stat(filepath.Join(r.Path(), "objects", object.String()[:2], object.String()[2:]))
		require.NoError(t, err)
		require.EqualValues(t, st.Size(), size)
	}
	_, err = r.StorageSize(t.Context(), ostree.ObjectName{Checksum: one, Type: ostree.ObjectFile})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
}

func TestLoadVariant(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "subject", ostree.Checksum{})
	v, err := r.LoadVariant(t.Context(), ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})
	require.NoError(t, err)
	subject, err := v.At(3)
	require.NoError(t, err)
	require.True(t, subject.Equal(gvariant.String("subject")))
	_, err = r.LoadVariant(t.Context(), ostree.ObjectName{Checksum: c, Type: ostree.ObjectFile})
	require.Error(t, err)
}

func TestResolveSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "1", ostree.Checksum{}, "main")
	var noParent *ostree.NoParentError
	_, err := r.Resolve(t.Context(), "main^")
	require.ErrorAs(t, err, &noParent)
	require.Equal(t, c, noParent.Commit)

	twin := c.String()[:63] + map[bool]string{true: "0", false: "1"}[c.String()[63] != '0']
	object := filepath.Join(r.Path(), "objects", c.String()[:2])
	require.NoError(t, os.Link(filepath.Join(object, c.String()[2:]+".commit"), filepath.Join(object, twin[2:]+".commit")))
	var ambiguous *ostree.AmbiguousRevError
	_, err = r.Resolve(t.Context(), c.String()[:20])
	require.ErrorAs(t, err, &ambiguous)
	require.Len(t, ambiguous.Commits, 2)
}

func FuzzObjectSizes(f *testing.F) {
	f.Add([]byte(nil))
	f.Add(append(make([]byte, 32), 1, 2, 3))
	f.Add(append(make([]byte, 32), 0xff, 0x01, 0x80, 0x80, 0x01))
	f.Fuzz(func(t *testing.T, entry []byte) {
		commit := ostree.Commit{Metadata: ostree.Metadata{{Key: ostree.MetadataSizes, Value: gvariant.Array("ay", gvariant.Bytes(entry))}}}
		sizes, err := commit.ObjectSizes()
		if err == nil {
			require.Len(t, sizes, 1)
		}
	})
}
