package ostree_test

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestPull(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	src := ostreetest.Repo(t, ostree.ModeArchive)
	old := ostreetest.Commit(t, src, "main", variety("one"))
	c := ostreetest.Commit(t, src, "main", variety("two"))
	server := serve(t, src)
	for _, mode := range append([]ostree.Mode{ostree.ModeBare}, writableModes...) {
		dst := pullClient(t, mode, server.URL)
		opts := quick()
		opts.Deltas = ostree.DeltasOff // there are none, and to find that out takes a request
		opts.Refs = []ostree.PullRef{{Ref: "main", Commit: old}}
		result, err := dst.Pull(t.Context(), "origin", opts)
		require.NoError(t, err)
		require.Equal(t, 9, result.FetchedContent)
		require.Equal(t, old, resolve(t, dst, "origin:main"))

		opts.Refs[0].Commit = ostree.Checksum{}
		result, err = dst.Pull(t.Context(), "origin", opts)
		require.NoError(t, err)
		require.False(t, result.Local)
		require.Equal(t, 2, result.FetchedContent, "only what has changed")
		require.Equal(t, 5, result.FetchedMetadata, "commitmeta, commit, three dirtrees")
		require.Positive(t, result.BytesTransferred)
		require.Equal(t, []ostree.PulledRef{{PullRef: ostree.PullRef{Ref: "main", Commit: c}, Previous: old}}, result.Refs)
		require.Equal(t, c, resolve(t, dst, "origin:main"))
		require.Equal(t, ostreetest.List(t, src, c), ostreetest.List(t, dst, c))
		require.Len(t, objectNames(t, dst, ".commit"), 2)
		requireWhole(t, dst, c)

		result, err = dst.Pull(t.Context(), "origin", opts)
		require.NoError(t, err)
		require.Equal(t, 1, result.FetchedMetadata)
		require.Zero(t, result.FetchedContent)
	}
}

// An archive keeps the bytes of another archive.
func TestPullKeepsCompressedBytes(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	dst := pullClient(t, ostree.ModeArchive, serve(t, src).URL)
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	for _, path := range []string{"/usr/large", "/etc/name", "/usr/bin/alias", "/usr/empty"} {
		object := fileObject(t, src, c, path)
		want, err := os.ReadFile(objectFile(src, object))
		require.NoError(t, err)
		got, err := os.ReadFile(objectFile(dst, object))
		require.NoError(t, err)
		require.Equal(t, want, got, path)
	}
}

func TestPullDepth(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	var commits []ostree.Checksum
	for _, n := range []string{"one", "two", "three", "four"} {
		commits = append(commits, ostreetest.Commit(t, src, "main", variety(n)))
	}
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL)
	depth := func(n int) error {
		opts := quick("main")
		opts.Depth = n
		_, err := dst.Pull(t.Context(), "origin", opts)
		if err == nil {
			_, err = dst.PullLocal(t.Context(), src, opts)
		}
		return err
	}
	for n, want := range []int{1, 2, 3} {
		require.NoError(t, depth(n))
		require.Len(t, objectNames(t, dst, ".commit"), want)
	}
	require.NoError(t, depth(-1))
	require.Len(t, objectNames(t, dst, ".commit"), 4)
	requireWhole(t, dst, commits[0])
	require.Error(t, depth(-2))

	// A parent that is lost ends the chain, unless the remote marks what it deletes.
	require.NoError(t, os.Remove(objectFile(src, ostree.ObjectName{Checksum: commits[1], Type: ostree.ObjectCommit})))
	dst = pullClient(t, ostree.ModeBareUser, server.URL)
	require.NoError(t, depth(-1))
	require.Len(t, objectNames(t, dst, ".commit"), 2)
	states, err := filepath.Glob(filepath.Join(dst.Path(), "state", "*"))
	require.NoError(t, err)
	require.Empty(t, states)

	require.NoError(t, src.SetConfigValue("core", "tombstone-commits", "true"))
	dst = pullClient(t, ostree.ModeBareUser, server.URL)
	require.ErrorIs(t, depth(-1), ostree.ErrObjectNotFound)
	_, err = src.Fsck(t.Context(), ostree.FsckOptions{Tombstones: true})
	require.NoError(t, err)
	require.NoError(t, depth(-1))
	has, err := dst.HasTombstone(t.Context(), commits[1])
	require.NoError(t, err)
	require.True(t, has)

	require.NoError(t, os.Remove(objectFile(src, ostree.ObjectName{Checksum: commits[3], Type: ostree.ObjectCommit})))
	dst = pullClient(t, ostree.ModeBareUser, server.URL)
	require.ErrorIs(t, depth(-1), ostree.ErrObjectNotFound)
}

