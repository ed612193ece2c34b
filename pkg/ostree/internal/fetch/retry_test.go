package fetch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// failing answers the first n requests with a status and then with "ok".
func failing(n int64, status int, count *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if count.Add(1) <= n {
			http.Error(w, "no", status)
			return
		}
		_, _ = w.Write([]byte("ok"))
	}
}

func requireError(t *testing.T, err error, reason fetch.Reason, status int) fetch.Error {
	t.Helper()
	var failed *fetch.Error
	require.ErrorAs(t, err, &failed)
	require.Equal(t, reason, failed.Reason, "%v", err)
	require.Equal(t, status, failed.Status)
	return *failed
}

func TestRetriesWhatMayBeGoneNextTime(t *testing.T) {
	t.Parallel()
	for _, status := range []int{408, 425, 429, 500, 502, 503, 504} {
		var count atomic.Int64
		at := serve(t, failing(5, status, &count))
		require.Equal(t, "ok", read(t, newClient(t, fetch.Options{}).NewTarget(at), "x", fetch.GetOptions{}))
		require.EqualValues(t, 6, count.Load())
	}
}

func TestGivesUpAfterRetries(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	at := serve(t, failing(100, 503, &count))
	_, _, err := newClient(t, fetch.Options{Retries: 2}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	failed := requireError(t, err, fetch.ReasonStatus, 503)
	require.Equal(t, at.String()+"/x", failed.URL)
	require.ErrorContains(t, err, "503 Service Unavailable")
	require.EqualValues(t, 3, count.Load())

	count.Store(0)
	_, _, err = newClient(t, fetch.Options{Retries: -1}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonStatus, 503)
	require.EqualValues(t, 1, count.Load())
}

func TestDoesNotRetryWhatStays(t *testing.T) {
	t.Parallel()
	for status, missing := range map[int]bool{404: true, 410: true, 403: true, 401: false, 400: false, 304: false, 206: false} {
		var count atomic.Int64
		at := serve(t, failing(100, status, &count))
		_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
		requireError(t, err, fetch.ReasonStatus, status)
		require.Equal(t, missing, errors.Is(err, fetch.ErrNotFound))
		require.EqualValues(t, 1, count.Load())
	}
}

func TestRetryAfterIsObeyedUpToALimit(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "3000")
		failing(1, 503, &count)(w, r)
	})
	_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonStatus, 503)
	require.EqualValues(t, 1, count.Load())
}

func TestRefusedConnectionIsReportedAtOnce(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.NotFoundHandler())
	at := parse(t, s.URL)
	s.Close()
	// An hour of pauses would show if it tried again.
	_, _, err := newClient(t, fetch.Options{Backoff: time.Hour}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonConnect, 0)
}

func TestServerThatWentAwayIsWaitedFor(t *testing.T) {
	t.Parallel()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) }))
	at := parse(t, s.URL)
	c := newClient(t, fetch.Options{Retries: 2})
	require.Equal(t, "ok", read(t, c.NewTarget(at), "x", fetch.GetOptions{}))
	s.Close()
	before := c.Stats().Requests
	_, _, err := c.NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonConnect, 0)
	require.Equal(t, before+3, c.Stats().Requests)
}

func TestCancelledWhileItWaits(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	at := serve(t, failing(100, 503, &count))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _, err := newClient(t, fetch.Options{Backoff: time.Hour}).NewTarget(at).ReadAll(ctx, "x", fetch.GetOptions{})
	require.ErrorIs(t, err, context.DeadlineExceeded)
}

// content is longer than any buffer in between.
var content = strings.Repeat("0123456789abcdef", 40_000)

// truncating sends at most part bytes at a time of a file that knows ranges.
func truncating(part int, tag string, ranges *atomic.Int64) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		start := 0
		if text, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes="); ok {
			start, _ = strconv.Atoi(strings.TrimSuffix(text, "-"))
			ranges.Add(1)
		}
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(content)-start))
		if start > 0 {
			w.Header().Set("Content-Range", "bytes "+strconv.Itoa(start)+"-"+strconv.Itoa(len(content)-1)+"/"+strconv.Itoa(len(content)))
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = io.WriteString(w, content[start:min(len(content), start+part)])
	}
}

func TestContinuesWhereItStopped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		tag       string
		immutable bool
	}{{`"1"`, false}, {"", true}} {
		var ranges atomic.Int64
		at := serve(t, truncating(100_000, c.tag, &ranges))
		client := newClient(t, fetch.Options{})
		require.Equal(t, content, read(t, client.NewTarget(at), "x", fetch.GetOptions{Immutable: c.immutable}))
		require.EqualValues(t, 6, ranges.Load())
		require.EqualValues(t, len(content), client.Stats().Bytes)
	}
}

func TestDoesNotContinueWhatMayHaveChanged(t *testing.T) {
	t.Parallel()
	var ranges atomic.Int64
	at := serve(t, truncating(100_000, `W/"1"`, &ranges))
	_, _, err := newClient(t, fetch.Options{}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonChanged, 0)
	require.Zero(t, ranges.Load())
}

func TestReadsAgainWhatChanged(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		n := count.Add(1)
		w.Header().Set("ETag", `"`+strconv.FormatInt(min(n, 2), 10)+`"`)
		switch n {
		case 1:
			w.Header().Set("Content-Length", "20")
			_, _ = io.WriteString(w, "old text")
		default:
			require.NotEqual(t, "", r.Header.Get("Range")+strconv.FormatInt(n-2, 10))
			_, _ = io.WriteString(w, "new text")
		}
	})
	require.Equal(t, "new text", read(t, newClient(t, fetch.Options{}).NewTarget(at), "x", fetch.GetOptions{}))
	require.EqualValues(t, 3, count.Load())
}

func TestServerWithoutRanges(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		if count.Add(1) == 1 {
			_, _ = io.WriteString(w, content[:100_000])
			return
		}
		_, _ = io.WriteString(w, content)
	})
	require.Equal(t, content, read(t, newClient(t, fetch.Options{}).NewTarget(at), "x", fetch.GetOptions{Immutable: true}))
}

func TestWrongRangeIsRefused(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") == "" {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "01234")
			return
		}
		w.Header().Set("Content-Range", "bytes 0-9/10")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123456789")
	})
	_, _, err := newClient(t, fetch.Options{Retries: 1}).NewTarget(at).ReadAll(t.Context(), "x", fetch.GetOptions{Immutable: true})
	requireError(t, err, fetch.ReasonReceive, 0)
}

func TestTooSlow(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	at := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/body" {
			w.Header().Set("Content-Length", "10")
			_, _ = io.WriteString(w, "0")
			w.(http.Flusher).Flush()
		}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	})
	c := newClient(t, fetch.Options{Retries: -1, LowSpeedTime: 30 * time.Millisecond})
	for _, path := range []string{"head", "body"} {
		_, _, err := c.NewTarget(at).ReadAll(t.Context(), path, fetch.GetOptions{})
		requireError(t, err, fetch.ReasonTimeout, 0)
	}
}

func TestConnectionThatNeverAnswers(t *testing.T) {
	t.Parallel()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	c := newClient(t, fetch.Options{Retries: -1, LowSpeedTime: 30 * time.Millisecond})
	_, _, err = c.NewTarget(parse(t, "https://"+l.Addr().String())).ReadAll(t.Context(), "x", fetch.GetOptions{})
	requireError(t, err, fetch.ReasonTimeout, 0)
}
