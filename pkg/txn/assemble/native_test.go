package assemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// A compose from nothing gives the same commit whoever unpacks.
func TestNativeComposeEqualsDpkg(t *testing.T) {
	repo, b := minimal(t)
	s := debianSet(t, minimalSet...)
	result, err := assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), AllowNoKernel: true, Logger: logger(t),
		Unpacker: assemble.UnpackNative,
	})
	require.NoError(t, err)
	require.Positive(t, result.Native)
	requireSameTree(t, repo, b.tree, result.Tree)
	require.Equal(t, b.commit, result.Commit)
	intact(t, repo)
}
