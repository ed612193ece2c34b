package ostree_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// deltaServer serves a repository with an old and a new commit of "main", and
// the static deltas that are asked for.
func deltaServer(t *testing.T, scratch bool, opts ostree.DeltaOptions) (src *ostree.Repo, server *pullServer, from, to ostree.Checksum) {
	t.Helper()
	src = ostreetest.Repo(t, ostree.ModeArchive)
	from = ostreetest.Commit(t, src, "main", variety("one"))
	to = ostreetest.Commit(t, src, "main", variety("two"))
	_, err := src.GenerateDelta(t.Context(), from, to, opts)
	require.NoError(t, err)
	if scratch {
		_, err = src.GenerateDelta(t.Context(), ostree.Checksum{}, to, opts)
		require.NoError(t, err)
	}
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	return src, serve(t, src), from, to
}

// withOld makes a client that has a commit.
func withOld(t *testing.T, url string, c ostree.Checksum) *ostree.Repo {
	t.Helper()
	dst := pullClient(t, ostree.ModeBareUser, url)
	_, err := dst.Pull(t.Context(), "origin", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "main", Commit: c}}, Deltas: ostree.DeltasOff})
	require.NoError(t, err)
	return dst
}

func needDeltas(refs ...string) ostree.PullOptions {
	opts := quick(refs...)
	opts.Deltas = ostree.DeltasRequired
	return opts
}

func TestPullDelta(t *testing.T) {
	t.Parallel()
	for name, opts := range map[string]ostree.DeltaOptions{
		"files": {}, "inline": {Inline: true}, "big-endian": {BigEndian: true}, "fallback": {MinFallback: 4}, "parts": {MaxPart: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, server, from, to := deltaServer(t, true, opts)
			dst := withOld(t, server.URL, from)
			server.asked("")
			result, err := dst.Pull(t.Context(), "origin", quick("main"))
			require.NoError(t, err)
			require.Equal(t, result.TotalDeltaParts, result.DeltaParts)
			require.Positive(t, result.DeltaParts)
			loose := 0
			if name == "fallback" {
				loose = 1
			}
			require.Len(t, server.asked(".filez"), loose)
			require.Equal(t, loose, result.TotalDeltaFallbacks)
			require.Equal(t, to, resolve(t, dst, "origin:main"))
			require.Equal(t, ostreetest.List(t, src, to), ostreetest.List(t, dst, to))
			requireWhole(t, dst, to)

			fresh := pullClient(t, ostree.ModeBareUser, server.URL)
			result, err = fresh.Pull(t.Context(), "origin", needDeltas("main"))
			require.NoError(t, err)
			require.Positive(t, result.DeltaParts)
			require.Len(t, server.asked(".filez"), result.TotalDeltaFallbacks)
			requireWhole(t, fresh, to)
			result, err = fresh.Pull(t.Context(), "origin", needDeltas("main"))
			require.NoError(t, err)
			require.Zero(t, result.DeltaParts)
		})
	}
}

func TestPullDeltaChoice(t *testing.T) {
	t.Parallel()
	src, server, from, to := deltaServer(t, true, ostree.DeltaOptions{})
	used := func(dst *ostree.Repo, opts ostree.PullOptions) bool {
		server.asked("")
		_, err := dst.Pull(t.Context(), "origin", opts)
		require.NoError(t, err)
		requireWhole(t, dst, to)
		return len(server.asked("superblock")) > 0
	}
	off := quick("main")
	off.Deltas = ostree.DeltasOff
	require.False(t, used(withOld(t, server.URL, from), off))
	require.False(t, used(pullClient(t, ostree.ModeArchive, server.URL), quick("main")), "an archive needs what it would compress again")

	// Who has an earlier commit of the ref has most objects, so nothing is made from scratch.
	other := ostreetest.Commit(t, src, "other", variety("three"))
	dst := withOld(t, server.URL, other)
	require.False(t, used(dst, quick("main")))

	// A partial commit is nothing to start from.
	dst = pullClient(t, ostree.ModeBareUser, server.URL)
	only := quick()
	only.Refs, only.CommitOnly = []ostree.PullRef{{Ref: "main", Commit: from}}, true
	_, err := dst.Pull(t.Context(), "origin", only)
	require.NoError(t, err)
	require.False(t, used(dst, quick("main")))

	// Commits that are asked for by checksum are looked up in the index.
	dst = withOld(t, server.URL, from)
	byChecksum := quick()
	byChecksum.Refs = []ostree.PullRef{{Commit: to}}
	require.True(t, used(dst, byChecksum))

	// One that is listed and gone is no obstacle, unless it is required.
	require.NoError(t, os.RemoveAll(filepath.Join(src.Path(), "deltas")))
	require.True(t, used(withOld(t, server.URL, from), quick("main")))
	_, err = withOld(t, server.URL, from).Pull(t.Context(), "origin", needDeltas("main"))
	var none *ostree.NoDeltaError
	require.ErrorAs(t, err, &none)
	require.Equal(t, to, none.Commit)
}

