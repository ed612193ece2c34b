package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
)

// archive is a small signed archive: an essential package and some with faults.
func archive(t *testing.T, change func(*apttest.Archive)) *apttest.Archive {
	t.Helper()
	a := apttest.New(t, apttest.Options{})
	a.Add(
		apttest.Deb{Package: "base", Essential: true},
		apttest.Deb{Package: "editor", Depends: "libedit (>= 2)"},
		apttest.Deb{Package: "libedit", Version: "2.1"},
		apttest.Deb{Package: "rival", Conflicts: "libedit"},
		apttest.Deb{Package: "broken", Depends: "nowhere"},
	)
	if change != nil {
		change(a)
	}
	a.Publish()
	return a
}

// treefile asks for packages from the archive.
func treefile(t *testing.T, a *apttest.Archive, packages ...string) string {
	t.Helper()
	return write(t, "tree.yaml", fmt.Sprintf("ref: test\nrepos:\n  - uris: %s\n    suites: stable\n    components: main\n    signed-by: %s\npackages: [%s]\n",
		a.URL, a.Key.Write(t, t.TempDir(), "key.gpg"), strings.Join(packages, ", ")))
}

// compose runs `compose tree` in a directory of its own and returns the repository too.
func compose(t *testing.T, tree string, flags ...string) (outcome, string) {
	t.Helper()
	dir := t.TempDir()
	args := append([]string{"compose", "tree", tree, "--arch=amd64", "--repo=" + dir + "/repo", "--cachedir=" + dir + "/cache"}, flags...)
	return run(t, args...), filepath.Join(dir, "repo")
}

func TestComposeDryRun(t *testing.T) {
	t.Parallel()
	out, repo := compose(t, treefile(t, archive(t, nil), "editor"), "--dry-run")
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stdout, "Resolved 3 packages")
	require.Contains(t, out.stdout, "  base_1.0_all (stable)\n  editor_1.0_all (stable)\n  libedit_2.1_all (stable)\n")
	require.NoDirExists(t, repo)
}

// TestComposeDates keeps the time that commits are dated with apart from the time that says whether
// an archive is fresh.
func TestComposeDates(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	tree := treefile(t, archive(t, nil), "editor")
	var stdout, stderr bytes.Buffer
	code := cli.Main(t.Context(), []string{"compose", "tree", tree, "--arch=amd64", "--repo=" + dir + "/repo", "--cachedir=" + dir + "/cache", "--dry-run"}, cli.Env{
		Out: &stdout, Err: &stderr, Getenv: func(name string) string { return map[string]string{"SOURCE_DATE_EPOCH": "1000000000"}[name] },
	})
	require.Zero(t, code, stderr.String())
}

func TestComposeDryRunDoesNotDependOnOrder(t *testing.T) {
	t.Parallel()
	a := archive(t, nil)
	tree := treefile(t, a, "editor", "libedit")
	text, err := os.ReadFile(tree)
	require.NoError(t, err)
	swapped := write(t, "tree.yaml", strings.Replace(string(text), "editor, libedit", "libedit, editor", 1))
	require.NotEqual(t, string(text), swapped)
	one, _ := compose(t, tree, "--dry-run", "--json")
	two, _ := compose(t, swapped, "--dry-run", "--json")
	require.Zero(t, one.code, one.stderr)
	require.Equal(t, one.stdout, two.stdout)
}

func TestComposeBadInput(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*apttest.Archive)
		packages []string
		want     []string
	}{
		"unsigned": {change: func(a *apttest.Archive) { a.Unsigned = true }, want: []string{"not signed"}},
		"expired":  {change: func(a *apttest.Archive) { a.ValidUntil = time.Now().Add(-time.Hour) }, want: []string{"expired"}},
		"from tomorrow": {change: func(a *apttest.Archive) {
			a.Date, a.SignedAt = time.Now().Add(24*time.Hour), time.Now().Add(-time.Hour)
		}, want: []string{"in the future"}},
		"wrong key": {change: func(a *apttest.Archive) { a.Signers = []*apttest.Key{apttest.NewKey(t, apttest.KeyOptions{})} }, want: []string{"key"}},
		"corrupt index": {change: func(a *apttest.Archive) {
			a.Fault(apttest.Fault{Path: "dists/stable/main/binary-amd64/*", Corrupt: true})
			a.Fault(apttest.Fault{Path: "dists/stable/main/binary-amd64/by-hash/*/*", Corrupt: true})
		}, want: []string{"SHA256 is"}},
		"unknown names": {packages: []string{"edito", "xyzzy", "base"}, want: []string{"edito", "editor", "xyzzy"}},
		"conflict":      {packages: []string{"editor", "rival"}, want: []string{"editor", "libedit", "rival", "onflicts"}},
		"no dependency": {packages: []string{"broken"}, want: []string{"broken", "nowhere"}},
		"wrong version": {packages: []string{"libedit=9"}, want: []string{"libedit=9"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			packages := c.packages
			if packages == nil {
				packages = []string{"editor"}
			}
			out, repo := compose(t, treefile(t, archive(t, c.change), packages...))
			require.Equal(t, 1, out.code)
			require.True(t, strings.HasPrefix(out.stderr, "error: "), out.stderr)
			for _, want := range c.want {
				require.Contains(t, out.stderr, want)
			}
			require.NoFileExists(t, filepath.Join(repo, "refs/heads/test"))
		})
	}
}

func TestComposeBadPoolFile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault apttest.Fault
		want  []string
	}{
		"superseded": {apttest.Fault{Path: "editor_*.deb", Status: 404}, []string{"editor", "refresh"}},
		"corrupt":    {apttest.Fault{Path: "editor_*.deb", Corrupt: true}, []string{"editor", "SHA256 is"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := archive(t, nil)
			a.Fault(c.fault)
			out, _ := compose(t, treefile(t, a, "editor"))
			require.Equal(t, 1, out.code)
			for _, want := range c.want {
				require.Contains(t, out.stderr, want)
			}
		})
	}
}

func TestComposeUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		want string
	}{
		"no repo":         {[]string{"compose", "tree"}, "--repo is required"},
		"unknown field":   {[]string{"compose", "tree", write(t, "t.yaml", "ref: x\nunits: []\npackges: [a]\n"), "--repo=x"}, `t.yaml:3: unknown field "packges"; did you mean "packages"?`},
		"no such file":    {[]string{"compose", "tree", "/nonexistent.yaml", "--repo=x"}, "/nonexistent.yaml: no such file"},
		"no packages":     {[]string{"compose", "tree", write(t, "t.yaml", "ref: x\n"), "--repo=" + t.TempDir() + "/repo"}, "asks for no packages"},
		"unknown flag":    {[]string{"compose", "tree", "--nope"}, "unknown flag: --nope"},
		"unknown command": {[]string{"frobnicate"}, `unknown command "frobnicate"`},
		"not a sysroot":   {[]string{"status", "--sysroot=" + t.TempDir()}, "is not an OSTree sysroot"},
		"metadata":        {[]string{"compose", "tree", "--repo=x", "--add-metadata-string=x"}, "not of the form KEY=VALUE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out := run(t, c.args...)
			require.Equal(t, 1, out.code)
			require.Contains(t, out.stderr, c.want)
			require.Empty(t, out.stdout)
		})
	}
}

func TestComposePrintOnly(t *testing.T) {
	t.Parallel()
	out := run(t, "compose", "tree", "--print-only", "--arch=arm64")
	require.Zero(t, out.code, out.stderr)
	require.Contains(t, out.stdout, `"linux-image-cloud-arm64"`)
}
