package archive_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
)

// world is a server with one file of 300 kB, and a fetcher.
type world struct {
	*apttest.Archive
	item    archive.Item
	content []byte
	dir     string
	stall   time.Duration
}

func newWorld(t *testing.T) *world {
	t.Helper()
	a := apttest.New(t, apttest.Options{})
	w := &world{Archive: a, dir: t.TempDir(), content: make([]byte, 300_000)}
	r := rand.NewChaCha8([32]byte{1})
	_, err := r.Read(w.content)
	require.NoError(t, err)
	require.NoError(t, os.MkdirAll(filepath.Join(a.Dir, "pool"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(a.Dir, "pool/a.deb"), w.content, 0o644))
	w.item = archive.Item{URL: a.URL + "pool/a.deb", Checksums: checksums(w.content)}
	return w
}

func checksums(data []byte) archive.Checksums {
	return archive.Checksums{Size: int64(len(data)), SHA256: fmt.Sprintf("%x", sha256.Sum256(data))}
}

func (w *world) fetcher() *archive.Fetcher {
	return archive.NewFetcher(archive.NewCache(w.dir), archive.FetcherOptions{Backoff: time.Millisecond, Stall: w.stall})
}

func (w *world) partial() string {
	return filepath.Join(w.dir, "sha256", w.item.SHA256[:2], w.item.SHA256+".partial")
}

func (w *world) requireContent(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.content, data))
	require.NoFileExists(t, w.partial())
}

func TestFetch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path, err := w.fetcher().Fetch(t.Context(), w.item)
	require.NoError(t, err)
	w.requireContent(t, path)
	require.Equal(t, filepath.Join(w.dir, "sha256", w.item.SHA256[:2], w.item.SHA256), path)

	_, err = w.fetcher().Fetch(t.Context(), w.item)
	require.NoError(t, err)
	require.Len(t, w.Requests(), 1, "the second one comes from the cache")

	require.NoError(t, os.WriteFile(path, w.content[:1000], 0o644))
	path, err = w.fetcher().Fetch(t.Context(), w.item)
	require.NoError(t, err)
	w.requireContent(t, path)
}

func TestFetchOtherChecksums(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	item := archive.Item{URL: w.item.URL, Checksums: archive.Checksums{Size: -1, SHA512: fmt.Sprintf("%x", sha512.Sum512(w.content))}}
	path, err := w.fetcher().Fetch(t.Context(), item)
	require.NoError(t, err)
	w.requireContent(t, path)
	_, err = w.fetcher().Fetch(t.Context(), archive.Item{URL: w.item.URL, Checksums: archive.Checksums{Size: 3}})
	require.ErrorContains(t, err, "without a strong checksum")
}

func TestFetchFile(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, uri := range []string{"file:" + w.Dir + "/pool/a.deb", "file://" + w.Dir + "/pool/a.deb", "copy:" + w.Dir + "/pool/a.deb"} {
		w.dir = t.TempDir()
		w.item.URL = uri
		path, err := w.fetcher().Fetch(t.Context(), w.item)
		require.NoError(t, err)
		w.requireContent(t, path)
	}
	w.dir = t.TempDir()
	w.item.URL = "file:" + w.Dir + "/missing.deb"
	_, err := w.fetcher().Fetch(t.Context(), w.item)
	var status *archive.StatusError
	require.ErrorAs(t, err, &status)
	require.True(t, status.IsMissing())
	w.item.URL = "cdrom:[Debian]/x"
	_, err = w.fetcher().Fetch(t.Context(), w.item)
	require.Error(t, err)
	w.item.URL = "ftp://archive.example/x"
	_, err = w.fetcher().Fetch(t.Context(), w.item)
	require.ErrorContains(t, err, `scheme "ftp" is not supported`)
}

// TestFetchResumes cuts transfers short: within one call, and across calls.
func TestFetchResumes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Times: 2, CutAfter: 100_000})
	path, err := w.fetcher().Fetch(t.Context(), w.item)
	require.NoError(t, err)
	w.requireContent(t, path)
	ranges := []string{}
	for _, r := range w.Requests() {
		ranges = append(ranges, r.Range)
	}
	require.Equal(t, []string{"", "bytes=100000-", "bytes=200000-"}, ranges)

	w.dir = t.TempDir()
	w.ForgetRequests()
	require.NoError(t, os.MkdirAll(filepath.Dir(w.partial()), 0o755))
	require.NoError(t, os.WriteFile(w.partial(), w.content[:250_000], 0o644))
	path, err = w.fetcher().Fetch(t.Context(), w.item)
	require.NoError(t, err)
	w.requireContent(t, path)
	require.Len(t, w.Requests(), 1)
	require.Equal(t, "bytes=250000-", w.Requests()[0].Range)
}

func TestFetchKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Times: 1, CutAfter: 100_000})
	w.Fault(apttest.Fault{Path: "a.deb", Status: 503})
	_, err := w.fetcher().Fetch(t.Context(), w.item)
	require.ErrorContains(t, err, "503")
	left, err := os.ReadFile(w.partial())
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.content[:100_000], left))
}

func TestFetchBadBeginnings(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		partial []byte
		faults  []apttest.Fault
	}{
		"garbage":              {partial: make([]byte, 1000)},
		"longer":               {partial: make([]byte, 400_000)},
		"complete and wrong":   {partial: make([]byte, 300_000)},
		"server sends all":     {partial: make([]byte, 1000), faults: []apttest.Fault{{Path: "*", Times: 1, IgnoreRange: true}}},
		"server refuses":       {partial: make([]byte, 1000), faults: []apttest.Fault{{Path: "*", Times: 1, Status: 416}}},
		"corrupted on its way": {faults: []apttest.Fault{{Path: "*", Times: 1, Corrupt: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			for _, f := range c.faults {
				w.Fault(f)
			}
			if c.partial != nil {
				require.NoError(t, os.MkdirAll(filepath.Dir(w.partial()), 0o755))
				require.NoError(t, os.WriteFile(w.partial(), c.partial, 0o644))
			}
			path, err := w.fetcher().Fetch(t.Context(), w.item)
			require.NoError(t, err)
			w.requireContent(t, path)
		})
	}
}

func TestFetchHashMismatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Corrupt: true})
	_, err := w.fetcher().Fetch(t.Context(), w.item)
	var mismatch *archive.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.Equal(t, w.item.URL, mismatch.URL)
	require.Equal(t, w.item.SHA256, mismatch.Expected)
	require.Len(t, mismatch.Got, 64)
	require.NotEqual(t, mismatch.Expected, mismatch.Got)
	require.Len(t, w.Requests(), 2, "it is tried once more")
	require.NoFileExists(t, w.partial(), "what is wrong is not resumed")

	w = newWorld(t)
	w.item.Size++
	_, err = w.fetcher().Fetch(t.Context(), w.item)
	require.ErrorAs(t, err, &mismatch)
	require.Equal(t, "size", mismatch.Algorithm)
	w.item.Size -= 2
	_, err = w.fetcher().Fetch(t.Context(), w.item)
	require.ErrorAs(t, err, &mismatch)
}

func TestFetchRetries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault    apttest.Fault
		requests int
		fails    bool
	}{
		"busy for a moment": {apttest.Fault{Times: 3, Status: 503, RetryAfter: "0"}, 4, false},
		"busy for long":     {apttest.Fault{Status: 503}, 4, true},
		"asks to wait":      {apttest.Fault{Status: 503, RetryAfter: "3600"}, 1, true},
		"asks for a date":   {apttest.Fault{Status: 503, RetryAfter: time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}, 1, true},
		"missing":           {apttest.Fault{Status: 404}, 1, true},
		"forbidden":         {apttest.Fault{Status: 403}, 1, true},
		"stalls once":       {apttest.Fault{Times: 1, Stall: time.Minute}, 1, false}, // the stalled one is never answered
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			if c.fault.Stall > 0 {
				w.stall = 200 * time.Millisecond
			}
			c.fault.Path = "a.deb"
			w.Fault(c.fault)
			path, err := w.fetcher().Fetch(t.Context(), w.item)
			if c.fails {
				var status *archive.StatusError
				require.ErrorAs(t, err, &status)
				require.Equal(t, c.fault.Status, status.Status)
			} else {
				require.NoError(t, err)
				w.requireContent(t, path)
			}
			if c.fault.Stall == 0 {
				require.Len(t, w.Requests(), c.requests)
			}
		})
	}
}

