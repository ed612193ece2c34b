package apt_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

var (
	hello = apttest.Deb{Package: "hello", Version: "1:1.0-1", Architecture: "amd64", Depends: "greeter"}
	data  = apttest.Deb{Package: "data"}
)

func client(t testing.TB, change func(*apt.ClientOptions)) *apt.Client {
	t.Helper()
	o := apt.ClientOptions{CacheDir: t.TempDir(), Architecture: "amd64", Root: t.TempDir(), Backoff: time.Millisecond}
	if change != nil {
		change(&o)
	}
	c, err := apt.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func names(u *apt.Universe) string {
	var out []string
	for p := range u.All() {
		out = append(out, p.String())
	}
	return strings.Join(out, " ")
}

const both = "data:all=1.0 hello:amd64=1:1.0-1"

func TestUpdate(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options apttest.Options
		change  func(*apttest.Archive)
		source  func(*apttest.Archive) source.Source
	}{
		"default":        {},
		"file":           {source: (*apttest.Archive).FileSource},
		"flat":           {options: apttest.Options{Flat: true}},
		"separate all":   {options: apttest.Options{SeparateAll: true}},
		"zstd":           {options: apttest.Options{Compressions: []apttest.Compression{apttest.Zstd}}},
		"gzip only":      {options: apttest.Options{Compressions: []apttest.Compression{apttest.Gzip}}},
		"uncompressed":   {options: apttest.Options{Compressions: []apttest.Compression{apttest.None}}},
		"no by-hash":     {options: apttest.Options{NoByHash: true}},
		"prefix":         {options: apttest.Options{ComponentPrefix: "updates/"}},
		"no InRelease":   {change: func(a *apttest.Archive) { a.NoInRelease = true }},
		"SHA512":         {change: func(a *apttest.Archive) { a.Hashes = []string{"SHA512"} }, options: apttest.Options{NoByHash: true}},
		"both hashes":    {change: func(a *apttest.Archive) { a.Hashes = []string{"MD5Sum", "SHA256", "SHA512"} }},
		"two signatures": {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{}), a.Key} }},
		"trusted, unsigned": {change: func(a *apttest.Archive) { a.Unsigned = true }, source: func(a *apttest.Archive) source.Source {
			s := a.Source()
			s.Trusted = new(bool)
			*s.Trusted = true
			return s
		}},
		"trusted, wrong key": {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{})} }, source: func(a *apttest.Archive) source.Source {
			s := a.Source()
			s.Trusted = new(bool)
			*s.Trusted = true
			return s
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, c.options)
			a.Add(hello, data)
			if c.change != nil {
				c.change(a)
			}
			s := a.Publish()
			if c.source != nil {
				s = c.source(a)
			}
			client := client(t, nil)
			u, err := client.Update(t.Context(), []source.Source{s})
			require.NoError(t, err)
			require.Equal(t, both, names(u))
			require.Len(t, u.Digest(), 64)
			paths, err := client.Download(t.Context(), u.Versions("hello"), apt.DownloadOptions{})
			require.NoError(t, err)
			require.FileExists(t, paths[u.Versions("hello")[0]])

			again, err := client.Update(t.Context(), []source.Source{s})
			require.NoError(t, err)
			require.Equal(t, u.Digest(), again.Digest())
			require.Equal(t, both, names(again))
		})
	}
}

