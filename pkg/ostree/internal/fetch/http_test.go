package fetch_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

func contextWithCancel(t *testing.T) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithCancel(t.Context())
}

// echo answers with the request as it came.
func echo(w http.ResponseWriter, r *http.Request) { _ = r.Write(w) }

func TestWhatIsSent(t *testing.T) {
	t.Parallel()
	at := serve(t, echo)
	bare := read(t, newClient(t, fetch.Options{}).NewTarget(at), "x", fetch.GetOptions{})
	require.Equal(t, "GET /x HTTP/1.1\r\nHost: "+at.Host+"\r\nUser-Agent: Go-http-client/1.1\r\n\r\n", bare,
		"httptest's writer adds the agent, because there is none")
	at.User = url.UserPassword("me", "secret")
	text := read(t, newClient(t, fetch.Options{UserAgent: "me/1", Header: http.Header{"Foo": {"bar"}}}).NewTarget(at), "x", fetch.GetOptions{})
	for _, field := range []string{"User-Agent: me/1", "Foo: bar", "Authorization: Basic bWU6c2VjcmV0", "Host: " + at.Host} {
		require.Contains(t, text, field+"\r\n")
	}
	require.NotContains(t, text, "Accept-Encoding")
}

func TestPasswordIsNotInErrors(t *testing.T) {
	t.Parallel()
	at := serve(t, http.NotFound)
	at.User = url.UserPassword("me", "secret")
	_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	require.ErrorIs(t, err, fetch.ErrNotFound)
	require.NotContains(t, err.Error(), "secret")
}

func TestConditional(t *testing.T) {
	t.Parallel()
	modified := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", modified, strings.NewReader("text"))
	})
	target := newClient(t, fetch.Options{MaxRequests: 1}).NewTarget(at)
	_, resp, err := target.ReadAll(t.Context(), "x", fetch.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, `"one"`, resp.ETag)
	require.True(t, modified.Equal(resp.LastModified))
	require.EqualValues(t, 4, resp.Size)
	for _, o := range []fetch.GetOptions{{ETag: `"one"`}, {LastModified: modified}, {ETag: `"one"`, LastModified: modified}} {
		data, resp, err := target.ReadAll(t.Context(), "x", o)
		require.NoError(t, err)
		require.Nil(t, data)
		require.True(t, resp.NotModified)
	}
	require.Equal(t, "text", read(t, target, "x", fetch.GetOptions{ETag: `"two"`, LastModified: modified}))
}

func TestSizeLimit(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/said" {
			w.Header().Set("Content-Length", strconv.FormatInt(1<<60, 10))
		}
		for r.Context().Err() == nil {
			if _, err := io.WriteString(w, content); err != nil {
				return
			}
		}
	})
	c := newClient(t, fetch.Options{})
	for _, path := range []string{"said", "unsaid"} {
		_, _, err := c.NewTarget(at).ReadAll(t.Context(), path, fetch.GetOptions{MaxSize: 1000})
		requireError(t, err, fetch.ReasonTooLarge, 0)
	}
	require.EqualValues(t, 2, c.Stats().Requests, "it is not asked for again")
}

func TestHugeSizeTakesNoMemory(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.FormatInt(1<<60, 10))
		_, _ = io.WriteString(w, "x")
	})
	_, _, err := newClient(t, fetch.Options{Retries: -1}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonPartial, 0)
}

func TestBufferIsUsed(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "text") })
	buffer := make([]byte, 100)
	data, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{Buffer: buffer})
	require.NoError(t, err)
	require.Equal(t, "text", string(data))
	require.Same(t, &buffer[0], &data[0])
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := serve(t, echo)
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/there":
			_ = r.Write(w)
		case "/circle":
			http.Redirect(w, r, "/circle", http.StatusFound)
		default:
			http.Redirect(w, r, r.URL.Query().Get("to"), http.StatusTemporaryRedirect)
		}
	})
	at.User = url.UserPassword("me", "secret")
	c := newClient(t, fetch.Options{Jar: fetch.ParseJar([]byte("127.0.0.1\tFALSE\t/from\tFALSE\t0\tfoo\tbar\n"))})
	get := func(to string) (string, error) {
		u := *at
		u.RawQuery = url.Values{"to": {to}}.Encode()
		data, _, err := c.NewTarget(&u).ReadAll(t.Context(), "from", fetch.GetOptions{})
		return string(data), err
	}
	text, err := get("/there")
	require.NoError(t, err)
	require.Contains(t, text, "Authorization: Basic")

	text, err = get(elsewhere.String() + "/else")
	require.NoError(t, err)
	require.Contains(t, text, "GET /else")
	require.NotContains(t, text, "Authorization", "credentials stay at home")
	require.NotContains(t, text, "Cookie")

	for _, to := range []string{"/circle", "file:///etc/passwd", "gopher://x/", "http://%zz/", "//"} {
		_, err = get(to)
		requireError(t, err, fetch.ReasonRedirect, 0)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.RequestURI) })
	for _, o := range []fetch.Options{
		{Proxy: proxy.String()},
		{Proxy: proxy.Host},
		{ProxyFor: func(*http.Request) (*url.URL, error) { return proxy, nil }},
	} {
		got := read(t, newClient(t, o).NewTarget(parse(t, "http://archive.example/repo")), "config", fetch.GetOptions{})
		require.Equal(t, "http://archive.example/repo/config", got)
	}
	_, err := fetch.New(fetch.Options{Proxy: "http://%zz"})
	require.ErrorContains(t, err, "proxy")
}

