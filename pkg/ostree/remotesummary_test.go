package ostree_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/sign"
)

// A server serves files by path, with tags, and writes down what was asked for.
type server struct {
	url string

	mu    sync.Mutex
	files map[string][]byte
	log   []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{files: make(map[string][]byte)}
	h := httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(h.Close)
	s.url = h.URL
	return s
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	data, ok := s.files[name]
	sum := sha256.Sum256(data)
	tag := `"` + hex.EncodeToString(sum[:]) + `"`
	switch {
	case !ok:
		s.log = append(s.log, name+" 404")
		http.NotFound(w, r)
	case r.Header.Get("If-None-Match") == tag:
		s.log = append(s.log, name+" 304")
		w.WriteHeader(http.StatusNotModified)
	default:
		s.log = append(s.log, name)
		w.Header().Set("ETag", tag)
		_, _ = w.Write(data)
	}
}

func (s *server) set(name string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if data == nil {
		delete(s.files, name)
		return
	}
	s.files[name] = data
}

// requests returns what was asked for since the last call.
func (s *server) requests() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := strings.Join(s.log, ", ")
	s.log = nil
	return log
}

// A summaryPair is a summary and its signature.
type summaryPair struct{ data, sig []byte }

// summaryPairs makes different summaries of one repository, signed by a dummy.
func summaryPairs(t *testing.T, n int) []summaryPair {
	t.Helper()
	r, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), ostree.ModeArchive, ostree.Options{DummySign: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	signer, err := sign.NewSigner(sign.Dummy, "secret", sign.Options{Dummy: true})
	require.NoError(t, err)
	var pairs []summaryPair
	for i := range n {
		ostreetest.Commit(t, r, "ref"+string(rune('a'+i)), ostreetest.Plain())
		require.NoError(t, r.UpdateSummary(t.Context(), ostree.SummaryOptions{Signers: []sign.Signer{signer}}))
		data, err := os.ReadFile(filepath.Join(r.Path(), "summary"))
		require.NoError(t, err)
		sig, err := os.ReadFile(filepath.Join(r.Path(), "summary.sig"))
		require.NoError(t, err)
		pairs = append(pairs, summaryPair{data, sig})
	}
	return pairs
}

// client makes a repository with a remote "o".
func client(t *testing.T, options map[string]string) *ostree.Repo {
	t.Helper()
	path := filepath.Join(t.TempDir(), "client")
	for range 2 {
		r, err := ostree.Init(path, ostree.ModeBareUser, ostree.Options{DummySign: true})
		require.NoError(t, err)
		for key, value := range options {
			require.NoError(t, r.SetConfigValue(`remote "o"`, key, value))
		}
		require.NoError(t, r.Close())
	}
	r, err := ostree.Open(path, ostree.Options{DummySign: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func signed(url string) map[string]string {
	return map[string]string{"url": url, "sign-verify-summary": "dummy", "verification-dummy-key": "secret"}
}

func fetchSummary(t *testing.T, r *ostree.Repo) *ostree.FetchedSummary {
	t.Helper()
	f, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{Retries: -1})
	require.NoError(t, err)
	return f
}

func TestFetchSummary(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := client(t, map[string]string{"url": s.url})
	require.Nil(t, fetchSummary(t, r).Summary)
	require.Equal(t, "summary.sig 404, summary 404", s.requests())

	pair := summaryPairs(t, 1)[0]
	s.set("summary", pair.data)
	f := fetchSummary(t, r)
	require.Equal(t, "refa", f.Summary.Refs[0].Ref)
	require.Equal(t, pair.data, f.Data)
	require.Nil(t, f.Signatures)
	require.Equal(t, "summary.sig 404, summary", s.requests())
	require.NoDirExists(t, filepath.Join(r.Path(), "tmp/cache/summaries"))

	s.set("summary.sig", pair.sig)
	for range 2 {
		f = fetchSummary(t, r)
		require.Equal(t, pair.sig, f.Signatures)
		require.Empty(t, f.Verified, "none was asked for")
	}
	require.Equal(t, "summary.sig, summary, summary.sig 304", s.requests())

	s.set("summary", []byte("garbage"))
	s.set("summary.sig", []byte("garbage"))
	_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{})
	var corrupt *ostree.CorruptError
	require.ErrorAs(t, err, &corrupt)
}

func TestFetchSummaryVerifies(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := client(t, signed(s.url))
	pair := summaryPairs(t, 1)[0]
	fails := func() error {
		_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{})
		require.Error(t, err)
		require.NoDirExists(t, filepath.Join(r.Path(), "tmp/cache/summaries"))
		return err
	}
	var missing *ostree.SummaryMissingError
	require.ErrorAs(t, fails(), &missing)
	require.False(t, missing.Signatures)
	s.set("summary", pair.data)
	require.ErrorAs(t, fails(), &missing)
	require.True(t, missing.Signatures)

	var unverified *ostree.UnverifiedSummaryError
	for _, sig := range [][]byte{[]byte("invalid\n"), {}} {
		s.set("summary.sig", sig)
		err := fails()
		require.ErrorAs(t, err, &unverified)
		require.ErrorIs(t, err, sign.ErrNoSignature)
	}
	s.set("summary.sig", pair.sig)
	s.set("summary", append([]byte("x"), pair.data...))
	var corrupt *ostree.CorruptError
	require.ErrorAs(t, fails(), &corrupt, "the dummy signs anything")
	s.set("summary", pair.data)
	require.Len(t, fetchSummary(t, r).Verified, 1)
}