func TestUpdateRefuses(t *testing.T) {
	t.Parallel()
	now := time.Now()
	for name, c := range map[string]struct {
		change func(*apttest.Archive)
		source func(*source.Source)
		reason string // of an UntrustedError
		says   string
	}{
		"unsigned":   {change: func(a *apttest.Archive) { a.Unsigned = true }, reason: "unsigned", says: "not signed"},
		"wrong key":  {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{})} }, reason: "unknown-key", says: "no such key is in the key in its Signed-By"},
		"expired":    {change: func(a *apttest.Archive) { a.ValidUntil = now.Add(-time.Minute) }, reason: "expired", says: "Check-Valid-Until: no"},
		"future":     {change: func(a *apttest.Archive) { a.Date = now.Add(time.Hour) }, reason: "future", says: "set the clock"},
		"weak":       {change: func(a *apttest.Archive) { a.Hashes = []string{"MD5Sum", "SHA1"} }, reason: "weak-hashes", says: "SHA256"},
		"distrusted": {source: func(s *source.Source) { s.Trusted = new(bool) }, reason: "distrusted", says: "Trusted: no"},
		"component":  {source: func(s *source.Source) { s.Components = []string{"mian"} }, says: `no component "mian"; it has main`},
		"suite":      {source: func(s *source.Source) { s.Suites = []string{"missing"} }, says: "neither InRelease nor Release"},
		"keyring":    {source: func(s *source.Source) { s.SignedBy = source.SignedBy{Keyrings: []string{"/none.gpg"}} }, says: "/none.gpg does not exist"},
		"no keys":    {source: func(s *source.Source) { s.SignedBy = source.SignedBy{} }, reason: "unknown-key", says: "/etc/apt/trusted.gpg.d"},
		"scheme":     {source: func(s *source.Source) { s.URIs = []string{"cdrom:[x]/"} }, says: "cdrom"},
		"snapshot":   {source: func(s *source.Source) { s.Snapshot = "20240101T000000Z" }, says: "no snapshots that are known"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, apttest.Options{})
			a.Add(hello, data)
			if c.change != nil {
				c.change(a)
			}
			s := a.Publish()
			if c.source != nil {
				c.source(&s)
			}
			u, err := client(t, nil).Update(t.Context(), []source.Source{s})
			require.ErrorContains(t, err, c.says)
			require.Nil(t, u)
			var untrusted *apt.UntrustedError
			require.Equal(t, c.reason != "", errors.As(err, &untrusted), err)
			if c.reason != "" {
				require.Equal(t, c.reason, string(untrusted.Reason))
				require.Equal(t, a.URL+" stable", untrusted.Archive)
			}
		})
	}
}

func TestUpdateHonoursChecksOff(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	a.ValidUntil = time.Now().Add(-time.Minute)
	s := a.Publish()
	s.CheckValidUntil = new(bool)
	u, err := client(t, nil).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
}

// TestUpdateIsConditional does nothing twice: an unchanged release is not sent, its index not asked
// for.
func TestUpdateIsConditional(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	s := a.Publish()
	c := client(t, nil)
	first, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, "dists/stable/main/binary-amd64/by-hash/SHA256", filepath.Dir(a.Requests()[1].Path))
	a.ForgetRequests()
	_, err = c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Len(t, a.Requests(), 1)
	require.Equal(t, 304, a.Requests()[0].Status)

	a.Add(data)
	a.Publish()
	u, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	require.NotEqual(t, first.Digest(), u.Digest())
}

