package txn_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"maps"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// remote is a repository behind a web server that a host is configured for as "far".
type remote struct {
	*ostree.Repo
	h      *host
	server *httptest.Server
	// asked, if set, is told of each request before it is answered.
	asked atomic.Pointer[func(path string)]
}

// newRemote makes one. Commits are not signed unless options ask for it.
func (h *host) newRemote(options ...ostree.RemoteOption) *remote {
	h.t.Helper()
	repo := ostreetest.Repo(h.t, ostree.ModeArchive)
	r := &remote{Repo: repo, h: h}
	files := http.FileServer(http.Dir(repo.Path()))
	r.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if asked := r.asked.Load(); asked != nil {
			(*asked)(req.URL.Path)
		}
		files.ServeHTTP(w, req)
	}))
	h.t.Cleanup(r.server.Close)
	options = append([]ostree.RemoteOption{{Key: "gpg-verify", Value: "false"}}, options...)
	require.NoError(h.t, h.Repo().AddRemote("far", ostree.AddRemoteOptions{URL: r.server.URL, Options: options}))
	return r
}

// publish adds versions to the ref.
func (r *remote) publish(versions ...string) map[string]ostree.Checksum {
	r.h.t.Helper()
	out := map[string]ostree.Checksum{}
	for _, v := range versions {
		out[v] = r.h.commitTo(r.Repo, ref, v)
	}
	return out
}

// following makes a host that runs version 2 of a remote which has 1, 2 and 3.
func following(t *testing.T) (*host, *remote, map[string]ostree.Checksum) {
	t.Helper()
	h := newHost(t)
	r := h.newRemote()
	commits := r.publish("1", "2")
	h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}})
	h.boot(0)
	maps.Copy(commits, r.publish("3"))
	return h, r, commits
}

// fsck lets the real tool look at the repository.
func (h *host) fsck() {
	h.t.Helper()
	testenv.Need(h.t, testenv.Tool("ostree"))
	out, err := exec.CommandContext(h.t.Context(), "ostree", "fsck", "--repo="+h.Repo().Path()).CombinedOutput()
	require.NoError(h.t, err, string(out))
}

// TestPreviewIsWhatIsApplied pulls little for a plan, which knows all the same what the upgrade brings.
func TestPreviewIsWhatIsApplied(t *testing.T) {
	t.Parallel()
	h, _, commits := following(t)
	p := h.plan(txn.Change{Upgrade: true})
	require.True(t, p.PullBase)
	require.Equal(t, commits["3"], p.Base)
	require.Equal(t, "3", p.BaseVersion)
	require.Len(t, p.Diff.Upgraded, 1)
	partial, err := h.Repo().IsPartial(commits["3"])
	require.NoError(t, err)
	require.True(t, partial, "the preview does not download the base")
	tree, err := h.Repo().FS(t.Context(), commits["3"])
	require.NoError(t, err)
	_, err = tree.Open("usr/share/version")
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	status, err := h.Status(t.Context())
	require.NoError(t, err)
	require.Equal(t, commits["3"].String(), status.Deployments[0].PendingBaseChecksum)

	err = h.planError(txn.Change{Upgrade: true, CacheOnly: true})
	require.ErrorAs(t, err, new(*txn.PartialError))
	require.Equal(t, txn.KindUnavailable, txn.Classify(err))
	require.True(t, h.plan(txn.Change{Install: []string{"tool"}}).PullBase == false, "other changes keep the base")

	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum)
	require.True(t, d.Staged)
	require.True(t, h.plan(txn.Change{Upgrade: true}).Unchanged)
	h.fsck()
}

func TestDownloadOnly(t *testing.T) {
	t.Parallel()
	h, r, commits := following(t)
	d := h.apply(txn.Change{Upgrade: true, DownloadOnly: true})
	require.Equal(t, commits["2"], d.Checksum, "nothing is deployed")
	require.Equal(t, []string{"2"}, h.deployments())
	r.server.Close()
	p := h.plan(txn.Change{Upgrade: true, CacheOnly: true})
	require.False(t, p.PullBase)
	d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
	require.NoError(t, err)
	require.Equal(t, commits["3"], d.Checksum)
	refs, err := h.Repo().Refs(t.Context(), "apt-ostree/held")
	require.NoError(t, err)
	require.Empty(t, refs, "what is deployed needs not be held")
	require.ErrorContains(t, h.planError(txn.Change{Upgrade: true, DownloadOnly: true, CacheOnly: true}), "exclude each other")
}

// TestOfflineChanges need no remote: what is kept of the base is enough.
func TestOfflineChanges(t *testing.T) {
	t.Parallel()
	h, r, _ := following(t)
	h.apply(txn.Change{Upgrade: true})
	h.shutdown()
	r.server.Close()
	h.boot(0)
	h.apply(txn.Change{Rollback: true})
	require.Error(t, h.planError(txn.Change{Upgrade: true}))
	require.True(t, h.plan(txn.Change{Upgrade: true, NoPull: true}).Unchanged == false)
}

