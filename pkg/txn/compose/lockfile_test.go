package compose_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn/compose"
)

// versions lists what a plan installs as NAME=VERSION, and NAME:ARCH=VERSION of foreign architectures.
func versions(p *compose.Plan) string {
	var list []string
	for _, pkg := range p.Packages {
		name := pkg.Name
		if pkg.Architecture == "i386" {
			name += ":i386"
		}
		list = append(list, name+"="+pkg.Version)
	}
	return strings.Join(list, " ")
}

// TestLockfile plans with lockfiles: an archive has tool 1.0 and 2.0, which depend on lib 1.0 and 2.0.
func TestLockfile(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Architectures: []string{"amd64", "i386"}})
	a.Add(
		apttest.Deb{Package: "base", Essential: true},
		apttest.Deb{Package: "tool", Architecture: "amd64", Depends: "lib"}, apttest.Deb{Package: "tool", Architecture: "amd64", Version: "1:2.0-1.1", Depends: "lib (>= 2)"},
		apttest.Deb{Package: "lib", Architecture: "amd64", MultiArch: "same"}, apttest.Deb{Package: "lib", Architecture: "amd64", Version: "2.0", MultiArch: "same"},
		apttest.Deb{Package: "lib", Architecture: "i386", MultiArch: "same"}, apttest.Deb{Package: "lib", Architecture: "i386", Version: "2.0", MultiArch: "same"},
		apttest.Deb{Package: "other"},
	)
	a.Publish()
	const zeros = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, c := range map[string]struct {
		locks    []string // of one lockfile each, without the outer braces
		strict   bool
		packages []string
		want     string
		warning  string
		err      string
	}{
		"nothing":         {locks: []string{``}, want: "base=1.0 lib=2.0 tool=1:2.0-1.1"},
		"evra":            {locks: []string{`"tool": {"evra": "1.0.amd64"}`}, want: "base=1.0 lib=2.0 tool=1.0"},
		"evr":             {locks: []string{`"tool": {"evr": "1.0"}, "lib": {"evr": "1.0"}`}, want: "base=1.0 lib=1.0 tool=1.0"},
		"dots and epochs": {locks: []string{`"tool": {"evra": "1:2.0-1.1.amd64"}`}, want: "base=1.0 lib=2.0 tool=1:2.0-1.1"},
		"later files":     {locks: []string{`"tool": {"evr": "1.0"}`, `"tool": {"evr": "1:2.0-1.1"}`}, want: "base=1.0 lib=2.0 tool=1:2.0-1.1"},
		"not installed":   {locks: []string{`"other": {"evr": "1.0"}`}, want: "base=1.0 lib=2.0 tool=1:2.0-1.1"},
		"foreign": {
			locks: []string{`"lib:i386": {"evra": "1.0.i386"}, "lib": {"evra": "1.0.amd64"}, "tool": {"evr": "1.0"}`}, packages: []string{"tool", "lib:i386"},
			want: "base=1.0 lib=1.0 lib:i386=1.0 tool=1.0",
		},
		"unsatisfiable": {locks: []string{`"tool": {"evr": "1:2.0-1.1"}, "lib": {"evr": "1.0"}`}, err: "lib"},
		"missing":       {locks: []string{`"tool": {"evra": "3.0.amd64"}`}, want: "base=1.0 lib=2.0 tool=1:2.0-1.1", warning: "couldn't find locked package tool:amd64=3.0"},
		"digest":        {locks: []string{`"tool": {"evr": "1.0", "digest": "` + zeros + `"}`}, err: "tool=1.0: SHA256 is "},
		"strict": {
			locks: []string{`"base": {"evra": "1.0.all"}, "tool": {"evr": "1.0"}, "lib": {"evr": "1.0"}`}, strict: true, want: "base=1.0 lib=1.0 tool=1.0",
		},
		"strict, request not locked":    {locks: []string{`"base": {"evr": "1.0"}`}, strict: true, err: "only what is in the lockfile may be installed: "},
		"strict, dependency not locked": {locks: []string{`"base": {"evr": "1.0"}, "tool": {"evr": "1.0"}`}, strict: true, err: "lib"},
		"strict, unused": {
			locks: []string{`"base": {"evr": "1.0"}, "tool": {"evr": "1.0"}, "lib": {"evr": "1.0"}, "other": {"evr": "1.0"}`}, strict: true, err: "nothing asks for other=1.0",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var files []string
			for i, text := range c.locks {
				files = append(files, filepath.Join(dir, string(rune('a'+i))))
				require.NoError(t, os.WriteFile(files[i], []byte(`{"packages": {`+text+`}, "metadata": {"any": "thing"}}`), 0o644))
			}
			locks, err := compose.LoadLockfiles(files...)
			require.NoError(t, err)
			tree := syntheticTree(a, append([]string{"tool"}, c.packages...)...)
			tree.ForeignArchitectures = []string{"i386"}
			b := newBuild(t, tree, func(o *compose.Options) { o.Lockfile, o.LockfileStrict = locks, c.strict })
			p, err := b.Plan(t.Context())
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, versions(p))
			if c.warning == "" {
				require.Empty(t, p.Warnings)
			} else {
				require.Equal(t, []string{c.warning}, p.Warnings)
			}

			// What was chosen, chosen again by a strict lockfile that was written.
			text, err := p.Lockfile().JSON()
			require.NoError(t, err)
			written, err := compose.ParseLockfile(text)
			require.NoError(t, err)
			again := newBuild(t, tree, func(o *compose.Options) { o.Lockfile, o.LockfileStrict = written, true }).plan(t)
			require.Equal(t, p.Packages, again.Packages)
			require.Equal(t, p.InputHash, again.InputHash)
		})
	}
}