func TestFetchRedirects(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "moved.deb", Status: 302, Location: w.item.URL})
	item := w.item
	item.URL = w.URL + "moved.deb"
	path, err := w.fetcher().Fetch(t.Context(), item)
	require.NoError(t, err)
	w.requireContent(t, path)

	secure := httptest.NewTLSServer(http.RedirectHandler(w.item.URL, http.StatusFound))
	t.Cleanup(secure.Close)
	w.dir = t.TempDir()
	item.URL = secure.URL + "/a.deb"
	f := archive.NewFetcher(archive.NewCache(w.dir), archive.FetcherOptions{HTTP: secure.Client()})
	_, err = f.Fetch(t.Context(), item)
	require.ErrorContains(t, err, "redirected from https to http")
}

func TestFetchHidesPasswords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Status: 404})
	w.item.URL = strings.Replace(w.item.URL, "http://", "http://user:secret@", 1)
	_, err := w.fetcher().Fetch(t.Context(), w.item)
	require.Error(t, err)
	require.NotContains(t, err.Error(), "secret")
	require.Equal(t, "Basic dXNlcjpzZWNyZXQ=", w.Requests()[0].Authorization)
}

func TestFetchAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var items []archive.Item
	var total int64
	for i := range 20 {
		data := bytes.Repeat([]byte{byte(i)}, 1000*(i+1))
		name := fmt.Sprintf("pool/%d.deb", i)
		require.NoError(t, os.WriteFile(filepath.Join(w.Dir, name), data, 0o644))
		items = append(items, archive.Item{URL: w.URL + name, Checksums: checksums(data)})
		total += int64(len(data))
	}
	items = append(items, items[3]) // one of them twice
	total += items[3].Size
	var last archive.Progress
	var mu sync.Mutex
	o := archive.FetchOptions{Parallel: 4, Progress: func(p archive.Progress) {
		require.True(t, mu.TryLock(), "one at a time")
		defer mu.Unlock()
		require.GreaterOrEqual(t, p.Done, last.Done)
		require.LessOrEqual(t, p.Done, p.Total)
		last = p
	}}
	paths, err := w.fetcher().FetchAll(t.Context(), items, o)
	require.NoError(t, err)
	require.Equal(t, paths[3], paths[20])
	require.Equal(t, total, last.Done)
	require.Equal(t, total, last.Total)
	require.Equal(t, total-items[3].Size, last.Fetched)
	require.Equal(t, 21, last.Files)
	require.Empty(t, last.Current)

	last = archive.Progress{}
	items[7].URL += ".missing"
	items[7].SHA256 = strings.Repeat("0", 64)
	_, err = w.fetcher().FetchAll(t.Context(), items, o)
	require.ErrorContains(t, err, ".missing")
}

// TestSharedCache has several fetchers with nothing in common but the directory, as processes have.
func TestSharedCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Times: 3, CutAfter: 50_000})
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			path, err := w.fetcher().Fetch(t.Context(), w.item)
			if err == nil {
				_, err = os.Stat(path)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	require.Len(t, w.Requests(), 4, "the others wait for the first one")
}

func TestFetchCancelled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Stall: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	started := time.Now()
	_, err := w.fetcher().Fetch(ctx, w.item)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	require.Less(t, time.Since(started), 10*time.Second)
}

func TestGet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fault(apttest.Fault{Path: "a.deb", Times: 1, Status: 500})
	first, err := w.fetcher().Get(t.Context(), w.item.URL, nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.content, first.Data))
	second, err := w.fetcher().Get(t.Context(), w.item.URL, first)
	require.NoError(t, err)
	require.True(t, second.NotModified)
	require.Nil(t, second.Data)
	local, err := w.fetcher().Get(t.Context(), "file:"+w.Dir+"/pool/a.deb", nil)
	require.NoError(t, err)
	require.True(t, bytes.Equal(w.content, local.Data))
	var status *archive.StatusError
	_, err = w.fetcher().Get(t.Context(), "file:"+w.Dir+"/missing", nil)
	require.ErrorAs(t, err, &status)
	_, err = w.fetcher().Get(t.Context(), "gopher://x/", nil)
	require.ErrorContains(t, err, "not supported")
}

