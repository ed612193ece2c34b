package compose_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// TestPrevious tells a compose what was before: by commit, input hash and version.
func TestPrevious(t *testing.T) {
	t.Parallel()
	archive := apttest.New(t, apttest.Options{})
	archive.Add(apttest.Deb{Package: "base", Essential: true})
	archive.Publish()
	tree := syntheticTree(archive, "base")
	tree.AutomaticVersionPrefix = "7"
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	plan := func(change func(*compose.Options)) *compose.Plan {
		return newBuild(t, tree, func(o *compose.Options) { o.Repo = repo; change(o) }).plan(t)
	}
	hash := plan(func(*compose.Options) {}).InputHash
	require.NoError(t, repo.Update(t.Context(), func(w *ostree.Writer) error {
		tree, err := ostreetest.Build(t.Context(), w, ostreetest.Tree{})
		if err != nil {
			return err
		}
		c := ostree.Commit{Timestamp: ostreetest.Timestamp()}
		c.Metadata.Set(ostree.MetadataVersion, gvariant.String("7.2"))
		c.Metadata.Set("apt-ostree.inputhash", gvariant.String(hash))
		if c.Tree, err = w.WriteTree(t.Context(), tree); err != nil {
			return err
		}
		sum, err := w.WriteCommit(t.Context(), c)
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "elsewhere"}, sum)
	}))
	for name, c := range map[string]struct {
		change    func(*compose.Options)
		unchanged bool
		version   string
	}{
		"nothing":    {func(*compose.Options) {}, false, "7"},
		"same hash":  {func(o *compose.Options) { o.PreviousInputHash = hash }, true, "7"},
		"other hash": {func(o *compose.Options) { o.PreviousInputHash = "x" }, false, "7"},
		"forced":     {func(o *compose.Options) { o.PreviousInputHash, o.Force = hash, true }, false, "7"},
		"version":    {func(o *compose.Options) { o.PreviousVersion = "7.4" }, false, "7.5"},
		"own version": {func(o *compose.Options) {
			o.Metadata = ostree.Metadata{{Key: ostree.MetadataVersion, Value: gvariant.String("8")}}
		}, false, "8"},
		"commit":            {func(o *compose.Options) { o.Previous = "elsewhere" }, true, "7.3"},
		"commit, version":   {func(o *compose.Options) { o.Previous, o.PreviousVersion = "elsewhere", "7.8" }, true, "7.9"},
		"commit, no parent": {func(o *compose.Options) { o.Previous, o.NoParent = "elsewhere", true }, true, "7.3"},
	} {
		t.Run(name, func(t *testing.T) {
			p := plan(c.change)
			require.Equal(t, c.unchanged, p.Unchanged)
			require.Equal(t, c.version, p.Version)
			require.Zero(t, p.Parent)
		})
	}
}

// TestInputHash has what the tree depends on in it, and nothing else.
func TestInputHash(t *testing.T) {
	t.Parallel()
	archive := apttest.New(t, apttest.Options{})
	archive.Add(apttest.Deb{Package: "base", Essential: true}, apttest.Deb{Package: "tool"}, apttest.Deb{Package: "tool", Version: "2.0"})
	archive.Publish()
	tree := syntheticTree(archive, "tool")
	hash := func(change func(*compose.Options)) string { return newBuild(t, tree, change).plan(t).InputHash }
	first := hash(nil)
	for name, change := range map[string]func(*compose.Options){
		"work directory":     func(o *compose.Options) { o.WorkDir = t.TempDir() },
		"proxy":              func(o *compose.Options) { o.Proxy, o.HTTP = "http://proxy.example", http.DefaultClient },
		"lock of what it is": func(o *compose.Options) { o.Lockfile = lockfile("tool", "2.0") },
		"lock of nothing":    func(o *compose.Options) { o.Lockfile = lockfile("other", "2.0") },
	} {
		require.Equal(t, first, hash(change), name)
	}
	seen := map[string]string{first: "nothing"}
	for name, change := range map[string]func(*compose.Options){
		"lock":           func(o *compose.Options) { o.Lockfile = lockfile("tool", "1.0") },
		"metadata":       func(o *compose.Options) { o.Metadata = ostree.Metadata{{Key: "k", Value: gvariant.String("v")}} },
		"other metadata": func(o *compose.Options) { o.Metadata = ostree.Metadata{{Key: "k", Value: gvariant.String("w")}} },
	} {
		h := hash(change)
		require.NotContains(t, seen, h, name)
		seen[h] = name
	}
}

