package apt_test

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// updated returns an archive with two packages, a client that knows it, and the packages.
func updated(t *testing.T, change func(*apt.ClientOptions)) (*apttest.Archive, *apt.Client, []*apt.Package) {
	t.Helper()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	c := client(t, change)
	u, err := c.Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	a.ForgetRequests()
	return a, c, append(u.Versions("hello"), u.Versions("data")...)
}

func TestDownload(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	a, c, packages := updated(t, func(o *apt.ClientOptions) { o.CacheDir = cache })
	local := &apt.Package{Name: "local", Path: "/tmp/local.deb"}
	var last apt.Progress
	paths, err := c.Download(t.Context(), append(packages, local, packages[0]), apt.DownloadOptions{Progress: func(p apt.Progress) { last = p }})
	require.NoError(t, err)
	require.Len(t, paths, 3)
	require.Equal(t, "/tmp/local.deb", paths[local])
	for _, p := range packages {
		want, err := os.ReadFile(filepath.Join(a.Dir, p.Filename))
		require.NoError(t, err)
		got, err := os.ReadFile(paths[p])
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	require.Equal(t, 2, last.Files)
	require.Equal(t, packages[0].Size+packages[1].Size, last.Fetched)

	offline := client(t, func(o *apt.ClientOptions) { o.CacheDir, o.Offline = cache, true })
	again, err := offline.Download(t.Context(), packages, apt.DownloadOptions{})
	require.NoError(t, err)
	require.Equal(t, paths[packages[0]], again[packages[0]])
	require.Len(t, a.Requests(), 2)

	require.NoError(t, c.Clean())
	entries, err := os.ReadDir(cache)
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestDownloadResumes(t *testing.T) {
	t.Parallel()
	a, c, packages := updated(t, nil)
	a.Fault(apttest.Fault{Path: "hello*.deb", Times: 1, CutAfter: 100})
	_, err := c.Download(t.Context(), packages, apt.DownloadOptions{Parallel: 1})
	require.NoError(t, err)
	require.Equal(t, "bytes=100-", a.Requests()[1].Range)
	require.Equal(t, http.StatusPartialContent, a.Requests()[1].Status)
}

func TestDownloadSuperseded(t *testing.T) {
	t.Parallel()
	a, c, packages := updated(t, nil)
	a.Withdraw("hello", "1:1.0-1")
	_, err := c.Download(t.Context(), packages, apt.DownloadOptions{})
	var superseded *apt.SupersededError
	require.ErrorAs(t, err, &superseded)
	require.Equal(t, packages[0], superseded.Package)
	require.ErrorContains(t, err, "refresh the package lists")
	require.ErrorContains(t, err, a.URL+packages[0].Filename)
}

func TestDownloadCorrupt(t *testing.T) {
	t.Parallel()
	a, c, packages := updated(t, nil)
	a.Corrupt("pool/main/h/hello/*.deb")
	_, err := c.Download(t.Context(), packages, apt.DownloadOptions{})
	var mismatch *apt.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.Equal(t, packages[0].SHA256, mismatch.Expected)
	require.Contains(t, mismatch.URL, "hello")
}

func TestDownloadRefuses(t *testing.T) {
	t.Parallel()
	_, c, packages := updated(t, nil)
	for says, change := range map[string]func(*apt.Package){
		"no archive offers it":     func(p *apt.Package) { p.Origin = nil },
		"leads out of the archive": func(p *apt.Package) { p.Filename = "../../x.deb" },
		"cannot be verified":       func(p *apt.Package) { p.SHA256 = "" },
	} {
		p := *packages[0]
		change(&p)
		_, err := c.Download(t.Context(), []*apt.Package{&p}, apt.DownloadOptions{})
		require.ErrorContains(t, err, says)
	}
}
