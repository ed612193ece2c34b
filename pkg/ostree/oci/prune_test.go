package oci_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/oci"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestPruneKeepsTheLayersOfWhatIsKept(t *testing.T) {
	t.Parallel()
	repo, commit := source(t)
	one, two := layout(t), layout(t)
	export(t, repo, commit, one, chunked())
	tree := system()
	tree["usr/bin/su"] = ostreetest.File("#!/bin/bash\n")
	export(t, repo, bootable(t, repo, tree), two, chunked())
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	first, err := open(t, one).Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)
	second, err := open(t, two).Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)
	count := func() int {
		refs, err := other.Refs(t.Context(), "ostree/container")
		require.NoError(t, err)
		return len(refs)
	}
	require.Equal(t, 2+5+2, count())
	require.NoError(t, oci.Prune(t.Context(), other, []ostree.Checksum{first.Commit, second.Commit}))
	require.Equal(t, 2+5+2, count())

	require.NoError(t, oci.Prune(t.Context(), other, []ostree.Checksum{second.Commit}))
	require.Equal(t, 1+5, count())
	_, err = other.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true, Depth: -1})
	require.NoError(t, err)
	checkSound(t, other)
	again, err := open(t, two).Import(t.Context(), other, oci.ImportOptions{})
	require.NoError(t, err)
	require.Zero(t, again.Fetched)

	require.NoError(t, oci.Prune(t.Context(), other, nil))
	require.Zero(t, count())
}
