package fetch_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/fetch"
)

// files serves a map from path to content.
func files(t *testing.T, m map[string]string) *url.URL {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		text, ok := m[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, text)
	})
}

func gone(t *testing.T) *url.URL {
	t.Helper()
	s := httptest.NewServer(http.NotFoundHandler())
	defer s.Close()
	return parse(t, s.URL)
}

func TestNextServerHasTheFile(t *testing.T) {
	t.Parallel()
	c := newClient(t, fetch.Options{})
	one, two := files(t, map[string]string{"/a": "1a"}), files(t, map[string]string{"/a": "2a", "/b": "2b"})
	target := c.NewTarget(gone(t), one, two)
	require.Equal(t, "1a", read(t, target, "a", fetch.GetOptions{}))
	require.Equal(t, "2b", read(t, target, "b", fetch.GetOptions{}))
	require.EqualValues(t, 4, c.Stats().Requests, "the one that is gone is asked once")
	_, _, err := target.ReadAll(t.Context(), "c", fetch.GetOptions{})
	require.ErrorIs(t, err, fetch.ErrNotFound)
}

func TestBusyServerMayHaveTheFile(t *testing.T) {
	t.Parallel()
	var count atomic.Int64
	busy := serve(t, failing(2, 503, &count))
	target := newClient(t, fetch.Options{}).NewTarget(busy, files(t, nil))
	require.Equal(t, "ok", read(t, target, "x", fetch.GetOptions{}), "the other one's 404 is not the last word")
}

func TestRestComesFromAnotherServer(t *testing.T) {
	t.Parallel()
	var count, ranges atomic.Int64
	broken := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if count.Add(1) > 1 {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"broken"`)
		w.Header().Set("Content-Length", "640000")
		_, _ = io.WriteString(w, content[:100_000])
	})
	whole := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Range") != "" && r.Header.Get("If-Range") == "" {
			ranges.Add(1)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
	})
	target := newClient(t, fetch.Options{}).NewTarget(broken, whole)
	require.Equal(t, content, read(t, target, "x", fetch.GetOptions{Immutable: true}))
	require.EqualValues(t, 1, ranges.Load())
}

func TestMirrorlist(t *testing.T) {
	t.Parallel()
	c := newClient(t, fetch.Options{})
	good := files(t, map[string]string{"/repo/config": "[core]", "/repo/x": "here"})
	list := files(t, map[string]string{
		"/list":  "\n# mirrors\n\nftp://archive.example/\nfile:///etc\n" + files(t, nil).String() + "/none\n" + good.String() + "/repo\r\n",
		"/empty": "# nothing\n",
		"/bad":   files(t, nil).String() + "\n",
	})
	target, err := c.Mirrorlist(t.Context(), list.JoinPath("list"))
	require.NoError(t, err)
	require.Equal(t, good.String()+"/repo/x", target.URL("x"))
	require.Equal(t, "here", read(t, target, "x", fetch.GetOptions{}))

	for _, path := range []string{"empty", "bad"} {
		_, err = c.Mirrorlist(t.Context(), list.JoinPath(path))
		var useless *fetch.MirrorlistError
		require.ErrorAs(t, err, &useless)
		require.NoError(t, useless.Err)
		require.ErrorContains(t, err, "no mirror")
	}
	_, err = c.Mirrorlist(t.Context(), list.JoinPath("missing"))
	var useless *fetch.MirrorlistError
	require.ErrorAs(t, err, &useless)
	require.ErrorIs(t, err, fetch.ErrNotFound)
	require.Equal(t, list.String()+"/missing", useless.URL)
	ctx, cancel := contextWithCancel(t)
	cancel()
	_, err = c.Mirrorlist(ctx, list.JoinPath("list"))
	require.ErrorIs(t, err, ctx.Err())
}

func TestMirrorlistInAFile(t *testing.T) {
	t.Parallel()
	good := files(t, map[string]string{"/config": "[core]"})
	path := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(path, []byte(good.String()), 0o644))
	target, err := newClient(t, fetch.Options{}).Mirrorlist(t.Context(), parse(t, "file://"+path))
	require.NoError(t, err)
	require.Equal(t, good.String()+"/x", target.URL("x"))
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "repo/refs"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "repo/config"), []byte("[core]"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("secret"), 0o644))
	require.NoError(t, syscall.Mkfifo(filepath.Join(dir, "repo/pipe"), 0o644))
	c := newClient(t, fetch.Options{})
	target := c.NewTarget(parse(t, "file://"+dir+"/repo/"))
	data, resp, err := target.ReadAll(t.Context(), "config", fetch.GetOptions{MaxSize: 6})
	require.NoError(t, err)
	require.Equal(t, "[core]", string(data))
	require.EqualValues(t, 6, resp.Size)
	require.EqualValues(t, 6, c.Stats().Bytes)

	_, _, err = target.ReadAll(t.Context(), "config", fetch.GetOptions{MaxSize: 5})
	requireError(t, err, fetch.ReasonTooLarge, 0)
	for path, missing := range map[string]bool{
		"none": true, "config/none": true, "refs": false, "pipe": false, "../secret": false, "refs/../../secret": false, "/etc/passwd": false,
	} {
		_, _, err = target.ReadAll(t.Context(), path, fetch.GetOptions{})
		requireError(t, err, fetch.ReasonFile, 0)
		if missing {
			require.ErrorIs(t, err, fetch.ErrNotFound)
		} else {
			require.NotErrorIs(t, err, fetch.ErrNotFound)
		}
	}
}