func TestCacheClear(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	cache := archive.NewCache(w.dir)
	path, err := cache.Put(t.Context(), w.item.Checksums, bytes.NewReader(w.content))
	require.NoError(t, err)
	w.requireContent(t, path)
	_, err = cache.Put(t.Context(), checksums([]byte("x")), strings.NewReader("y"))
	var mismatch *archive.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.NoError(t, cache.Clear())
	_, err = cache.Lookup(w.item.Checksums)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, cache.Clear())
}

func TestLookupRemovesDamage(t *testing.T) {
	t.Parallel()
	cache := archive.NewCache(t.TempDir())
	want := checksums([]byte("text"))
	path, err := cache.Put(t.Context(), want, strings.NewReader("text"))
	require.NoError(t, err)
	found, err := cache.Lookup(want)
	require.NoError(t, err)
	require.Equal(t, path, found)
	require.NoError(t, os.WriteFile(path, []byte("tex"), 0o644))
	_, err = cache.Lookup(want)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoFileExists(t, path)
}

func TestReadIndex(t *testing.T) {
	t.Parallel()
	const text = "Package: a\n\nPackage: b\n"
	want := checksums([]byte(text))
	dir := t.TempDir()
	read := func(file, compression string, want archive.Checksums) (string, error) {
		var text strings.Builder
		err := archive.ReadIndex(t.Context(), file, compression, want, func(piece string) error {
			text.WriteString(piece)
			return nil
		})
		return text.String(), err
	}
	for _, c := range []apttest.Compression{apttest.XZ, apttest.Gzip, apttest.Zstd, apttest.None} {
		file := filepath.Join(dir, string(c))
		require.NoError(t, os.WriteFile(file, apttest.Compress(t, c, []byte(text)), 0o644))
		extension := "." + string(c)
		if c == apttest.None {
			extension = ""
		}
		got, err := read(file, extension, want)
		require.NoError(t, err)
		require.Equal(t, text, got)
		got, err = read(file, extension, archive.Checksums{Size: -1})
		require.NoError(t, err)
		require.Equal(t, text, got)
		_, err = read(file, extension, archive.Checksums{Size: want.Size - 1, SHA256: want.SHA256})
		require.ErrorContains(t, err, "more than the 22 bytes")
		_, err = read(file, extension, archive.Checksums{Size: want.Size, SHA256: strings.Repeat("0", 64)})
		require.ErrorContains(t, err, "hash mismatch")
		packed := apttest.Compress(t, c, []byte(text))
		for n := range packed {
			require.NoError(t, os.WriteFile(file, packed[:n], 0o644))
			_, err = read(file, extension, want)
			require.Error(t, err, "%s, %d bytes of %d", c, n, len(packed))
			if c != apttest.None && n > 0 {
				_, err = read(file, extension, archive.Checksums{Size: -1})
				require.Error(t, err, "%s, %d bytes of %d, of unknown size", c, n, len(packed))
			}
		}
		require.NoError(t, os.WriteFile(file, []byte("garbage"), 0o644))
		_, err = read(file, extension, want)
		require.Error(t, err)
	}
}

// TestReadIndexInPieces: each but the last ends where a paragraph does, however long, and what piece refuses ends it.
func TestReadIndexInPieces(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	for i := range 40_000 {
		fmt.Fprintf(&b, "Package: p%d\nDescription: %s\n\n", i, strings.Repeat("x", i%500))
		if i == 20_000 {
			b.WriteString("Package: long\n" + strings.Repeat(" y\n", 3<<20) + "\n")
		}
	}
	text := strings.TrimSuffix(b.String(), "\n")
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
	want := checksums([]byte(text))
	var pieces []string
	require.NoError(t, archive.ReadIndex(t.Context(), file, "", want, func(piece string) error {
		pieces = append(pieces, piece)
		return nil
	}))
	require.Greater(t, len(pieces), 4)
	for _, piece := range pieces[:len(pieces)-1] {
		require.True(t, strings.HasSuffix(piece, "\n\n"))
	}
	require.True(t, text == strings.Join(pieces, ""))
	refused := errors.New("refused")
	calls := 0
	err := archive.ReadIndex(t.Context(), file, "", want, func(string) error { calls++; return refused })
	require.ErrorIs(t, err, refused)
	require.Equal(t, 1, calls)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, archive.ReadIndex(ended, file, "", want, func(string) error { return nil }), context.Canceled)
}
