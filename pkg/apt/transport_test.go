package apt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// configured returns a client with an apt.conf and other files below /etc/apt.
func configured(t *testing.T, config string, files map[string]string) *apt.Client {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc/apt"), 0o755))
	for name, text := range files {
		require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt", name), []byte(text), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt/apt.conf"), []byte(config), 0o644))
	c, err := conf.Load(root)
	require.NoError(t, err)
	o := apt.ClientOptions{CacheDir: t.TempDir(), Architecture: "amd64", Root: root, Backoff: time.Millisecond}
	require.NoError(t, o.Configure(c))
	client, err := apt.NewClient(o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, client.Close()) })
	return client
}

// requireWorks refreshes and downloads.
func requireWorks(t *testing.T, c *apt.Client, s source.Source) {
	t.Helper()
	u, err := c.Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	paths, err := c.Download(t.Context(), u.Versions("hello"), apt.DownloadOptions{})
	require.NoError(t, err)
	require.FileExists(t, paths[u.Versions("hello")[0]])
}

func TestMirrors(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := a.Publish()
	broken := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(broken.Close)
	lying := apttest.New(t, apttest.Options{Key: a.Key})
	require.NoError(t, os.CopyFS(lying.Dir, os.DirFS(a.Dir)))
	lying.Corrupt("pool/main/h/hello/*.deb")
	lying.Corrupt("dists/stable/main/binary-amd64/Packages.xz")
	lying.Remove("dists/stable/main/binary-amd64/by-hash/SHA256/*")
	for name, c := range map[string]struct{ list, refuses string }{
		"one":           {list: a.URL},
		"the next":      {list: broken.URL + "\tpriority:1\n# comment\n\n" + a.URL + "\tpriority:2\n"},
		"without last":  {list: a.URL + "\n" + broken.URL + "/debian\tpriority:1"},
		"wrong content": {list: lying.URL + "\tpriority:1\n" + a.URL},
		"limits":        {list: broken.URL + "\tpriority:1 type:other\n" + a.URL + "\ttype:index\ttype:deb"},
		"local":         {list: "file:" + a.Dir},
		"none works":    {list: broken.URL, refuses: "neither InRelease nor Release"},
		"empty":         {list: "# none\n", refuses: "names no mirror"},
		"nested":        {list: "mirror+http://archive.example/list", refuses: "no URI with http"},
		"none has it":   {list: a.URL + "\tsuite:other", refuses: "no mirror of its list has"},
		"bad priority":  {list: a.URL + "\tpriority:first", refuses: "no number"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := filepath.Join(t.TempDir(), "mirrors")
			require.NoError(t, os.WriteFile(list, []byte(c.list), 0o644))
			local := s
			local.URIs = []string{"mirror+file:" + list}
			if c.refuses != "" {
				_, err := client(t, nil).Update(t.Context(), []source.Source{local})
				require.ErrorContains(t, err, c.refuses)
				return
			}
			requireWorks(t, client(t, nil), local)
			server := httptest.NewServer(http.FileServer(http.Dir(filepath.Dir(list))))
			t.Cleanup(server.Close)
			remote := s
			remote.URIs = []string{"mirror+" + server.URL + "/mirrors"}
			if name == "local" {
				_, err := client(t, nil).Update(t.Context(), []source.Source{remote})
				require.ErrorContains(t, err, "only a local list may name such mirrors")
				return
			}
			requireWorks(t, client(t, nil), remote)
		})
	}
}

func TestCompressionOrder(t *testing.T) {
	t.Parallel()
	for order, want := range map[string]string{
		``: "Packages.xz", `Acquire::CompressionTypes::Order { "gz"; "xz"; };`: "Packages.gz", `Acquire::CompressionTypes::Order:: "uncompressed";`: "Packages",
	} {
		a := apttest.New(t, apttest.Options{NoByHash: true})
		a.Add(hello, data)
		requireWorks(t, configured(t, order, nil), a.Publish())
		var got []string
		for _, r := range a.Requests() {
			if base := filepath.Base(r.Path); strings.HasPrefix(base, "Packages") {
				got = append(got, base)
			}
		}
		require.Equal(t, []string{want}, got)
	}
}

func TestProxyAndCredentials(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := a.Publish()
	var asked atomic.Bool
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Store(asked.Load() || r.URL.Host == "archive.example")
		login, password, _ := r.BasicAuth()
		if login != "me" || password != "secret" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		a.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	s.URIs = []string{"http://archive.example/"}
	config := fmt.Sprintf(`Acquire::http::Proxy %q; Acquire::Retries "0";`, proxy.URL)
	requireWorks(t, configured(t, config, map[string]string{"auth.conf": "machine http://archive.example login me password secret\n"}), s)
	require.True(t, asked.Load())
	_, err := configured(t, config, nil).Update(t.Context(), []source.Source{s})
	require.ErrorContains(t, err, "401")
}
