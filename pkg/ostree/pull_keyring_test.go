package ostree_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// trusting is a repository with a remote of some name for src, and the remote
// "author", each with a keyring of one key.
func trusting(t *testing.T, src *ostree.Repo, carrierKey, authorKey []byte) *ostree.Repo {
	t.Helper()
	r := configured(t, ostree.ModeBareUser, map[string]string{
		`remote "carrier"/url`:           "file://" + src.Path(),
		`remote "carrier"/collection-id`: apps,
		`remote "author"/url`:            "http://archive.example/",
	})
	for remote, key := range map[string][]byte{"carrier": carrierKey, "author": authorKey} {
		keys := &sign.Keyring{}
		require.NoError(t, keys.Add(key))
		_, err := r.ImportRemoteKeys(t.Context(), remote, keys, nil)
		require.NoError(t, err)
	}
	return r
}

func TestPullWithKeyringsOfRefs(t *testing.T) {
	t.Parallel()
	carrier, carrierKey := pgpSigner(t, "carrier")
	author, authorKey := pgpSigner(t, "author")
	src := publisher(t)
	a, err := src.Resolve(t.Context(), "a")
	require.NoError(t, err)
	b, err := src.Resolve(t.Context(), "b")
	require.NoError(t, err)
	require.NoError(t, signCommit(t, src, a, author))
	require.NoError(t, signCommit(t, src, b, carrier))
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))

	keyrings := map[ostree.CollectionRef]string{{Collection: apps, Ref: "a"}: "author", {Collection: apps, Ref: "unheard of"}: "author"}
	for name, refs := range map[string][]ostree.PullRef{
		"named by collection": {{Collection: apps, Ref: "a"}, {Collection: apps, Ref: "b"}},
		"named by remote":     {{Ref: "a"}, {Ref: "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dst := trusting(t, src, carrierKey, authorKey)
			_, err := dst.Pull(t.Context(), "carrier", ostree.PullOptions{Refs: refs})
			var unverified *ostree.UnverifiedError
			require.ErrorAs(t, err, &unverified)
			require.Equal(t, a, unverified.Commit, "the key of the author is not that of the carrier")

			_, err = dst.Pull(t.Context(), "carrier", ostree.PullOptions{Refs: refs, Keyrings: keyrings})
			require.NoError(t, err)
			_, err = dst.Pull(t.Context(), "carrier", ostree.PullOptions{Refs: refs, Keyrings: map[ostree.CollectionRef]string{
				{Collection: apps, Ref: "a"}: "author", {Collection: apps, Ref: "b"}: "author",
			}})
			require.ErrorAs(t, err, &unverified)
			require.Equal(t, b, unverified.Commit, "the carrier cannot sign for the author")
		})
	}
}

func TestPullLocalWithKeyringsOfRefs(t *testing.T) {
	t.Parallel()
	carrier, carrierKey := pgpSigner(t, "carrier")
	_, authorKey := pgpSigner(t, "author")
	src := publisher(t)
	a, err := src.Resolve(t.Context(), "a")
	require.NoError(t, err)
	require.NoError(t, signCommit(t, src, a, carrier))
	dst := trusting(t, src, carrierKey, authorKey)
	verify, err := dst.CommitVerification("carrier")
	require.NoError(t, err)
	opts := ostree.PullOptions{Refs: []ostree.PullRef{{Collection: apps, Ref: "a"}}, Remote: "carrier", VerifyCommits: verify}
	_, err = dst.PullLocal(t.Context(), src, opts)
	require.NoError(t, err)
	opts.Keyrings = map[ostree.CollectionRef]string{{Collection: apps, Ref: "a"}: "author"}
	_, err = dst.PullLocal(t.Context(), src, opts)
	require.ErrorIs(t, err, sign.ErrInvalid)
	opts.VerifyCommits = nil
	_, err = dst.PullLocal(t.Context(), src, opts)
	require.NoError(t, err, "nothing is asked for")
}
