package ostree_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// configured makes a repository with keys in its configuration.
func configured(t *testing.T, mode ostree.Mode, values map[string]string) *ostree.Repo {
	t.Helper()
	r := ostreetest.Repo(t, mode)
	for key, value := range values {
		group, key, ok := strings.Cut(key, "/")
		require.True(t, ok)
		require.NoError(t, r.SetConfigValue(group, key, value))
	}
	return ostreetest.Open(t, r.Path())
}

// addRefFile writes a ref of which the commit is known to exist.
func addRefFile(t *testing.T, r *ostree.Repo, path string, c ostree.Checksum) {
	t.Helper()
	path = filepath.Join(r.Path(), "refs", path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(c.String()+"\n"), 0o600))
}

func readSummary(t *testing.T, r *ostree.Repo) *ostree.Summary {
	t.Helper()
	s, _, err := r.Summary(t.Context())
	require.NoError(t, err)
	return s
}

func TestUpdateSummary(t *testing.T) {
	t.Parallel()
	r := configured(t, ostree.ModeArchive, map[string]string{
		"core/tombstone-commits":        "true",
		`remote "apps"/collection-id`:   "org.example.Apps",
		`remote "nameless"/url`:         "http://archive.example/",
		`remote "broken"/collection-id`: "../../etc",
	})
	c := ostreetest.Commit(t, r, "os/main", ostreetest.Plain())
	other := ostreetest.Commit(t, r, "", ostreetest.Full())
	addRefFile(t, r, "mirrors/org.example.Apps/editor", other)
	addRefFile(t, r, "remotes/apps/editor", c) // the mirrored one wins
	addRefFile(t, r, "remotes/apps/game", other)
	addRefFile(t, r, "remotes/nameless/x", c)
	addRefFile(t, r, "remotes/broken/x", c)
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "summary.sig"), []byte("old"), 0o600))

	require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{Metadata: ostree.Metadata{
		{Key: ostree.SummaryExpires, Value: bigEndian(2000000000)},
		{Key: ostree.SummaryMode, Value: gvariant.String("wrong")},
	}}))
	require.NoFileExists(t, filepath.Join(r.Path(), "summary.sig"), "a signature of another summary")

	s := readSummary(t, r)
	require.Len(t, s.Refs, 1)
	ref, ok := s.Lookup("os/main")
	require.True(t, ok)
	require.Equal(t, c, ref.Commit)
	require.Equal(t, ostreetest.Timestamp(), ref.Timestamp())
	require.Equal(t, "archive-z2", s.Mode())
	require.Equal(t, time.Unix(2000000000, 0).UTC(), s.Expires())
	require.WithinDuration(t, time.Now(), s.LastModified(), time.Minute)
	require.True(t, s.Tombstones())
	require.Len(t, s.Collections, 1)
	require.Len(t, s.Collections[0].Refs, 2)
	editor, ok := s.LookupCollection("org.example.Apps", "editor")
	require.True(t, ok)
	require.Equal(t, other, editor.Commit)

	left, err := filepath.Glob(filepath.Join(r.Path(), "tmp", "summary*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestUpdateSummaryOfCollection(t *testing.T) {
	t.Parallel()
	r := configured(t, ostree.ModeArchive, map[string]string{"core/collection-id": "org.example.Main"})
	ostreetest.Commit(t, r, "main", ostreetest.Plain())
	opts := ostree.SummaryOptions{Metadata: ostree.Metadata{{Key: "map", Value: gvariant.Dict()}}}
	require.NoError(t, r.UpdateSummary(t.Context(), opts))
	require.NoError(t, r.UpdateSummary(t.Context(), opts))

	s := readSummary(t, r)
	require.Equal(t, "org.example.Main", s.CollectionID())
	ref, ok := s.LookupCollection("org.example.Main", ostree.MetadataRef)
	require.True(t, ok)
	commit, err := r.LoadCommit(t.Context(), ref.Commit)
	require.NoError(t, err)
	require.False(t, commit.Parent.IsZero(), "the second update goes on from the first")
	require.Equal(t, "org.example.Main", commit.Metadata.Str(ostree.MetadataCollectionBinding))
	binding, _ := commit.Metadata.Lookup(ostree.MetadataRefBinding)
	require.Equal(t, "['ostree-metadata']", binding.Text())
	_, ok = commit.Metadata.Lookup("map")
	require.True(t, ok)

	require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{NoMetadataCommit: true}))
	again, ok := readSummary(t, r).Lookup(ostree.MetadataRef)
	require.True(t, ok)
	require.Equal(t, ref.Commit, again.Commit)
}

func TestSummaryLosesNoRef(t *testing.T) {
	t.Parallel()
	r := configured(t, ostree.ModeBareUser, map[string]string{"core/auto-update-summary": "true"})
	c := ostreetest.Commit(t, r, "first", ostreetest.Plain())
	require.Len(t, readSummary(t, r).Refs, 1)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			err := r.Update(t.Context(), func(w *ostree.Writer) error {
				return w.SetRef(ostree.Refspec{Ref: fmt.Sprintf("many/%d", i)}, c)
			})
			require.NoError(t, err)
		})
	}
	group.Wait()
	require.Len(t, readSummary(t, r).Refs, 9)

	before, _, err := r.ReadSummary(t.Context())
	require.NoError(t, err)
	ostreetest.Commit(t, r, "", ostreetest.Full())
	after, _, err := r.ReadSummary(t.Context())
	require.NoError(t, err)
	require.Equal(t, before, after, "no ref has changed")
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error { return w.DeleteRef(ostree.Refspec{Ref: "first"}) }))
	require.Len(t, readSummary(t, r).Refs, 8)
}

