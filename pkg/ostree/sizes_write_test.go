package ostree_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestSizesAreThoseOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Full())
	// Ours reads what theirs has compressed, since two compressors differ.
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c, err := ostree.ParseChecksum(ostreetest.CLI(t, r, "commit", "--orphan", "--generate-sizes", "--tree=dir="+dir))
	require.NoError(t, err)
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	want, ok := commit.Metadata.Lookup(ostree.MetadataSizes)
	require.True(t, ok)
	var sizes gvariant.Value
	update(t, r, func(w *ostree.Writer) error {
		sizes, err = w.Sizes(t.Context(), commit.Tree)
		return err
	})
	require.Equal(t, want.Text(), sizes.Text())
}

func TestSizesNeedAnArchive(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.Sizes(t.Context(), ostree.TreeID{})
		return err
	})
	require.ErrorContains(t, err, "archive")
}