// TestConnectionsAreReused also covers bodies that were not read to the end.
func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/missing" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, "some text")
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	t.Cleanup(s.Close)
	target := newClient(t, fetch.Options{}).NewTarget(parse(t, s.URL))
	for range 20 {
		resp, err := target.Get(t.Context(), "x", fetch.GetOptions{})
		require.NoError(t, err)
		_, err = io.ReadFull(resp.Body, make([]byte, 4))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		require.NoError(t, resp.Body.Close())
		_, err = target.Get(t.Context(), "missing", fetch.GetOptions{})
		require.ErrorIs(t, err, fetch.ErrNotFound)
	}
	require.EqualValues(t, 1, connections.Load())
}

func TestNoMoreThanMaxRequests(t *testing.T) {
	t.Parallel()
	var running, most atomic.Int64
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		n := running.Add(1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		time.Sleep(time.Millisecond)
		running.Add(-1)
		_, _ = io.WriteString(w, "x")
	})
	target := newClient(t, fetch.Options{MaxRequests: 3}).NewTarget(at)
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			_, _, err := target.ReadAll(t.Context(), "x", fetch.GetOptions{})
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	require.LessOrEqual(t, most.Load(), int64(3))
}

func TestParseURL(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"http://archive.example/x", "https://archive.example", "file:///srv/repo", "file://localhost/srv"} {
		_, err := fetch.ParseURL(text)
		require.NoError(t, err, text)
	}
	for _, text := range []string{"ftp://archive.example", "archive.example", "docker://x/y", ""} {
		_, err := fetch.ParseURL(text)
		var scheme *fetch.SchemeError
		require.ErrorAs(t, err, &scheme, text)
		require.Equal(t, text, scheme.URL)
	}
	for _, text := range []string{"http://", "file://host/x", "http://%zz"} {
		_, err := fetch.ParseURL(text)
		require.Error(t, err, text)
	}
}

func TestURLsOfFiles(t *testing.T) {
	t.Parallel()
	c := newClient(t, fetch.Options{})
	for base, want := range map[string]string{
		"http://archive.example":              "http://archive.example/deltas/a+b/ü",
		"http://archive.example/repo//":       "http://archive.example/repo/deltas/a+b/ü",
		"http://archive.example/a%2fb/?key=1": "http://archive.example/a%2fb/deltas/a+b/%C3%BC?key=1",
	} {
		u, err := url.Parse(c.NewTarget(parse(t, base)).URL("deltas/a+b/ü"))
		require.NoError(t, err)
		wanted, err := url.Parse(want)
		require.NoError(t, err)
		require.Equal(t, wanted.EscapedPath(), u.EscapedPath())
		require.Equal(t, wanted.RawQuery, u.RawQuery)
	}
}

func TestContentRange(t *testing.T) {
	t.Parallel()
	start, size, ok := fetch.ParseContentRange("bytes 5-9/10")
	require.Equal(t, []any{int64(5), int64(10), true}, []any{start, size, ok})
	start, size, ok = fetch.ParseContentRange("bytes 5-9/*")
	require.Equal(t, []any{int64(5), int64(-1), true}, []any{start, size, ok})
	for _, bad := range []string{"", "bytes", "bytes 5", "bytes 5-/10", "bytes -5-9/10", "bytes 9-5/10", "bytes 5-10/10", "bytes 5-9/x", "items 5-9/10"} {
		_, _, ok = fetch.ParseContentRange(bad)
		require.False(t, ok, bad)
	}
}