// The dummy engine signs with its key alone, so these tests tell a wrong pair
// apart with ed25519.
func TestSummaryCacheAndRaces(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	signer, key := edSigner(t, 1)
	r := client(t, map[string]string{"url": s.url, "sign-verify-summary": "ed25519", "verification-ed25519-key": key})
	pairs := summaryPairs(t, 2)
	for i := range pairs {
		pairs[i].sig = resign(t, pairs[i].data, signer)
	}
	set := func(data, sig int) {
		s.set("summary", pairs[data].data)
		s.set("summary.sig", pairs[sig].sig)
	}
	dir := filepath.Join(r.Path(), "tmp/cache/summaries")
	cached := func(data, sig int) {
		t.Helper()
		for name, want := range map[string][]byte{"o": pairs[data].data, "o.sig": pairs[sig].sig} {
			got, err := os.ReadFile(filepath.Join(dir, name))
			require.NoError(t, err)
			require.Equal(t, want, got)
		}
	}
	set(0, 0)
	fetchSummary(t, r)
	cached(0, 0)
	require.Equal(t, "summary.sig, summary", s.requests())

	// The signature is new, the summary not yet.
	set(0, 1)
	_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{})
	var unverified *ostree.UnverifiedSummaryError
	require.ErrorAs(t, err, &unverified)
	require.Equal(t, "summary.sig, summary 304, summary", s.requests())
	cached(0, 0)

	set(1, 1)
	require.Len(t, fetchSummary(t, r).Summary.Refs, 2)
	require.Equal(t, "summary.sig, summary", s.requests())
	cached(1, 1)

	// The summary is new, and its signature is an old one from somebody's cache.
	set(0, 1)
	require.Len(t, fetchSummary(t, r).Summary.Refs, 2)
	require.Equal(t, "summary.sig 304", s.requests())

	// The cache holds what does not belong together.
	set(1, 1)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "o"), pairs[0].data, 0o644))
	told := errors.New("told")
	_, err = r.FetchSummary(t.Context(), "o", ostree.FetchOptions{StaleCache: func() error { return told }})
	require.ErrorIs(t, err, told)
	cached(0, 1)
	require.Len(t, fetchSummary(t, r).Summary.Refs, 2)
	require.Equal(t, "summary.sig 304, summary.sig 304, summary", s.requests())
	cached(1, 1)

	require.NoError(t, os.Remove(filepath.Join(dir, "o")))
	fetchSummary(t, r)
	require.Equal(t, "summary.sig 304, summary", s.requests())
	cached(1, 1)
}

func resign(t *testing.T, data []byte, signer sign.Signer) []byte {
	t.Helper()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "summary"), data, 0o644))
	require.NoError(t, r.SignSummary(t.Context(), signer))
	sig, err := os.ReadFile(filepath.Join(r.Path(), "summary.sig"))
	require.NoError(t, err)
	return sig
}