func TestPullParts(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL)

	opts := quick("main")
	opts.CommitOnly = true
	_, err := dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	require.Len(t, objectsOf(t, dst), 1)
	state, err := dst.CommitState(t.Context(), c)
	require.NoError(t, err)
	require.Equal(t, ostree.CommitPartial, state)
	require.Equal(t, c, resolve(t, dst, "origin:main"))

	for _, local := range []bool{false, true} {
		opts = quick("main")
		opts.Subpaths = []string{"/usr/lib/a/b", "/etc/name", "/usr/bin/", "/usr/nothing"}
		dst := pullClient(t, ostree.ModeBareUser, server.URL)
		if local {
			_, err = dst.PullLocal(t.Context(), src, opts)
		} else {
			_, err = dst.Pull(t.Context(), "origin", opts)
		}
		require.NoError(t, err)
		for path, want := range map[string]bool{
			"/usr/lib/a/b/c/d": true, "/etc/name": true, "/usr/bin/tool": true, "/usr/large": false, "/opt/one": false,
		} {
			has, err := dst.Has(t.Context(), fileObject(t, src, c, path))
			require.NoError(t, err)
			require.Equal(t, want, has, path)
		}
		state, err = dst.CommitState(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, ostree.CommitPartial, state)
	}
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	requireWhole(t, dst, c)
	_, err = dst.Pull(t.Context(), "origin", ostree.PullOptions{Refs: opts.Refs, Subpaths: []string{"usr"}})
	require.Error(t, err)
}

func TestPullMirror(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	main := ostreetest.Commit(t, src, "main", variety("one"))
	other := ostreetest.Commit(t, src, "a/other", variety("two"))
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeArchive, server.URL)
	opts := quick()
	_, err := dst.Pull(t.Context(), "origin", opts)
	require.ErrorIs(t, err, ostree.ErrNoBranches)
	opts.Mirror = true
	_, err = dst.Pull(t.Context(), "origin", opts)
	var missing *ostree.NoSummaryError
	require.ErrorAs(t, err, &missing)

	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	require.NoError(t, os.WriteFile(filepath.Join(src.Path(), "summary.sig"), []byte("not looked at"), 0o644))
	_, err = dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	refs, err := dst.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, map[ostree.Refspec]ostree.Checksum{{Ref: "main"}: main, {Ref: "a/other"}: other}, refs)
	for _, name := range []string{"summary", "summary.sig"} {
		want, err := os.ReadFile(filepath.Join(src.Path(), name))
		require.NoError(t, err)
		got, err := os.ReadFile(filepath.Join(dst.Path(), name))
		require.NoError(t, err)
		require.Equal(t, want, got)
	}

	dst = pullClient(t, ostree.ModeArchive, server.URL)
	opts.Refs = []ostree.PullRef{{Ref: "main"}}
	_, err = dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dst.Path(), "summary"))
	opts.Refs[0].Ref = "missing"
	_, err = dst.Pull(t.Context(), "origin", opts)
	var unlisted *ostree.SummaryRefError
	require.ErrorAs(t, err, &unlisted)
}