func TestLockfileForm(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(apttest.Deb{Package: "base", Architecture: "amd64", Essential: true})
	a.Publish()
	text, err := newBuild(t, syntheticTree(a, "base"), nil).plan(t).Lockfile().JSON()
	require.NoError(t, err)
	var doc map[string]map[string]any
	require.NoError(t, json.Unmarshal(text, &doc))
	require.Equal(t, map[string]any{"generated": "2023-11-14T22:13:20Z"}, doc["metadata"])
	locked, ok := doc["packages"]["base"].(map[string]any)
	require.True(t, ok)
	require.Equal(t, "1.0.amd64", locked["evra"])
	require.Regexp(t, "^sha256:[0-9a-f]{64}$", locked["digest"])
}

func TestLockfileErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"packages": {"a": {"evr": "1"}}}`:                          "neither NAME nor NAME:ARCH",
		`{"packages": {"tool": {}}}`:                                 "give either evra or evr",
		`{"packages": {"tool": {"evr": "1", "evra": "1.all"}}}`:      "give either evra or evr",
		`{"packages": {"tool": {"evra": "1"}}}`:                      "is not VERSION.ARCH",
		`{"packages": {"tool:i386": {"evra": "1.amd64"}}}`:           "of another architecture",
		`{"packages": {"tool": {"evr": "x y"}}}`:                     `package "tool": `,
		`{"packages": {"tool": {"evr": "1", "digest": "md5:1"}}}`:    "is not sha256:HEX",
		`{"packages": {"tool": {"evr": "1", "digets": "sha256:1"}}}`: `unknown field "digets"`,
		`{"package": {}}`: `unknown field "package"`,
		`[]`:              "cannot unmarshal",
	} {
		_, err := compose.ParseLockfile([]byte(text))
		require.ErrorContains(t, err, want, text)
	}
	_, err := compose.LoadLockfiles(filepath.Join(t.TempDir(), "none"))
	require.ErrorContains(t, err, "lockfile: ")
}

func FuzzParseLockfile(f *testing.F) {
	f.Add([]byte(`{"packages": {"tool:i386": {"evra": "1:2.0-1.1.i386", "digest": "sha256:00"}}, "metadata": {}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		l, err := compose.ParseLockfile(data)
		if err != nil {
			return
		}
		text, err := l.JSON()
		require.NoError(t, err)
		_, err = compose.ParseLockfile(text)
		require.NoError(t, err)
	})
}
