package pkgcache_test

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/pkgcache"
)

// source writes a package and describes it.
func source(t *testing.T, d apttest.Deb) pkgcache.Source {
	t.Helper()
	path := d.Write(t, t.TempDir())
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	sum := sha256.Sum256(data)
	version, arch := d.Version, d.Architecture
	if version == "" {
		version = "1.0"
	}
	if arch == "" {
		arch = "all"
	}
	return pkgcache.Source{Key: pkgcache.Key{Name: d.Package, Version: version, Architecture: arch}, SHA256: hex.EncodeToString(sum[:]), Path: path}
}

func hello() apttest.Deb {
	return apttest.Deb{
		Package: "hello", Version: "1:2.0+b~1-1", Architecture: "amd64",
		Files: []apttest.File{
			{Path: "usr/bin/link", Link: "hello"},
			{Path: "usr/bin/hello", Mode: 0o4755, Content: "binary"},
			{Path: "usr/bin/again", HardLink: "usr/bin/hello", Mode: 0o4755},
			{Path: "var/mail", Dir: true, Mode: 0o2775, User: "root", Group: "mail", GID: 8},
			{Path: "etc/hello.conf", Content: "x\n"},
		},
		Scripts: map[string]string{"postinst": "true"},
		Control: map[string]string{"triggers": "interest hello\n"},
	}
}

func TestImport(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	cache := pkgcache.New(repo)
	s := source(t, hello())
	var seen []pkgcache.Key
	results, err := cache.Import(t.Context(), []pkgcache.Source{s}, pkgcache.Options{Report: func(k pkgcache.Key) { seen = append(seen, k) }})
	require.NoError(t, err)
	require.Nil(t, results[0].Unsupported)
	require.False(t, results[0].Cached)
	require.Equal(t, []pkgcache.Key{s.Key}, seen)
	require.Equal(t, "apt-ostree/pkg/hello/1_3a2.0_2bb_7e1-1/amd64", s.Ref().String())

	p, err := cache.Load(t.Context(), results[0].Commit)
	require.NoError(t, err)
	require.Equal(t, s.Key, p.Key)
	require.Equal(t, s.SHA256, p.SHA256)
	require.Equal(t, []string{
		"/.", "/usr", "/usr/bin", "/usr/bin/hello", "/usr/bin/again", "/var", "/var/mail", "/etc", "/etc/hello.conf", "/usr/bin/link",
	}, p.List, "symbolic links come last")
	require.Equal(t, map[string]pkgcache.Owner{"var/mail": {User: "root", Group: "mail"}}, p.Owners)
	require.Equal(t, map[string]string{"usr/bin/link": "hello"}, p.Links)
	require.Contains(t, string(p.Control.Paragraph()), "Package: hello\n")
	require.Equal(t, "interest hello\n", string(p.Control["triggers"].Data))
	require.Equal(t, fs.FileMode(0o755), p.Control["postinst"].Mode)
	require.True(t, p.Digests.IsZero(), "the package ships md5sums")
	a, err := p.Tree.Lookup("files/usr/bin/hello")
	require.NoError(t, err)
	b, err := p.Tree.Lookup("files/usr/bin/again")
	require.NoError(t, err)
	require.Equal(t, a.File, b.File)
	info, err := repo.FileInfo(t.Context(), a.File)
	require.NoError(t, err)
	require.Equal(t, uint32(0o104755), info.Mode)

	// Nothing is read a second time, and another machine would make the same commit.
	again, err := cache.Import(t.Context(), []pkgcache.Source{{Key: s.Key, SHA256: s.SHA256, Path: "/nowhere"}}, pkgcache.Options{})
	require.NoError(t, err)
	require.Equal(t, pkgcache.Result{Commit: results[0].Commit, Cached: true}, again[0])
	other, err := pkgcache.New(ostreetest.Repo(t, ostree.ModeArchive)).Import(t.Context(), []pkgcache.Source{s}, pkgcache.Options{})
	require.NoError(t, err)
	require.Equal(t, results[0].Commit, other[0].Commit)
}

func TestImportMakesDigests(t *testing.T) {
	t.Parallel()
	cache := pkgcache.New(ostreetest.Repo(t, ostree.ModeBareUser))
	d := apttest.Deb{Package: "empty", Files: []apttest.File{{Path: "usr/share/empty", Dir: true}}}
	results, err := cache.Import(t.Context(), []pkgcache.Source{source(t, d)}, pkgcache.Options{})
	require.NoError(t, err)
	p, err := cache.Load(t.Context(), results[0].Commit)
	require.NoError(t, err)
	require.False(t, p.Digests.IsZero())
}

