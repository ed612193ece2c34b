package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestComposeLockfiles writes a lockfile and composes with it, under rpm-ostree's names of the options too.
func TestComposeLockfiles(t *testing.T) {
	t.Parallel()
	a := archive(t, func(a *apttest.Archive) { a.Add(apttest.Deb{Package: "libedit", Version: "2.2"}) })
	tree, locks := treefile(t, a, "editor"), filepath.Join(t.TempDir(), "locks.json")
	out, _ := compose(t, tree, "--dry-run", "--write-lockfile-to="+locks)
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stdout, "libedit_2.2_all")
	text, err := os.ReadFile(locks)
	require.NoError(t, err)
	require.Contains(t, string(text), `"evra": "2.2.all"`)

	older := write(t, "older.json", `{"packages": {"libedit": {"evr": "2.1"}}}`)
	for _, flag := range []string{"--lockfile=", "--ex-lockfile="} {
		out, _ = compose(t, tree, "--dry-run", flag+locks, flag+older)
		require.Zero(t, out.code, out.stderr)
		require.Contains(t, out.stdout, "libedit_2.1_all")
	}
	out, _ = compose(t, tree, "--dry-run", "--ex-lockfile="+locks, "--ex-lockfile-strict", "--ex-write-lockfile-to="+filepath.Join(t.TempDir(), "again.json"))
	require.Zero(t, out.code, out.stderr)
	out, _ = compose(t, tree, "--dry-run", "--lockfile="+older, "--lockfile-strict")
	require.Equal(t, 1, out.code)
	require.Contains(t, out.stderr, "only what is in the lockfile may be installed")
	out, _ = compose(t, tree, "--dry-run", "--lockfile="+write(t, "gone.json", `{"packages": {"libedit": {"evr": "9"}}}`))
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stderr, "warning: couldn't find locked package libedit=9\n")
}

func TestComposeDownloadOnly(t *testing.T) {
	t.Parallel()
	tree := treefile(t, archive(t, nil), "editor")
	for _, flag := range []string{"--download-only", "--download-only-debs", "--download-only-rpms"} {
		out, repo := compose(t, tree, "--quiet", flag)
		require.Zero(t, out.code, out.stderr)
		files := strings.Fields(out.stdout)
		require.Len(t, files, 3, out.stdout)
		require.FileExists(t, files[0])
		require.NoFileExists(t, filepath.Join(repo, "refs/heads/test"))
		imported := filepath.Join(filepath.Dir(repo), "cache/pkgcache")
		if flag == "--download-only" {
			require.DirExists(t, imported)
		} else {
			require.NoDirExists(t, imported)
		}
	}
}

// TestComposeSourceRoot takes sources, keys and release from a directory.
func TestComposeSourceRoot(t *testing.T) {
	t.Parallel()
	a := archive(t, nil)
	root := t.TempDir()
	for _, dir := range []string{"etc/apt/sources.list.d", "etc/keys"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	a.Key.Write(t, filepath.Join(root, "etc/keys"), "key.gpg")
	for name, text := range map[string]string{
		"etc/os-release":                     "VERSION_CODENAME=stable\n",
		"etc/apt/sources.list.d/all.sources": "Types: deb\nURIs: " + a.URL + "\nSuites: stable\nComponents: main\nSigned-By: /etc/keys/key.gpg\n",
	} {
		require.NoError(t, os.WriteFile(filepath.Join(root, name), []byte(text), 0o644))
	}
	tree := write(t, "t.yaml", "ref: x/${releasever}\npackages: [editor]\n")
	out, _ := compose(t, tree, "--dry-run", "--json", "--source-root="+root)
	require.Zero(t, out.code, out.stderr)
	var plan map[string]any
	require.NoError(t, json.Unmarshal([]byte(out.stdout), &plan))
	require.Equal(t, "x/stable", plan["ref"])
}

func TestComposeOptionErrors(t *testing.T) {
	t.Parallel()
	tree := write(t, "t.yaml", "packages: [editor]\n")
	for name, c := range map[string]struct {
		flags []string
		want  string
	}{
		"strict without lockfile": {[]string{"--lockfile-strict"}, "--lockfile-strict needs a --lockfile"},
		"lockfile":                {[]string{"--lockfile=" + write(t, "x.json", "{")}, "lockfile: "},
		"proxy":                   {[]string{"--proxy=here"}, "--proxy=here: not a URL with a host"},
		"metadata":                {[]string{"--add-metadata-from-json=" + write(t, "x.json", "[]")}, "--add-metadata-from-json="},
		"source root":             {[]string{"--source-root=" + t.TempDir()}, "--source-root="},
		"layer repo":              {[]string{"--layer-repo=" + t.TempDir()}, "repo"},
		"work directories":        {[]string{"--workdir=x", "--workdir-tmpfs"}, "workdir"},
		"previous commit":         {[]string{"--previous-commit=nowhere"}, "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, _ := compose(t, tree, c.flags...)
			require.Equal(t, 1, out.code)
			require.Contains(t, out.stderr, c.want)
		})
	}
}