// TestDeployFromHistory looks for versions and checksums in a history that is at the remote only.
func TestDeployFromHistory(t *testing.T) {
	t.Parallel()
	h := newHost(t)
	r := h.newRemote()
	var versions []string
	for i := range 30 {
		versions = append(versions, strconv.Itoa(i+1))
	}
	commits := r.publish(versions...)
	h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}})
	for _, want := range []string{"29", "17", "2"} {
		p := h.plan(txn.Change{Deploy: want, AllowDowngrade: true})
		require.Equal(t, commits[want], p.Base)
		require.Equal(t, "far:"+ref, p.Refspec)
		require.True(t, p.PullBase)
	}
	err := h.planError(txn.Change{Deploy: "version=31"})
	require.ErrorAs(t, err, new(*txn.RevisionError))
	stranger := h.commitTo(r.Repo, "stranger", "40")
	err = h.planError(txn.Change{Deploy: stranger.String()})
	require.ErrorContains(t, err, "Checksum "+stranger.String()+" not found in far:"+ref)
	require.Equal(t, txn.KindNotFound, txn.Classify(err))
	require.Equal(t, stranger, h.plan(txn.Change{Deploy: stranger.String(), SkipBranchCheck: true}).Base)
	err = h.planError(txn.Change{Deploy: commits["5"].String()})
	require.ErrorContains(t, err, "chronologically older")

	d := h.apply(txn.Change{Deploy: commits["5"].String(), AllowDowngrade: true})
	require.Equal(t, commits["5"], d.Checksum)
	require.Equal(t, commits["5"].String(), d.Origin.OverrideCommit)
	h.fsck()
	d = h.apply(txn.Change{Upgrade: true})
	require.Equal(t, commits["30"], d.Checksum)
	require.Empty(t, d.Origin.OverrideCommit)
	require.ErrorContains(t, h.planError(txn.Change{Upgrade: true, Rebase: &txn.Rebase{Refspec: "x"}}), "both choose the base")
}

// TestOlderRemote is a server that offers an old state. The ref does not follow it.
func TestOlderRemote(t *testing.T) {
	t.Parallel()
	h, r, commits := following(t)
	h.apply(txn.Change{Upgrade: true})
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetRef(ostree.Refspec{Ref: ref}, commits["1"])
	}))
	err := h.planError(txn.Change{Upgrade: true})
	require.ErrorContains(t, err, "is chronologically older than current revision "+commits["3"].String())
	c, err := h.Repo().Resolve(t.Context(), "far:"+ref)
	require.NoError(t, err)
	require.Equal(t, commits["3"], c)
	require.Equal(t, commits["1"], h.apply(txn.Change{Upgrade: true, AllowDowngrade: true}).Checksum)
}

// TestSignatures are checked before a commit is planned with.
func TestSignatures(t *testing.T) {
	t.Parallel()
	public, secret, err := ed25519.GenerateKey(nil)
	require.NoError(t, err)
	h := newHost(t)
	r := h.newRemote(ostree.RemoteOption{Key: "sign-verify", Value: "ed25519"},
		ostree.RemoteOption{Key: "verification-ed25519-key", Value: base64.StdEncoding.EncodeToString(public)})
	c := r.publish("1")["1"]
	err = h.planError(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}})
	require.Equal(t, txn.KindUntrusted, txn.Classify(err), "%v", err)
	signer, err := sign.NewSigner("ed25519", base64.StdEncoding.EncodeToString(secret), sign.Options{})
	require.NoError(t, err)
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error { return w.SignCommit(t.Context(), c, signer) }))
	require.Equal(t, c, h.apply(txn.Change{Rebase: &txn.Rebase{Refspec: "far:" + ref}}).Checksum)
}

// TestUpgradeByDelta takes what makes the new base of the old one, with a summary that lists it and without.
func TestUpgradeByDelta(t *testing.T) {
	t.Parallel()
	for _, summary := range []bool{false, true} {
		h, r, commits := following(t)
		_, err := r.GenerateDelta(t.Context(), commits["2"], commits["3"], ostree.DeltaOptions{})
		require.NoError(t, err)
		_, err = r.GenerateDelta(t.Context(), ostree.Checksum{}, commits["3"], ostree.DeltaOptions{})
		require.NoError(t, err)
		if summary {
			require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
		}
		p := h.plan(txn.Change{Upgrade: true})
		name := ostree.DeltaName{From: commits["2"], To: commits["3"]}
		var parts, other atomic.Int32
		asked := func(path string) {
			switch {
			case strings.HasPrefix(path, "/"+name.Path()):
				parts.Add(1)
			case strings.HasPrefix(path, "/deltas/"), strings.HasSuffix(path, ".filez"):
				other.Add(1)
			}
		}
		r.asked.Store(&asked)
		d, err := h.Apply(t.Context(), p, txn.ApplyOptions{})
		require.NoError(t, err)
		require.Equal(t, commits["3"], d.Checksum)
		require.NotZero(t, parts.Load())
		require.Zero(t, other.Load(), "neither objects nor the delta from nothing")
		h.fsck()
	}
}
