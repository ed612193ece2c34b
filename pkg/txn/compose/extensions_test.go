package compose_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// installed is the text of a dpkg database, of NAME=VERSION.
func installed(packages ...string) string {
	var b strings.Builder
	for _, p := range packages {
		name, version, _ := strings.Cut(p, "=")
		b.WriteString("Package: " + name + "\nStatus: install ok installed\nMaintainer: nobody\nArchitecture: all\nVersion: " + version + "\nDescription: test\n\n")
	}
	return b.String()
}

// TestExtensions resolves extensions on a base with kernel 1.0, where the archive has 1.0 and 2.0, and
// writes them.
func TestExtensions(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(
		apttest.Deb{Package: "kernel"}, apttest.Deb{Package: "kernel", Version: "2.0"},
		apttest.Deb{Package: "headers", Depends: "kernel (= 1.0), tools"}, apttest.Deb{Package: "headers", Version: "2.0", Depends: "kernel (= 2.0)"},
		apttest.Deb{Package: "tools"}, apttest.Deb{Package: "editor", Depends: "tools, kernel"},
		apttest.Deb{Package: "picky", Depends: "kernel (= 2.0)"},
	)
	a.Publish()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "var/lib/dpkg"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "var/lib/dpkg/status"), []byte(installed("kernel=1.0")), 0o644))
	base, err := compose.RootPackages(root)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		text string
		want string
		err  string
	}{
		"with dependencies":      {text: "extensions: {editor: {}}", want: "editor=1.0 tools=1.0"},
		"none for this":          {text: "extensions: {editor: {architectures: [arm64]}, tools: {}}", want: "tools=1.0"},
		"version of the base":    {text: "extensions: {x: {packages: [headers], match-base-evr: kernel}}", want: "headers=1.0 tools=1.0"},
		"development":            {text: "extensions: {x: {kind: development, packages: [headers], match-base-evr: kernel}}", want: "headers=1.0"},
		"development, candidate": {text: "extensions: {x: {kind: development, packages: [headers]}}", want: "headers=2.0"},
		"several":                {text: "extensions: {a: {packages: [editor headers=1.0]}, b: {kind: development, packages: [picky]}}", want: "editor=1.0 headers=1.0 picky=1.0 tools=1.0"},
		"installed already":      {text: "extensions: {kernel: {}}", want: ""},
		"would change the base":  {text: "extensions: {picky: {}}", err: "kernel"},
		"no such package":        {text: "extensions: {nano: {}}", err: "nano"},
		"alone and missing":      {text: "extensions: {nano: {kind: development}}", err: "extension nano: no archive has nano"},
		"not in the base":        {text: "extensions: {x: {match-base-evr: nano}}", err: "the base has no package nano"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e, err := compose.LoadExtensions(write(t, "e.yaml", c.text), amd64)
			require.NoError(t, err)
			b := newBuild(t, syntheticTree(a, "kernel"), func(o *compose.Options) { o.Repo = nil })
			p, err := b.PlanExtensions(t.Context(), e, base)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, versions(&compose.Plan{Packages: p.Packages}))

			dir := filepath.Join(t.TempDir(), "out")
			changed, err := b.WriteExtensions(t.Context(), p, dir, nil)
			require.NoError(t, err)
			require.True(t, changed)
			debs, err := filepath.Glob(filepath.Join(dir, "*.deb"))
			require.NoError(t, err)
			require.Len(t, debs, len(p.Packages))
			require.Contains(t, read(t, dir, "extensions.json"), `"kind": `)
			changed, err = b.WriteExtensions(t.Context(), p, dir, nil)
			require.NoError(t, err)
			require.False(t, changed)
		})
	}
}

// TestExtensionsOfACommit takes the base from a repository.
func TestExtensionsOfACommit(t *testing.T) {
	t.Parallel()
	repo := ostreetest.Repo(t, ostree.ModeBareUser)
	ostreetest.Commit(t, repo, "test", ostreetest.Tree{"usr/lib/sysimage/dpkg/status": ostreetest.File(installed("a=1"))})
	ostreetest.Commit(t, repo, "other", ostreetest.Tree{"usr/lib/sysimage/dpkg/status": ostreetest.File(installed("a=1", "b=2"))})
	b := newBuild(t, &compose.Treefile{Ref: "test", Packages: []string{"a"}}, func(o *compose.Options) { o.Repo = repo })
	for rev, want := range map[string]int{"": 1, "test": 1, "other": 2} {
		packages, err := b.BasePackages(t.Context(), rev)
		require.NoError(t, err)
		require.Len(t, packages, want, rev)
	}
	_, err := b.BasePackages(t.Context(), "nowhere")
	require.ErrorContains(t, err, "nowhere")
	_, err = newBuild(t, &compose.Treefile{Packages: []string{"a"}}, nil).BasePackages(t.Context(), "")
	require.ErrorContains(t, err, "the treefile has no ref")
}

func TestLoadExtensions(t *testing.T) {
	t.Parallel()
	e, err := compose.LoadExtensions(write(t, "e.yaml", `
repos: ["deb http://archive.example/a stable main"]
extensions:
  editor:
    packages: [vim nano, vim]
    repos: [{uris: "http://archive.example/b", suites: stable, components: main}]
  headers: {kind: development, match-base-evr: linux}
  else: {architectures: [arm64]}
`), amd64)
	require.NoError(t, err)
	require.Equal(t, []string{"editor", "headers"}, slices.Sorted(maps.Keys(e.Extensions)))
	require.Equal(t, []string{"nano", "vim"}, e.Extensions["editor"].Packages)
	require.Equal(t, compose.OSExtension, e.Extensions["editor"].Kind)
	require.Equal(t, []string{"headers"}, e.Extensions["headers"].Packages)
	for text, want := range map[string]string{
		"extension: {}":                    `e.yaml:1: unknown field "extension"; did you mean "extensions"?`,
		"repos: []":                        "there is no mapping `extensions`",
		"extensions: [a]":                  "there is no mapping `extensions`",
		"extensions:\n  a: b":              "e.yaml:2: extension a is not a mapping",
		"extensions:\n  a: {package: [x]}": `e.yaml:2: unknown field "package"; did you mean "packages"?`,
		"extensions: {a/b: {}}":            `"a/b" is no name of an extension`,
		"extensions: {a: {kind: big}}":     `kind "big" is neither os-extension nor development`,
		"extensions: {a: {packages: [x=1], match-base-evr: y}}":                 "package x=1 names a version and match-base-evr another",
		"extensions: {a: {repos: [{uri: x}]}}":                                  `did you mean "uris"?`,
		"repos: [{uris: x, suites: y, components: z, sign: k}]\nextensions: {}": `unknown field "sign"`,
	} {
		_, err := compose.LoadExtensions(write(t, "e.yaml", text), amd64)
		require.ErrorContains(t, err, want, text)
	}
}
