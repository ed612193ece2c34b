package ostree_test

import (
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/tlstest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestPullOverTLS pulls from a server that wants to know its clients, with every
// key of the configuration that is about connections.
func TestPullOverTLS(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", ostreetest.Plain())
	require.NoError(t, src.UpdateSummary(t.Context(), ostree.SummaryOptions{}))
	subscriber := tlstest.NewIdentity(t, "subscriber")

	var mu sync.Mutex
	protocols := make(map[string]bool)
	files := http.FileServer(http.Dir(src.Path()))
	server, ca := tlstest.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		protocols[r.Proto] = true
		mu.Unlock()
		cookie, err := r.Cookie("foo")
		user, password, _ := r.BasicAuth()
		if err != nil || cookie.Value != "bar" || user != "me" || password != "secret" || r.Header.Get("X-Token") != "token" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}), subscriber)

	at := "https://me:secret@" + server.Listener.Addr().String()
	good := map[string]string{
		"url": at, "gpg-verify": "false", "tls-ca-path": ca,
		"tls-client-cert-path": subscriber.CertFile, "tls-client-key-path": subscriber.KeyFile,
	}
	header := http.Header{"X-Token": {"token"}}
	for _, c2 := range []struct {
		change   map[string]string
		protocol string // "" if the pull must fail
	}{
		{nil, "HTTP/2.0"},
		{map[string]string{"http2": "false"}, "HTTP/1.1"},
		{map[string]string{"tls-ca-path": "", "tls-permissive": "true"}, "HTTP/2.0"},
		{map[string]string{"tls-ca-path": ""}, ""},
		{map[string]string{"tls-client-cert-path": "", "tls-client-key-path": ""}, ""},
	} {
		options := maps.Clone(good)
		maps.Copy(options, c2.change)
		mu.Lock()
		clear(protocols)
		mu.Unlock()
		r := client(t, options)
		require.NoError(t, r.AddCookie("o", ostree.Cookie{Domain: "127.0.0.1", Path: "/", Name: "foo", Value: "bar", Secure: true}))
		_, err := r.Pull(t.Context(), "o", ostree.PullOptions{
			Refs: []ostree.PullRef{{Ref: "main"}}, Fetch: ostree.FetchOptions{Header: header, Retries: -1},
		})
		if c2.protocol == "" {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		mu.Lock()
		require.Equal(t, map[string]bool{c2.protocol: true}, protocols)
		mu.Unlock()
		got, err := r.Resolve(t.Context(), "o:main")
		require.NoError(t, err)
		require.Equal(t, c, got)
	}

	r := client(t, good)
	_, err := r.Pull(t.Context(), "o", ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "main"}}, Fetch: ostree.FetchOptions{Header: header}})
	var failed *ostree.FetchError
	require.ErrorAs(t, err, &failed, "without the cookie")
	require.Equal(t, http.StatusUnauthorized, failed.Status)
	require.NotContains(t, err.Error(), "secret")
}
