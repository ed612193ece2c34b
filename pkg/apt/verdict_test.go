package apt_test

import (
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// trusting is an archive whose key is in a file, and a cache of it.
type trusting struct {
	*apttest.Archive
	source      source.Source
	cache, root string
	ahead       time.Duration // of the clock
}

func newTrusting(t *testing.T, o apttest.KeyOptions) *trusting {
	t.Helper()
	w := &trusting{Archive: apttest.New(t, apttest.Options{Key: apttest.NewKey(t, o)}), cache: t.TempDir(), root: t.TempDir(), ahead: time.Minute}
	w.Add(hello, data)
	w.ValidUntil = time.Now().Add(48 * time.Hour)
	w.source = w.Publish()
	w.source.SignedBy = source.SignedBy{Keyrings: []string{"/etc/key.gpg"}}
	require.NoError(t, os.Mkdir(filepath.Join(w.root, "etc"), 0o755))
	w.trust(t, w.Key)
	_, err := w.open(t, false)
	require.NoError(t, err)
	_, err = w.open(t, true)
	require.NoError(t, err)
	return w
}

func (w *trusting) trust(t *testing.T, k *apttest.Key) {
	t.Helper()
	k.Write(t, filepath.Join(w.root, "etc"), "key.gpg")
}

// open loads the lists with a client of its own.
func (w *trusting) open(t *testing.T, offline bool) (*apt.Universe, error) {
	t.Helper()
	c := client(t, func(o *apt.ClientOptions) {
		o.CacheDir, o.Root, o.Offline = w.cache, w.root, offline
		o.Clock = func() time.Time { return time.Now().Add(w.ahead) }
	})
	return c.Update(t.Context(), []source.Source{w.source})
}

// mark changes what the verdict says, to see whether it is believed.
func (w *trusting) mark(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(w.cache, "lists/verdict-*"))
	require.NoError(t, err)
	require.Len(t, files, 1)
	text, err := os.ReadFile(files[0])
	require.NoError(t, err)
	changed := regexp.MustCompile(`"Digest":"[^"]*"`).ReplaceAll(text, []byte(`"Digest":"marked"`))
	require.NotEqual(t, text, changed)
	require.NoError(t, os.WriteFile(files[0], changed, 0o644))
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	other := apttest.NewKey(t, apttest.KeyOptions{})
	for name, c := range map[string]struct {
		change   func(*testing.T, *trusting)
		believed bool
		refuses  string
	}{
		"nothing":     {believed: true},
		"another key": {change: func(t *testing.T, w *trusting) { w.trust(t, other) }, refuses: "no such key"},
		"no key":      {change: func(t *testing.T, w *trusting) { require.NoError(t, os.Remove(filepath.Join(w.root, "etc/key.gpg"))) }, refuses: "does not exist"},
		"same key":    {change: func(t *testing.T, w *trusting) { w.trust(t, w.Key) }},
		"a damaged release": {change: func(t *testing.T, w *trusting) {
			files, err := filepath.Glob(filepath.Join(w.cache, "releases/*"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files[0], []byte("{}"), 0o644))
		}, refuses: "is not in the cache"},
		"expired":         {change: func(_ *testing.T, w *trusting) { w.ahead = 72 * time.Hour }, refuses: "expired"},
		"expired, but":    {change: func(_ *testing.T, w *trusting) { w.ahead = 72 * time.Hour; w.source.CheckValidUntil = new(bool) }},
		"an earlier time": {change: func(_ *testing.T, w *trusting) { w.ahead = 0 }},
		"other keys":      {change: func(_ *testing.T, w *trusting) { w.source.SignedBy.Keyrings[0] = "/etc/none.gpg" }, refuses: "does not exist"},
		"a list less": {change: func(t *testing.T, w *trusting) {
			files, err := filepath.Glob(filepath.Join(w.cache, "lists/*"))
			require.NoError(t, err)
			for _, f := range files {
				if filepath.Base(f)[:7] != "verdict" {
					require.NoError(t, os.Remove(f))
				}
			}
		}},
		"nonsense": {change: func(t *testing.T, w *trusting) {
			files, err := filepath.Glob(filepath.Join(w.cache, "lists/verdict-*"))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(files[0], []byte("no JSON"), 0o644))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTrusting(t, apttest.KeyOptions{})
			w.mark(t)
			u, err := w.open(t, true)
			require.NoError(t, err)
			marked := u.Digest()
			if c.change != nil {
				c.change(t, w)
			}
			u, err = w.open(t, true)
			if c.refuses != "" {
				require.ErrorContains(t, err, c.refuses)
				return
			}
			require.NoError(t, err)
			require.Equal(t, both, names(u))
			require.Equal(t, c.believed, u.Digest() == marked)
		})
	}
}

// TestVerdictEndsWithTheKey: no file changes when a key expires.
func TestVerdictEndsWithTheKey(t *testing.T) {
	t.Parallel()
	w := newTrusting(t, apttest.KeyOptions{Lifetime: 72 * time.Hour})
	w.mark(t)
	w.ahead = 22 * time.Hour
	_, err := w.open(t, true)
	require.NoError(t, err)
	w.ahead = 25 * time.Hour
	_, err = w.open(t, true)
	require.ErrorContains(t, err, "has expired")
}