func TestImportRefusesAnotherHash(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	cache := pkgcache.New(repo)
	good, bad := source(t, hello()), source(t, apttest.Deb{Package: "bad"})
	bad.SHA256 = good.SHA256
	_, err := cache.Import(t.Context(), []pkgcache.Source{good, bad}, pkgcache.Options{})
	var mismatch *apt.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.ErrorContains(t, err, "import bad=1.0:all")
	requireEmpty(t, repo)

	// A package that was replaced by another of the same name and version is imported anew.
	_, err = cache.Import(t.Context(), []pkgcache.Source{good}, pkgcache.Options{})
	require.NoError(t, err)
	changed := hello()
	changed.Files = nil
	results, err := cache.Import(t.Context(), []pkgcache.Source{source(t, changed)}, pkgcache.Options{})
	require.NoError(t, err)
	require.False(t, results[0].Cached)
}

// requireEmpty checks that an import left nothing.
func requireEmpty(t *testing.T, repo *ostree.Repo) {
	t.Helper()
	refs, err := repo.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, refs)
	for _, dir := range []string{"objects/*/*", "tmp/staging-*"} {
		left, err := filepath.Glob(filepath.Join(repo.Path(), dir))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

func TestImportInterrupted(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	ctx, cancel := context.WithCancel(t.Context())
	sources := []pkgcache.Source{source(t, hello()), source(t, apttest.Deb{Package: "second"})}
	_, err := pkgcache.New(repo).Import(ctx, sources, pkgcache.Options{Parallel: 1, Report: func(pkgcache.Key) { cancel() }})
	require.ErrorIs(t, err, context.Canceled)
	requireEmpty(t, repo)
}

// TestImportLeavesToDpkg has packages that dpkg unpacks, or refuses in its own words, and no commit holds.
func TestImportLeavesToDpkg(t *testing.T) {
	t.Parallel()
	cache := pkgcache.New(ostreetest.Repo(t, ostree.ModeBareUser))
	for reason, d := range map[string]apttest.Deb{
		"is a character device":         {Package: "dev", Files: []apttest.File{{Path: "dev/x", Header: func(h *tar.Header) { h.Typeflag = tar.TypeChar }}}},
		"is a named pipe":               {Package: "fifo", Files: []apttest.File{{Path: "x", Header: func(h *tar.Header) { h.Typeflag = tar.TypeFifo }}}},
		"is in the archive twice":       {Package: "twice", Files: []apttest.File{{Path: "x", Content: "1"}, {Path: "x", Content: "2"}}},
		"no directory of the package":   {Package: "through", Files: []apttest.File{{Path: "x", Content: "1", Header: func(h *tar.Header) { h.Name = "./a/x" }}}},
		"has another owner or mode":     {Package: "link", Files: []apttest.File{{Path: "x", Content: "1"}, {Path: "y", HardLink: "x", Mode: 0o600}}},
		"below what is no directory of": {Package: "symlink", Files: []apttest.File{{Path: "l", Link: "x"}, {Path: "y", Content: "1", Header: func(h *tar.Header) { h.Name = "./l/y" }}}},
	} {
		results, err := cache.Import(t.Context(), []pkgcache.Source{source(t, d)}, pkgcache.Options{})
		require.NoError(t, err)
		require.NotNil(t, results[0].Unsupported, reason)
		require.ErrorContains(t, results[0].Unsupported, reason)
		require.Zero(t, results[0].Commit)
	}
	damaged := source(t, hello())
	damaged.SHA256 = ""
	data, err := os.ReadFile(damaged.Path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(damaged.Path, data[:len(data)-50], 0o600))
	_, err = cache.Import(t.Context(), []pkgcache.Source{damaged}, pkgcache.Options{})
	require.ErrorContains(t, err, "truncated")
}

func TestDrop(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	cache := pkgcache.New(repo)
	kept, gone := source(t, hello()), source(t, apttest.Deb{Package: "gone", Files: []apttest.File{{Path: "usr/gone", Content: "gone"}}})
	_, err := cache.Import(t.Context(), []pkgcache.Source{kept, gone}, pkgcache.Options{})
	require.NoError(t, err)
	n, err := cache.Drop(t.Context(), func(k pkgcache.Key) bool { return k == kept.Key })
	require.NoError(t, err)
	require.Equal(t, 1, n)
	_, err = cache.Find(t.Context(), gone.Key, gone.SHA256)
	require.ErrorIs(t, err, fs.ErrNotExist)
	_, err = cache.Find(t.Context(), kept.Key, kept.SHA256)
	require.NoError(t, err)
	report, err := repo.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.NoError(t, err)
	require.Positive(t, report.Deleted)
	_, err = repo.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
}

// FuzzRef encodes names that no archive has.
func FuzzRef(f *testing.F) {
	f.Add("libstdc++6", "1:1.0~rc1+b_1", "amd64")
	f.Add("..", "", "/")
	f.Fuzz(func(t *testing.T, name, version, arch string) {
		if name == "" || version == "" || arch == "" || len(name)+len(version)+len(arch) > 1000 {
			return
		}
		ref := pkgcache.Key{Name: name, Version: version, Architecture: arch}.Ref()
		parsed, err := ostree.ParseRefspec(ref.String())
		require.NoError(t, err)
		require.Equal(t, ref, parsed)
		require.Equal(t, 4, strings.Count(ref.Ref, "/"))
	})
}