func TestPullDeltaDryRun(t *testing.T) {
	t.Parallel()
	src, server, from, to := deltaServer(t, false, ostree.DeltaOptions{})
	dst := withOld(t, server.URL, from)
	before := listing(t, dst.Path())
	opts := needDeltas("main")
	opts.DryRun = true
	result, err := dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	require.Zero(t, result.DeltaParts+int(result.DeltaSize))
	require.Equal(t, 1, result.TotalDeltaParts)
	require.Positive(t, result.TotalDeltaSize)
	require.Greater(t, result.TotalDeltaContent, result.TotalDeltaSize)
	require.Equal(t, before, listing(t, dst.Path()))

	local, err := dst.PullLocal(t.Context(), src, opts)
	require.NoError(t, err)
	require.Equal(t, result.TotalDeltaSize, local.TotalDeltaSize)

	opts.Deltas = ostree.DeltasIfAny
	_, err = dst.Pull(t.Context(), "origin", opts)
	require.Error(t, err)
	archive := pullClient(t, ostree.ModeArchive, server.URL)
	_, err = archive.Pull(t.Context(), "origin", needDeltas("main"))
	require.ErrorIs(t, err, ostree.ErrArchiveDeltas)
	_, err = dst.PullLocal(t.Context(), src, needDeltas("main"))
	require.NoError(t, err)
	require.Equal(t, to, resolve(t, dst, "main"))
}

func TestPullRefusesChangedDeltas(t *testing.T) {
	t.Parallel()
	_, server, from, _ := deltaServer(t, false, ostree.DeltaOptions{})
	for end, listed := range map[string]bool{"/superblock": true, "/0": false} {
		server.answer(func(w http.ResponseWriter, path string) bool {
			if !strings.HasPrefix(path, "deltas/") || !strings.HasSuffix(path, end) {
				return false
			}
			_, _ = w.Write(bytes.Repeat([]byte("x"), 100)) // the client may have gone
			return true
		})
		dst := withOld(t, server.URL, from)
		before := objectsOf(t, dst)
		_, err := dst.Pull(t.Context(), "origin", quick("main"))
		var checksum *ostree.DeltaChecksumError
		if listed {
			require.ErrorAs(t, err, &checksum)
		} else {
			require.Error(t, err)
		}
		require.Equal(t, before, objectsOf(t, dst))
		require.Equal(t, from, resolve(t, dst, "origin:main"))
	}
}

func TestPullSignedDelta(t *testing.T) {
	t.Parallel()
	signer, err := sign.NewSigner(sign.Dummy, "secret", sign.Options{Dummy: true})
	require.NoError(t, err)
	for name, signers := range map[string][]sign.Signer{"signed": {signer}, "not signed": nil} {
		src, server, from, to := deltaServer(t, false, ostree.DeltaOptions{Signers: signers})
		update(t, src, func(w *ostree.Writer) error { return w.SignCommit(t.Context(), to, signer) })
		dst := withOld(t, server.URL, from)
		require.NoError(t, dst.SetConfigValue("core", "sign-verify-deltas", "true"))
		dst, err = ostree.Open(dst.Path(), ostree.Options{NoSync: true, DummySign: true})
		require.NoError(t, err)
		t.Cleanup(func() { require.NoError(t, dst.Close()) })
		_, err = dst.Pull(t.Context(), "origin", quick("main"))
		require.ErrorIs(t, err, ostree.ErrDeltaKeyNeeded, name)

		addRemote(t, dst, server.URL, ostree.RemoteOption{Key: "sign-verify", Value: "dummy"}, ostree.RemoteOption{Key: "verification-dummy-key", Value: "secret"})
		_, err = dst.Pull(t.Context(), "origin", quick("main"))
		if signers == nil {
			require.ErrorIs(t, err, ostree.ErrDeltaNotSigned)
			continue
		}
		require.NoError(t, err)
		requireWhole(t, dst, to)
	}
}

// The commit in a delta counts like any other before its parts are fetched.
func TestPullDeltaVerifiesFirst(t *testing.T) {
	t.Parallel()
	_, server, from, to := deltaServer(t, false, ostree.DeltaOptions{})
	dst := withOld(t, server.URL, from)
	addRemote(t, dst, server.URL, ostree.RemoteOption{Key: "sign-verify", Value: "ed25519"},
		ostree.RemoteOption{Key: "verification-ed25519-key", Value: "dGhlcmUgaXMgbm8gc3VjaCBrZXksIGl0IGlzIDMyLi4="})
	server.asked("")
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	var unverified *ostree.UnverifiedError
	require.ErrorAs(t, err, &unverified)
	require.Equal(t, to, unverified.Commit)
	asked := server.asked("deltas/")
	require.Len(t, asked, 1)
	require.Contains(t, asked[0], "superblock")
}
