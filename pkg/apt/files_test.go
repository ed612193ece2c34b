package apt_test

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

var (
	vim = apttest.Deb{Package: "vim", Architecture: "amd64", Fields: []string{"Section: editors"}, Description: "editor\nA longer text.\n.\nTwo paragraphs.", Files: []apttest.File{
		{Path: "usr/bin/vim", Content: "x"}, {Path: "usr/share/vim/a file", Content: "x"}, {Path: "usr/share/doc", Dir: true},
	}}
	coreutils = apttest.Deb{Package: "coreutils", Architecture: "amd64", Files: []apttest.File{{Path: "bin/ls", Content: "x"}, {Path: "usr/bin/env", Content: "x"}}}
	vimData   = apttest.Deb{Package: "vim-data", Files: []apttest.File{{Path: "usr/share/vim/runtime", Content: "x"}, {Path: "usr/share/vim/a file", Content: "x"}}}
)

// findFile returns "package:path" of each match.
func findFile(t *testing.T, c *apt.Client, s source.Source, pattern string) []string {
	t.Helper()
	var found []string
	for m, err := range c.FindFile(t.Context(), []source.Source{s}, pattern) {
		require.NoError(t, err)
		require.NotNil(t, m.Origin)
		found = append(found, m.Package+":"+m.Path)
	}
	return found
}

// fileCases are patterns and what they find.
var fileCases = map[string][]string{
	"/usr/bin/vim":        {"vim:/usr/bin/vim"},
	"/bin/vim":            {"vim:/usr/bin/vim"}, // merged
	"/usr/bin/ls":         {"coreutils:/bin/ls"},
	"/bin/ls":             {"coreutils:/bin/ls"},
	"ls":                  {"coreutils:/bin/ls"},
	"bin/vim":             {"vim:/usr/bin/vim"},
	"im":                  nil,
	"vim":                 {"vim:/usr/bin/vim"}, // not the directory
	"/vim":                nil,
	"a file":              {"vim:/usr/share/vim/a file", "vim-data:/usr/share/vim/a file"},
	"/usr/*/ls":           {"coreutils:/bin/ls"},
	"/usr/share/*e":       {"vim:/usr/share/vim/a file", "vim-data:/usr/share/vim/a file", "vim-data:/usr/share/vim/runtime"},
	"vi?":                 {"vim:/usr/bin/vim"},
	"[e]nv":               {"coreutils:/usr/bin/env"},
	"[":                   nil,
	"/usr/share/doc":      nil, // lists have no directories
	"/usr/bin/vim/editor": nil,
}

func TestFindFile(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]apttest.Options{"all apart": {Contents: true, SeparateAll: true}, "together": {Contents: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := apttest.New(t, o)
			a.Add(vim, coreutils, vimData)
			s := a.Publish()
			c := client(t, nil)
			for pattern, want := range fileCases {
				require.ElementsMatch(t, want, findFile(t, c, s, pattern), pattern)
			}
			for m, err := range c.FindFile(t.Context(), []source.Source{s}, "/usr/bin/vim") {
				require.NoError(t, err)
				require.Equal(t, "editors amd64 stable/main", m.Section+" "+m.Architecture+" "+m.Origin.String())
			}
			fetched := 0
			for _, r := range a.Requests() {
				if strings.Contains(r.Path, "main/by-hash") {
					fetched++
				}
			}
			require.LessOrEqual(t, fetched, 2, "a list is fetched once")
		})
	}
}

func TestFindFileFails(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(vim)
	for _, err := range client(t, nil).FindFile(t.Context(), []source.Source{a.Publish()}, "vim") {
		require.ErrorContains(t, err, "no source has lists of the files")
	}
	corrupt := apttest.New(t, apttest.Options{Contents: true, NoByHash: true})
	corrupt.Add(vim)
	s := corrupt.Publish()
	corrupt.Corrupt("dists/*/main/Contents-amd64.gz")
	corrupt.Remove("dists/*/main/Contents-amd64")
	for _, err := range client(t, nil).FindFile(t.Context(), []source.Source{s}, "vim") {
		require.ErrorAs(t, err, new(*apt.HashMismatchError))
	}
}

// TestFindFileLikeDpkg reads what apt-ftparchive wrote and compares with the packages themselves.
func TestFindFileLikeDpkg(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("apt-ftparchive"), testenv.Tool("dpkg-deb"))
	a := apttest.NewFTPArchive(t, vim, coreutils, vimData)
	var want []string
	debs, err := filepath.Glob(filepath.Join(a.Dir, "pool/main/*.deb"))
	require.NoError(t, err)
	for _, deb := range debs {
		name, _, _ := strings.Cut(filepath.Base(deb), "_")
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "dpkg-deb --fsys-tarfile "+deb+" | tar -t").Output()
		require.NoError(t, err)
		for line := range strings.Lines(string(out)) {
			if line = strings.TrimSuffix(line, "\n"); !strings.HasSuffix(line, "/") {
				want = append(want, name+":"+strings.TrimPrefix(line, "."))
			}
		}
	}
	require.Len(t, debs, 3)
	slices.Sort(want)
	got := findFile(t, client(t, nil), a.Source(t), "/*")
	slices.Sort(got)
	require.Equal(t, want, got)
	for pattern, want := range fileCases {
		require.ElementsMatch(t, want, findFile(t, client(t, nil), a.Source(t), pattern), pattern)
	}
}