// TestUpdateNeverGoesBack meets a mirror that is behind, or somebody who replays an old state.
func TestUpdateNeverGoesBack(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	a.Date = time.Now().Add(-time.Hour)
	s := a.Publish()
	var log bytes.Buffer
	c := client(t, func(o *apt.ClientOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	a.Withdraw("hello", "1:1.0-1")
	a.Date = time.Now().Add(-2 * time.Hour)
	a.Publish()
	u, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	require.Contains(t, log.String(), "mirror is behind")
}

func TestUpdateExpiresWithoutNews(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	a.ValidUntil = time.Now().Add(time.Hour)
	s := a.Publish()
	now := time.Now()
	c := client(t, func(o *apt.ClientOptions) { o.Clock = func() time.Time { return now } })
	_, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	now = now.Add(2 * time.Hour)
	_, err = c.Update(t.Context(), []source.Source{s})
	require.ErrorContains(t, err, "expired")
	require.Equal(t, 304, a.Requests()[len(a.Requests())-1].Status)
}

// TestUpdateKeepsLastGood breaks the index of a new release: the old lists stay, and are used
// offline.
func TestUpdateKeepsLastGood(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	s := a.Publish()
	cache := t.TempDir()
	online := client(t, func(o *apt.ClientOptions) { o.CacheDir = cache })
	offline := client(t, func(o *apt.ClientOptions) { o.CacheDir, o.Offline = cache, true })

	var missing *apt.OfflineError
	_, err := offline.Update(t.Context(), []source.Source{s})
	require.ErrorAs(t, err, &missing)

	_, err = online.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	a.Add(data)
	a.Publish()
	a.Fault(apttest.Fault{Path: "dists/stable/main/binary-amd64/by-hash/SHA256/*", Corrupt: true})
	a.Fault(apttest.Fault{Path: "dists/stable/main/binary-amd64/*", Corrupt: true})
	_, err = online.Update(t.Context(), []source.Source{s})
	var mismatch *apt.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.ErrorContains(t, err, a.URL+" stable")

	a.ForgetRequests()
	u, err := offline.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, "hello:amd64=1:1.0-1", names(u))
	_, err = offline.Download(t.Context(), u.Versions("hello"), apt.DownloadOptions{})
	require.ErrorAs(t, err, &missing)
	require.ErrorContains(t, err, "hello")
	require.Empty(t, a.Requests())

	// A key that is withdrawn takes what it signed with it.
	s.SignedBy.Key = apttest.NewKey(t, apttest.KeyOptions{}).Armored(t)
	_, err = offline.Update(t.Context(), []source.Source{s})
	var untrusted *apt.UntrustedError
	require.ErrorAs(t, err, &untrusted)
}

// TestUpdateFallsBack takes another way where one is broken.
func TestUpdateFallsBack(t *testing.T) {
	t.Parallel()
	const dir = "dists/stable/main/binary-amd64/"
	for name, faults := range map[string][]apttest.Fault{
		"no files by hash":        {{Path: dir + "by-hash/SHA256/*", Status: 404}},
		"no xz":                   {{Path: dir + "by-hash/SHA256/*", Status: 404}, {Path: dir + "Packages.xz", Status: 404}},
		"broken xz":               {{Path: dir + "by-hash/SHA256/*", Status: 404}, {Path: dir + "Packages.xz", Corrupt: true}},
		"only plain":              {{Path: dir + "by-hash/SHA256/*", Status: 404}, {Path: "Packages.*", Status: 404}},
		"wrong file by hash once": {{Path: dir + "by-hash/SHA256/*", Times: 1, Corrupt: true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, apttest.Options{})
			a.Add(hello, data)
			s := a.Publish()
			for _, f := range faults {
				a.Fault(f)
			}
			u, err := client(t, nil).Update(t.Context(), []source.Source{s})
			require.NoError(t, err)
			require.Equal(t, both, names(u))
		})
	}
}

func TestUpdateReportsChangedIdentity(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Origin: "Debian", NoByHash: true})
	a.Add(hello)
	s := a.Publish()
	cache := t.TempDir()
	strict := client(t, func(o *apt.ClientOptions) { o.CacheDir = cache })
	_, err := strict.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)

	other := apttest.New(t, apttest.Options{Origin: "Elsewhere", Key: a.Key, NoByHash: true})
	other.Add(data)
	other.Date = time.Now()
	other.Publish()
	require.NoError(t, os.RemoveAll(filepath.Join(a.Dir, "dists")))
	require.NoError(t, os.CopyFS(a.Dir, os.DirFS(other.Dir)))
	var changed *apt.ReleaseInfoError
	_, err = strict.Update(t.Context(), []source.Source{s})
	require.ErrorAs(t, err, &changed)
	require.Equal(t, "Origin Debian Elsewhere", changed.Field+" "+changed.Old+" "+changed.New)
	u, err := client(t, func(o *apt.ClientOptions) { o.CacheDir, o.AllowReleaseInfoChange = cache, true }).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, "data:all=1.0", names(u))
}