func TestUpdateSummaryNeedsTheCommits(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	addRefFile(t, r, "heads/gone", ostree.Checksum{1})
	require.ErrorIs(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{}), ostree.ErrObjectNotFound)
	require.NoFileExists(t, filepath.Join(r.Path(), "summary"))
}

// Both programs must say the same of one repository, and read what the other wrote.
func TestSummaryLikeThePeer(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	for _, values := range []map[string]string{
		{`remote "apps"/collection-id`: "org.example.Apps"},
		{"core/collection-id": "org.example.Main", `remote "apps"/collection-id`: "org.example.Apps"},
		{"core/no-deltas-in-summary": "true"},
	} {
		r := configured(t, ostree.ModeArchive, values)
		c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
		ostreetest.CLI(t, r, "commit", "--branch=versioned", "--add-metadata-string=version=7", t.TempDir())
		ostreetest.CLI(t, r, "static-delta", "generate", "--empty", "main")
		addRefFile(t, r, "mirrors/org.example.Apps/editor", c)
		addRefFile(t, r, "remotes/apps/game", c)

		ostreetest.CLI(t, r, "summary", "-u")
		theirs := readSummary(t, r)
		view := ostreetest.CLI(t, r, "summary", "-v")
		require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{NoMetadataCommit: true}))
		ours := readSummary(t, r)
		require.Equal(t, summaryLines(view), summaryLines(ostreetest.CLI(t, r, "summary", "-v")))
		require.Equal(t, theirs.Refs, ours.Refs)
		require.Equal(t, theirs.Collections, ours.Collections)
	}
}

// summaryLines leaves out the order of the dictionary and the time.
func summaryLines(view string) map[string]bool {
	lines := make(map[string]bool)
	for line := range strings.Lines(view) {
		if !strings.HasPrefix(line, "Last-Modified") {
			lines[strings.TrimSpace(line)] = true
		}
	}
	return lines
}

func BenchmarkUpdateSummary(b *testing.B) {
	r := ostreetest.Repo(b, ostree.ModeArchive)
	id := func() ostree.TreeID {
		c := ostreetest.Commit(b, r, "", ostreetest.Plain())
		commit, err := r.LoadCommit(b.Context(), c)
		require.NoError(b, err)
		return commit.Tree
	}()
	require.NoError(b, r.Update(b.Context(), func(w *ostree.Writer) error {
		for i := range 10000 {
			c, err := w.WriteCommit(b.Context(), ostree.Commit{Subject: fmt.Sprint(i), Timestamp: ostreetest.Timestamp(), Tree: id})
			if err != nil {
				return err
			}
			if err := w.SetRef(ostree.Refspec{Ref: fmt.Sprintf("app/%d/%d", i%100, i)}, c); err != nil {
				return err
			}
		}
		return nil
	}))
	for b.Loop() {
		require.NoError(b, r.UpdateSummary(b.Context(), ostree.SummaryOptions{}))
	}
}

func TestSignedSummary(t *testing.T) {
	t.Parallel()
	r := configured(t, ostree.ModeArchive, map[string]string{"core/collection-id": "org.example.Main"})
	ostreetest.Commit(t, r, "main", ostreetest.Plain())
	signer := func(secret string) sign.Signer {
		s, err := sign.NewSigner(sign.Dummy, secret, sign.Options{Dummy: true})
		require.NoError(t, err)
		return s
	}
	check := func(key string) {
		t.Helper()
		data, _, err := r.ReadSummary(t.Context())
		require.NoError(t, err)
		s, signatures, err := r.Summary(t.Context())
		require.NoError(t, err)
		verify(t, key, data, signatures)
		ref, ok := s.Lookup(ostree.MetadataRef)
		require.True(t, ok)
		detached, err := r.DetachedMetadata(t.Context(), ref.Commit)
		require.NoError(t, err)
		verify(t, "first", nil, detached)
	}
	require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{Signers: []sign.Signer{signer("first")}}))
	check("first")
	summary, err := os.Stat(filepath.Join(r.Path(), "summary"))
	require.NoError(t, err)
	signature, err := os.Stat(filepath.Join(r.Path(), "summary.sig"))
	require.NoError(t, err)
	require.Equal(t, summary.ModTime(), signature.ModTime(), "HTTP caches drop both at once")

	require.NoError(t, r.SignSummary(t.Context(), signer("second")))
	check("first")
	check("second")
}

// verify checks that there is a signature by a dummy key.
func verify(t *testing.T, key string, data []byte, signatures ostree.Metadata) {
	t.Helper()
	v, err := sign.NewVerifier(sign.Dummy, sign.Keys{Trusted: [][]byte{[]byte(key)}}, sign.Options{Dummy: true})
	require.NoError(t, err)
	value, ok := signatures.Lookup(sign.MetadataKey(sign.Dummy))
	require.True(t, ok)
	var list [][]byte
	for _, s := range value.Children() {
		b, err := s.Bytes()
		require.NoError(t, err)
		list = append(list, b)
	}
	_, err = v.Verify(t.Context(), data, list)
	require.NoError(t, err)
}