func TestPullCollections(t *testing.T) {
	t.Parallel()
	const id = "org.example.OS"
	src := ostreetest.Repo(t, ostree.ModeArchive)
	require.NoError(t, src.SetConfigValue("core", "collection-id", id))
	src = ostreetest.Open(t, src.Path())
	bind := func(collection string, refs ...string) func(*ostree.Commit) {
		return func(c *ostree.Commit) {
			c.Metadata.Set(ostree.MetadataRefBinding, gvariant.Strings(refs))
			c.Metadata.Set(ostree.MetadataCollectionBinding, gvariant.String(collection))
		}
	}
	good := commitChanged(t, src, "good", variety("one"), bind(id, "good"))
	for ref, change := range map[string]func(*ostree.Commit){
		"unbound": func(*ostree.Commit) {},
		"foreign": bind("org.example.Other", "foreign"),
		"moved":   bind(id, "good"),
	} {
		commitChanged(t, src, ref, variety("one"), change)
	}
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	server := serve(t, src)
	for _, url := range []string{server.URL, "file://" + src.Path()} {
		dst := pullClient(t, ostree.ModeArchive, url, ostree.RemoteOption{Key: "collection-id", Value: id})
		_, err := dst.Pull(t.Context(), "origin", quick("good"))
		require.NoError(t, err)
		for _, ref := range []string{"unbound", "foreign", "moved"} {
			_, err := dst.Pull(t.Context(), "origin", quick(ref))
			var binding *ostree.BindingError
			require.ErrorAs(t, err, &binding, ref)
			_, err = dst.Resolve(t.Context(), "origin:"+ref)
			require.ErrorIs(t, err, ostree.ErrRefNotFound)
			opts := quick(ref)
			opts.IgnoreBindings = true
			_, err = dst.Pull(t.Context(), "origin", opts)
			require.NoError(t, err)
		}
		opts := quick("good")
		opts.Mirror = true
		_, err = dst.Pull(t.Context(), "origin", opts)
		require.NoError(t, err)
		refs, err := dst.CollectionRefs(t.Context(), id, ostree.CollectionRefsOptions{NoRemotes: true})
		require.NoError(t, err)
		require.Equal(t, map[ostree.CollectionRef]ostree.Checksum{{Collection: id, Ref: "good"}: good}, refs)
	}
}

func TestPullTimestamps(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	at := func(hours int) func(*ostree.Commit) {
		return func(c *ostree.Commit) {
			c.Timestamp = ostreetest.Timestamp().Add(time.Duration(hours) * time.Hour)
		}
	}
	oldest := commitChanged(t, src, "main", variety("one"), at(0))
	middle := commitChanged(t, src, "main", variety("one"), at(1))
	newest := commitChanged(t, src, "main", variety("one"), at(2))
	dst := pullClient(t, ostree.ModeArchive, serve(t, src).URL)
	pull := func(c ostree.Checksum, from string, check bool) error {
		opts := quick()
		opts.Refs = []ostree.PullRef{{Ref: "main", Commit: c}}
		opts.TimestampCheck, opts.TimestampCheckFrom = check, from
		_, err := dst.Pull(t.Context(), "origin", opts)
		return err
	}
	require.NoError(t, pull(oldest, "", true))
	require.NoError(t, pull(newest, "", true))
	require.NoError(t, pull(newest, "", true))
	var older *ostree.OlderCommitError
	require.ErrorAs(t, pull(middle, "", true), &older)
	require.Equal(t, newest, older.Current)
	require.Equal(t, newest, resolve(t, dst, "origin:main"))
	require.ErrorAs(t, pull(middle, "origin:main", false), &older)
	require.NoError(t, pull(middle, oldest.String(), false))
	require.Equal(t, middle, resolve(t, dst, "origin:main"))
	require.NoError(t, pull(oldest, "", false))
}