func TestSummaryCacheElsewhereAndNowhere(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := client(t, signed(s.url))
	pair := summaryPairs(t, 1)[0]
	s.set("summary", pair.data)
	s.set("summary.sig", pair.sig)
	dir := t.TempDir()
	for range 2 {
		_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{CacheDir: dir})
		require.NoError(t, err)
	}
	require.Equal(t, "summary.sig, summary, summary.sig 304", s.requests())
	require.FileExists(t, filepath.Join(dir, "summaries/o.sig"))
	require.NoDirExists(t, filepath.Join(r.Path(), "tmp/cache/summaries"))
	_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{CacheDir: filepath.Join(dir, "none")})
	require.ErrorIs(t, err, os.ErrNotExist)

	r, err = ostree.Open(r.Path(), ostree.Options{DummySign: true, SkipCache: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	fetchSummary(t, r)
	require.NoDirExists(t, filepath.Join(r.Path(), "tmp/cache/summaries"))
}

func TestFetchSummaryFromWhereTheRemoteIs(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	pair := summaryPairs(t, 1)[0]
	s.set("repo/summary", pair.data)
	s.set("repo/config", []byte("[core]\n"))
	s.set("list", []byte(s.url+"/none\n"+s.url+"/repo\n"))
	sum := sha256.Sum256(pair.data)
	s.set("metalink", []byte(`<metalink><files><file name="summary"><size>`+strconv.Itoa(len(pair.data))+`</size><verification><hash type="sha256">`+
		hex.EncodeToString(sum[:])+`</hash></verification><resources><url protocol="http">`+s.url+`/repo/summary</url></resources></file></files></metalink>`))
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "summary"), pair.data, 0o644))
	for _, c := range []struct {
		options map[string]string
		log     string
	}{
		{map[string]string{"url": s.url + "/repo/"}, "repo/summary.sig 404, repo/summary"},
		{map[string]string{"url": "mirrorlist=" + s.url + "/list"}, "list, none/config 404, repo/config, repo/summary.sig 404, repo/summary"},
		{map[string]string{"metalink": s.url + "/metalink"}, "metalink, repo/summary, repo/summary.sig 404"},
		{map[string]string{"url": "file://" + dir}, ""},
		{map[string]string{"url": "http://archive.example/repo", "proxy": s.url}, "repo/summary.sig 404, repo/summary"},
	} {
		require.Equal(t, pair.data, fetchSummary(t, client(t, c.options)).Data)
		require.Equal(t, c.log, s.requests())
	}

	r, err := ostree.Open(client(t, map[string]string{"url": "http://archive.example/repo"}).Path(), ostree.Options{
		Proxy: func(*http.Request) (*url.URL, error) { return url.Parse(s.url) },
	})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	require.Equal(t, pair.data, fetchSummary(t, r).Data)
	_, err = r.FetchSummary(t.Context(), "o", ostree.FetchOptions{URL: "file://" + dir})
	require.NoError(t, err)
}

func TestFetchSummaryErrors(t *testing.T) {
	t.Parallel()
	r := client(t, map[string]string{"custom-backend": "other"})
	var noURL *ostree.NoRemoteURLError
	_, err := r.FetchSummary(t.Context(), "o", ostree.FetchOptions{})
	require.ErrorAs(t, err, &noURL)
	var unknown *ostree.RemoteNotFoundError
	_, err = r.FetchSummary(t.Context(), "none", ostree.FetchOptions{})
	require.ErrorAs(t, err, &unknown)
	var scheme *ostree.URLSchemeError
	_, err = r.FetchSummary(t.Context(), "o", ostree.FetchOptions{URL: "docker://x"})
	require.ErrorAs(t, err, &scheme)
	var failed *ostree.FetchError
	_, err = r.FetchSummary(t.Context(), "o", ostree.FetchOptions{URL: "http://127.0.0.1:1/"})
	require.ErrorAs(t, err, &failed)
	require.Equal(t, ostree.FetchConnect, failed.Reason)
}

func TestCookiesOfRemotes(t *testing.T) {
	t.Parallel()
	r := client(t, map[string]string{"url": "http://archive.example"})
	path := filepath.Join(r.Path(), "o.cookies.txt")
	require.NoError(t, os.WriteFile(path, []byte("# comment\nodd line"), 0o644))
	foo := ostree.Cookie{Domain: "archive.example", Path: "/", Name: "foo", Value: "bar"}
	baz := ostree.Cookie{Domain: "archive.example", Path: "/", Name: "baz", Value: "badger"}
	for _, c := range []ostree.Cookie{foo, baz, foo} {
		require.NoError(t, r.AddCookie("o", c))
	}
	list, err := r.Cookies("o")
	require.NoError(t, err)
	require.Equal(t, []ostree.Cookie{baz, foo}, list)
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.EqualValues(t, 0o600, st.Mode().Perm())

	require.NoError(t, r.DeleteCookie("o", ".Archive.example", "/", "baz"))
	var missing *ostree.CookieNotFoundError
	require.ErrorAs(t, r.DeleteCookie("o", "archive.example", "/x", "foo"), &missing)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, "# comment\nodd line\narchive.example\tFALSE\t/\tFALSE\t0\tfoo\tbar\n", string(data))

	list, err = r.Cookies("none")
	require.NoError(t, err)
	require.Empty(t, list)
	var name *ostree.RemoteNameError
	require.ErrorAs(t, r.AddCookie("../o", foo), &name)
	require.ErrorAs(t, r.DeleteCookie("../o", "a", "/", "b"), &name)
	_, err = r.Cookies("../o")
	require.ErrorAs(t, err, &name)
	require.Error(t, r.AddCookie("o", ostree.Cookie{Domain: "a", Path: "/", Name: "a\nb"}))
}
