package fetch_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// newClient returns a client that does not wait long before it tries again.
func newClient(t *testing.T, opts fetch.Options) *fetch.Client {
	t.Helper()
	if opts.Backoff == 0 {
		opts.Backoff = time.Millisecond
	}
	c, err := fetch.New(opts)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func serve(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return parse(t, s.URL)
}

func parse(t *testing.T, text string) *url.URL {
	t.Helper()
	u, err := fetch.ParseURL(text)
	require.NoError(t, err)
	return u
}

func read(t *testing.T, target *fetch.Target, path string, o fetch.GetOptions) string {
	t.Helper()
	data, _, err := target.ReadAll(t.Context(), path, o)
	require.NoError(t, err)
	return string(data)
}

func TestReadAll(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.URL.Path)) })
	c := newClient(t, fetch.Options{})
	require.Equal(t, "/repo/deltas/a+b/0", read(t, c.NewTarget(at.JoinPath("repo/")), "deltas/a+b/0", fetch.GetOptions{}))
	require.Equal(t, fetch.Stats{Requests: 1, Bytes: 18}, c.Stats())
}