// What a commit's signature says counts before its tree is fetched.
func TestPullVerifiesFirst(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL,
		ostree.RemoteOption{Key: "sign-verify", Value: "ed25519"},
		ostree.RemoteOption{Key: "verification-ed25519-key", Value: "dGhlcmUgaXMgbm8gc3VjaCBrZXksIGl0IGlzIDMyLi4="})
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	var unverified *ostree.UnverifiedError
	require.ErrorAs(t, err, &unverified)
	require.Equal(t, c, unverified.Commit)
	require.Empty(t, objectsOf(t, dst))
	require.True(t, !slices.ContainsFunc(server.asked("objects"), func(path string) bool { return !strings.Contains(path, ".commit") }))
}

// An interrupted pull goes on where it stopped.
func TestPullResumes(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	server := serve(t, src)
	dst := pullClient(t, ostree.ModeBareUser, server.URL)
	fetched := map[string]int{}
	for attempt := 0; ; attempt++ {
		require.Less(t, attempt, 40)
		left := 3
		server.answer(func(w http.ResponseWriter, path string) bool {
			if !strings.Contains(path, "objects/") || strings.HasSuffix(path, ".commitmeta") {
				return false
			}
			if left--; left < 0 {
				w.WriteHeader(http.StatusInternalServerError)
				return true
			}
			fetched[path]++
			return false
		})
		_, err := dst.Pull(t.Context(), "origin", quick("main"))
		if err == nil {
			break
		}
		var failed *ostree.FetchError
		require.ErrorAs(t, err, &failed)
		require.Empty(t, objectsOf(t, dst))
		state, err := dst.CommitState(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, ostree.CommitPartial, state)
	}
	requireWhole(t, dst, c)
	require.Equal(t, c, resolve(t, dst, "origin:main"))
	twice := 0
	for _, n := range fetched {
		twice += n - 1
	}
	require.Less(t, twice, len(fetched), "what was complete is not fetched again")
}

func TestPullProgress(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	ostreetest.Commit(t, src, "main", variety("one"))
	dst := pullClient(t, ostree.ModeArchive, serve(t, src).URL)
	var last ostree.PullProgress
	opts := quick("main")
	opts.ProgressInterval = time.Millisecond
	opts.Progress = func(p ostree.PullProgress) {
		require.GreaterOrEqual(t, p.FetchedContent, last.FetchedContent)
		last = p
	}
	result, err := dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	require.Equal(t, result.FetchedContent, last.FetchedContent)
	require.Equal(t, 9, last.RequestedContent)
	require.Positive(t, last.ContentBytesWritten)
}

func TestPullRefusesRemotesThatAreNotReady(t *testing.T) {
	t.Parallel()
	dst := ostreetest.Repo(t, ostree.ModeArchive)
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	var unknown *ostree.RemoteNotFoundError
	require.ErrorAs(t, err, &unknown)
	addRemote(t, dst, "https://archive.example/", ostree.RemoteOption{Key: "unconfigured-state", Value: "pay first"})
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	var unconfigured *ostree.UnconfiguredError
	require.ErrorAs(t, err, &unconfigured)
	require.Equal(t, "pay first", unconfigured.State)

	bare := ostreetest.Repo(t, ostree.ModeBareUser)
	ostreetest.Commit(t, bare, "main", variety("one"))
	dst = pullClient(t, ostree.ModeArchive, serve(t, bare).URL)
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	var mode *ostree.RemoteModeError
	require.ErrorAs(t, err, &mode)
}

// Each program pulls what the other one serves.
func TestPullWithPeer(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	ours := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, ours, "main", variety("one"))
	theirs := pullClient(t, ostree.ModeArchive, serve(t, ours).URL)
	ostreetest.CLI(t, theirs, "pull", "--mirror", "origin", "main")
	require.Contains(t, ostreetest.CLI(t, theirs, "fsck"), "no errors found")

	again := pullClient(t, ostree.ModeBareUser, serve(t, theirs).URL)
	_, err := again.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	require.Equal(t, ostreetest.List(t, ours, c), ostreetest.List(t, again, c))
	require.Contains(t, ostreetest.CLI(t, again, "fsck"), "no errors found")
}
