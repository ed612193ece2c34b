package compose_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// write puts files into a new directory and returns the path of the first.
func write(t *testing.T, first, content string, more ...string) string {
	t.Helper()
	dir := t.TempDir()
	files := append([]string{first, content}, more...)
	for i := 0; i < len(files); i += 2 {
		require.NoError(t, os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644))
	}
	return filepath.Join(dir, first)
}

var amd64 = compose.LoadOptions{Architecture: "amd64"}

func TestLoadMergesIncludes(t *testing.T) {
	t.Parallel()
	path := write(t, "host.yaml", `
include: base.yaml
arch-include:
  amd64: pc.yaml
  arm64: missing.yaml
ref: ${vendor}/${releasever}/${basearch}
packages: [vim, "sudo  curl"]
units: [b.service]
variables: {vendor: acme}
postprocess: ["echo ${HOME}"]
`, "base.yaml", `
ref: base
releasever: bookworm
recommends: true
packages: [curl, "linux-image-${basearch}"]
packages-arm64: [grub-efi-arm64]
packages-amd64: [grub-pc]
units: [a.service]
variables: {vendor: none, other: x}
repos:
  - deb http://archive.example/debian ${releasever} main
  - uris: http://archive.example/security
    suites: ${releasever}-security
    components: [main, contrib]
    signed-by: /k.gpg
`, "pc.yaml", "units: [pc.service]\n")
	got, err := compose.Load(path, amd64)
	require.NoError(t, err)
	require.Equal(t, "acme/bookworm/amd64", got.Ref)
	require.True(t, got.Recommends)
	require.True(t, got.Docs())
	require.Equal(t, []string{"curl", "grub-pc", "linux-image-amd64", "sudo", "vim"}, got.Packages)
	require.Equal(t, []string{"a.service", "pc.service", "b.service"}, got.Units)
	require.Equal(t, map[string]string{"vendor": "acme", "other": "x"}, got.Variables)
	require.Equal(t, []string{"echo ${HOME}"}, got.Postprocess)
	require.Equal(t, "deb http://archive.example/debian bookworm main", got.Repos[0].Line)
	require.EqualValues(t, []string{"bookworm-security"}, got.Repos[1].Suites)
	require.EqualValues(t, []string{"/k.gpg"}, got.Repos[1].SignedBy)
}

func TestLoadMakesPathsAbsolute(t *testing.T) {
	t.Parallel()
	path := write(t, "t.yaml", "add-files: [[motd, /usr/etc/motd]]\npostprocess-script: post.sh\n")
	got, err := compose.Load(path, amd64)
	require.NoError(t, err)
	require.Equal(t, filepath.Join(filepath.Dir(path), "motd"), got.AddFiles[0][0])
	require.Equal(t, filepath.Join(filepath.Dir(path), "post.sh"), got.PostprocessScript)
}

func TestLoadErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"unknown field":      {"ref: x\npakages: [a]\n", `t.yaml:2: unknown field "pakages"; did you mean "packages"?`},
		"unknown repo field": {"repos:\n  - uri: http://archive.example\n", `t.yaml:2: unknown field "uri"; did you mean "uris"?`},
		"nothing near":       {"zzzzzzzz: 1\n", `t.yaml:1: unknown field "zzzzzzzz"`},
		"twice":              {"ref: a\nunits: []\nref: b\n", `t.yaml:3: field "ref" stands on line 1 already`},
		"wrong type":         {"packages:\n  a: b\n", "line 2: cannot unmarshal"},
		"no mapping":         {"- a\n", "t.yaml:1: a treefile is a mapping of fields"},
		"empty":              {"", "t.yaml: the treefile is empty"},
		"broken":             {"ref: [\n", "t.yaml: "},
		"unknown variable":   {"ref: x/${nope}\n", "unknown variable ${nope}; known: basearch, releasever"},
		"reserved variable":  {"variables: {basearch: x}\n", `"basearch" is set by the field`},
		"include loop":       {"include: t.yaml\n", "is included twice"},
		"include missing":    {"include: nope.yaml\n", "nope.yaml: no such file"},
		"var":                {"add-files: [[a, /var/lib/x]]\n", "/var belongs to the machine"},
		"pair":               {"add-files: [[a]]\n", "is not a pair"},
		"relative target":    {"add-files: [[a, usr/x]]\n", "not a clean absolute path"},
		"remove everything":  {"remove-files: [/]\n", "names the whole tree"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := compose.Load(write(t, "t.yaml", c.text), amd64)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	got, err := compose.Embedded(amd64)
	require.NoError(t, err)
	require.Equal(t, "debian/bookworm/amd64/minimal", got.Ref)
	require.Contains(t, got.Packages, "linux-image-cloud-amd64")
	require.Empty(t, got.Repos)
	require.False(t, got.Docs())
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(compose.EmbeddedText()))
	f.Add([]byte("ref: ${a}\npackages: [a, [b]]\nadd-files: [[a]]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "t.yaml")
		require.NoError(t, os.WriteFile(path, data, 0o644))
		tree, err := compose.Load(path, amd64)
		if err == nil {
			_, err = tree.JSON()
			require.NoError(t, err)
		}
	})
}