// composable is a treefile for a synthetic system that commits can be made of.
func composable(t *testing.T) string {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Overlay, testenv.Tool("bwrap"), testenv.Tool("dpkg"), testenv.Tool("ldd"))
	a := apttest.New(t, apttest.Options{})
	a.Add(apttest.System(t), apttest.Deb{Package: "tool", Files: []apttest.File{{Path: "usr/share/tool", Content: "x"}, {Path: "etc/tool", Content: "y"}}})
	a.Publish()
	tree := treefile(t, a, "tool")
	text, err := os.ReadFile(tree)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(tree, append(text, "container: true\n"...), 0o644))
	return tree
}

// mustCompose runs a command below `compose`, with a cache in dir.
func mustCompose(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out := run(t, append(append([]string{"compose"}, args...), "--arch=amd64", "--cachedir="+dir+"/cache", "--quiet")...)
	require.Zero(t, out.code, "%v: %s%s", args, out.stdout, out.stderr)
	return out.stdout
}

// TestComposeTree makes real commits of a synthetic system.
func TestComposeTree(t *testing.T) {
	t.Parallel()
	tree := composable(t)
	dir := t.TempDir()
	touched := filepath.Join(dir, "touched")
	json := write(t, "m.json", `{"example.number": 7, "example.list": ["a"]}`)
	args := []string{"tree", tree, "--repo=" + dir + "/repo", "--touch-if-changed=" + touched, "--add-metadata-from-json=" + json}

	require.Contains(t, mustCompose(t, dir, args...), "test => ")
	require.FileExists(t, touched)
	repo := ostreetest.Open(t, dir+"/repo")
	first, err := repo.Resolve(t.Context(), "test")
	require.NoError(t, err)
	commit, err := repo.LoadCommit(t.Context(), first)
	require.NoError(t, err)
	number, ok := commit.Metadata.Lookup("example.number")
	require.True(t, ok)
	require.Equal(t, "int64 7", number.Byteswap().Text())

	old := time.Unix(1000000000, 0)
	require.NoError(t, os.Chtimes(touched, old, old))
	require.Contains(t, mustCompose(t, dir, args...), "No apparent changes")
	info, err := os.Stat(touched)
	require.NoError(t, err)
	require.Equal(t, old, info.ModTime(), "nothing changed")
	mustCompose(t, dir, append(args, "--force-nocache", "--workdir-tmpfs")...)
	info, err = os.Stat(touched)
	require.NoError(t, err)
	require.NotEqual(t, old, info.ModTime())
	second, err := repo.Resolve(t.Context(), "test")
	require.NoError(t, err)
	require.NotEqual(t, first, second)

	// The input hash alone is enough to know that nothing changed.
	hash := commit.Metadata.Str("apt-ostree.inputhash")
	require.Contains(t, mustCompose(t, dir, "tree", tree, "--repo="+dir+"/other", "--add-metadata-from-json="+json, "--previous-inputhash="+hash), "No apparent changes")
}