func TestUpdateSeveralSources(t *testing.T) {
	t.Parallel()
	first, second := apttest.New(t, apttest.Options{}), apttest.New(t, apttest.Options{Components: []string{"main", "extra"}, Architectures: []string{"amd64", "arm64"}})
	first.Add(hello)
	second.Add(hello, apttest.Deb{Package: "hello", Version: "2", Architecture: "amd64", Component: "extra"},
		apttest.Deb{Package: "hello", Version: "2", Architecture: "arm64"}, data)
	sources := []source.Source{first.Publish(), second.Publish()}
	sources[1].Exclude = []string{"data"}
	off := second.Source()
	off.Disabled, off.URIs = true, []string{"http://192.0.2.1/"}
	sources = append(sources, off)
	var last apt.Progress
	c := client(t, func(o *apt.ClientOptions) { o.Progress = func(p apt.Progress) { last = p } })
	u, err := c.Update(t.Context(), sources)
	require.NoError(t, err)
	require.Equal(t, "hello:amd64=1:1.0-1 hello:amd64=2", names(u))
	require.Equal(t, first.URL, u.Versions("hello")[0].Origin.URI, "the earlier source wins")
	require.Equal(t, "stable/extra", u.Versions("hello")[1].Origin.String())
	require.Equal(t, 3, last.Files)
	require.Equal(t, last.Total, last.Done)

	foreign := client(t, func(o *apt.ClientOptions) { o.ForeignArchitectures = []string{"arm64"} })
	u, err = foreign.Update(t.Context(), sources)
	require.NoError(t, err)
	require.Len(t, u.Versions("hello"), 3)

	// All that is wrong is said at once.
	first.Fault(apttest.Fault{Path: "*", Status: 403})
	second.Fault(apttest.Fault{Path: "*", Status: 403})
	_, err = c.Update(t.Context(), sources)
	require.ErrorContains(t, err, first.URL)
	require.ErrorContains(t, err, second.URL)
}

// TestUpdateSkipsMalformedPackages does not let one bad entry hide the others.
func TestUpdateSkipsMalformedPackages(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, apttest.Deb{Package: "bad", Depends: "this is (not a relation"})
	var log bytes.Buffer
	c := client(t, func(o *apt.ClientOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	u, err := c.Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	require.Equal(t, "hello:amd64=1:1.0-1", names(u))
	require.Contains(t, log.String(), "package bad: field Depends")
}

// TestUpdateLargeIndex is read in several pieces at a time.
func TestUpdateLargeIndex(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Compressions: []apttest.Compression{apttest.None}})
	const count = 4000 // 5 MB
	for i := range count {
		a.AddStanza("main", "amd64", bigStanza(i))
	}
	s := a.Publish()
	u, err := client(t, nil).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, count, u.Len())
	require.Equal(t, strings.TrimSuffix(bigStanza(count-1), "\n"), strings.TrimSuffix(u.Versions("package-003999")[0].Paragraph().Raw(), "\n"))

	s.Include = []string{"package-000007", "package-003000"}
	u, err = client(t, nil).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, s.Include, u.Names())
}

func TestUpdateWarnsOfOtherSuite(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	s := a.Publish()
	require.NoError(t, os.Rename(filepath.Join(a.Dir, "dists/stable"), filepath.Join(a.Dir, "dists/alias")))
	s.Suites = []string{"alias"}
	var log bytes.Buffer
	c := client(t, func(o *apt.ClientOptions) { o.Logger = slog.New(slog.NewTextHandler(&log, nil)) })
	_, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Contains(t, log.String(), "another release than its source says")
}

func TestNewClient(t *testing.T) {
	t.Parallel()
	_, err := apt.NewClient(apt.ClientOptions{Architecture: "amd64"})
	require.ErrorContains(t, err, "cache directory")
	_, err = apt.NewClient(apt.ClientOptions{CacheDir: "x"})
	require.ErrorContains(t, err, "architecture")
}