func lockfile(name, version string) *compose.Lockfile {
	return &compose.Lockfile{Packages: map[string]compose.LockedPackage{name: {EVR: version}}}
}

// TestProxy fetches an archive that only the proxy knows.
func TestProxy(t *testing.T) {
	t.Parallel()
	archive := apttest.New(t, apttest.Options{})
	archive.Add(apttest.Deb{Package: "base", Essential: true})
	archive.Publish()
	var requests atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		if r.URL.Host != "archive.example" {
			http.Error(w, "not for "+r.URL.Host, http.StatusBadGateway)
			return
		}
		req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, archive.URL+r.URL.Path[1:], nil)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		answer, err := http.DefaultClient.Do(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer answer.Body.Close()
		w.WriteHeader(answer.StatusCode)
		_, _ = io.Copy(w, answer.Body) // the client notices
	}))
	t.Cleanup(proxy.Close)
	root := t.TempDir() // its configuration says to use no proxy
	require.NoError(t, os.MkdirAll(filepath.Join(root, "etc/apt"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "etc/apt/apt.conf"), []byte(`Acquire::http::Proxy::archive.example "DIRECT";`), 0o644))
	tree := syntheticTree(archive, "base")
	tree.Repos[0].URIs = []string{"http://archive.example/"}
	b := newBuild(t, tree, func(o *compose.Options) { o.Root, o.Proxy = root, proxy.URL })
	require.Equal(t, "base=1.0", versions(b.plan(t)))
	require.NotZero(t, requests.Load())
}

func TestDownloadAndImport(t *testing.T) {
	t.Parallel()
	archive := apttest.New(t, apttest.Options{})
	archive.Add(apttest.Deb{Package: "base", Essential: true}, apttest.Deb{Package: "tool"})
	archive.Publish()
	cache := t.TempDir()
	b := newBuild(t, syntheticTree(archive, "tool"), func(o *compose.Options) { o.Repo, o.CacheDir = nil, cache })
	files, err := b.Download(t.Context(), b.plan(t), nil)
	require.NoError(t, err)
	require.Len(t, files, 2)
	require.FileExists(t, files[0])
	require.NoDirExists(t, filepath.Join(cache, "pkgcache"))
	files, err = b.Import(t.Context(), b.plan(t), nil)
	require.NoError(t, err)
	require.Len(t, files, 2)
	repo := ostreetest.Open(t, filepath.Join(cache, "pkgcache"))
	refs, err := repo.Refs(t.Context(), pkgcache.RefPrefix)
	require.NoError(t, err)
	require.Len(t, refs, 2)
}

func TestWorkDir(t *testing.T) {
	t.Parallel()
	needTrees(t)
	tree := syntheticTree(syntheticArchive(t, apttest.Deb{Package: "tool"}), "tool")
	dir := filepath.Join(t.TempDir(), "work")
	usual, elsewhere := newBuild(t, tree, nil), newBuild(t, tree, func(o *compose.Options) { o.WorkDir = dir })
	want, got := usual.compose(t), elsewhere.compose(t)
	requireSame(t, usual.repo, want.Commit, elsewhere.repo, got.Commit)
	require.DirExists(t, dir)
	left, err := filepath.Glob(filepath.Join(dir, "[^.]*"))
	require.NoError(t, err)
	require.Empty(t, left)
}

func TestReleaseOf(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	_, err := compose.ReleaseOf(root)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.MkdirAll(filepath.Join(root, "usr/lib"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "usr/lib/os-release"), []byte("ID=x\n"), 0o644))
	_, err = compose.ReleaseOf(root)
	require.ErrorContains(t, err, "VERSION_CODENAME")
	require.NoError(t, os.WriteFile(filepath.Join(root, "usr/lib/os-release"), []byte("ID=x\nVERSION_CODENAME=\"sid\"\n"), 0o644))
	got, err := compose.ReleaseOf(root)
	require.NoError(t, err)
	require.Equal(t, "sid", got)
	tree, err := compose.Load(write(t, "t.yaml", "ref: a/${releasever}\n"), compose.LoadOptions{Architecture: "amd64", Releasever: got})
	require.NoError(t, err)
	require.Equal(t, "a/sid", tree.Ref)
}
