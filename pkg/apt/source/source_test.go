package source_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

const fingerprint = "4CB50190207B4758A3F73A796ED0E7B82643E131"

const oneLine = `# head
deb http://archive.example/debian bookworm main contrib # tail
deb [arch=amd64,arm64 arch+=i386 arch-=arm64 signed-by=/usr/share/keyrings/a.gpg,` + fingerprint + `! trusted=no by-hash=force signd-by=x] http://archive.example/debian bookworm-updates main
deb-src "http://archive.example/debian" bookworm main
deb file:/srv/local ./
deb [ check-valid-until=no valid-until-max=3600 ] http://archive.example/flat%20/ with%20blank/
`

func TestParseOneLine(t *testing.T) {
	t.Parallel()
	sources, err := source.ParseOneLine([]byte(oneLine), "/etc/apt/sources.list")
	require.NoError(t, err)
	require.Len(t, sources, 5)
	first := sources[0]
	require.Equal(t, source.Source{
		Types: []string{"deb"}, URIs: []string{"http://archive.example/debian"}, Suites: []string{"bookworm"},
		Components: []string{"main", "contrib"}, Path: "/etc/apt/sources.list", Line: 2,
	}, first)
	second := sources[1]
	require.Equal(t, []string{"amd64", "arm64"}, second.Architectures)
	require.Equal(t, []string{"i386"}, second.ArchitecturesAdd)
	require.Equal(t, []string{"arm64"}, second.ArchitecturesRemove)
	require.Equal(t, source.SignedBy{Keyrings: []string{"/usr/share/keyrings/a.gpg"}, Fingerprints: []string{fingerprint + "!"}}, second.SignedBy)
	require.False(t, *second.Trusted)
	require.Equal(t, source.ByHashForce, second.ByHash)
	require.Equal(t, []string{"signd-by"}, second.Unknown)
	require.Equal(t, "/etc/apt/sources.list:3", second.String())
	require.Equal(t, []string{"./"}, sources[3].Suites)
	last := sources[4]
	require.Equal(t, "with blank/", last.Suites[0])
	require.Equal(t, "http://archive.example/flat%20/", last.URIs[0])
	require.Equal(t, time.Hour, *last.ValidUntilMax)
	require.False(t, *last.CheckValidUntil)
}

func TestParseOneLineRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"rpm http://a.example x main":                   "/s.list:1: type",
		"deb":                                           "expected",
		"deb http://a.example":                          "expected",
		"deb http://a.example bookworm":                 "no components",
		"deb http://a.example ./ main":                  "no components may be given",
		"deb [arch=amd64 http://a.example x main":       "closing bracket",
		"deb [arch] http://a.example x main":            "name=value",
		"deb [trusted=maybe] http://a.example x m":      "neither yes nor no",
		"deb [signed-by=key.gpg] http://a.example x m":  "absolute path",
		"deb noscheme x main":                           "not a URI",
		"\ndeb \"http://a.example x main":               "/s.list:2: a quote",
		"deb http://a.example %zz main":                 "invalid URL escape",
		"deb [valid-until-max=-1] http://a.example x m": "seconds",
	} {
		_, err := source.ParseOneLine([]byte(text), "/s.list")
		require.ErrorContains(t, err, says, "%q", text)
	}
}

const deb822 = `# Debian
Types: deb deb-src
URIs: http://a.example/debian
      http://b.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xsFNBFit
 =abcd
 -----END PGP PUBLIC KEY BLOCK-----
Architectures: amd64, arm64
Check-Date: no
Signd-By: /typo

# off
Enabled: no
Types: deb
`

func TestParseDeb822(t *testing.T) {
	t.Parallel()
	sources, err := source.ParseDeb822([]byte(deb822), "/d.sources")
	require.NoError(t, err)
	require.Len(t, sources, 2)
	s := sources[0]
	require.Equal(t, []string{"deb", "deb-src"}, s.Types)
	require.Equal(t, []string{"http://a.example/debian", "http://b.example/debian"}, s.URIs)
	require.Equal(t, []string{"amd64", "arm64"}, s.Architectures)
	require.Equal(t, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxsFNBFit\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n", s.SignedBy.Key)
	require.Equal(t, []string{"Signd-By"}, s.Unknown)
	require.Equal(t, 2, s.Line)
	require.True(t, sources[1].Disabled)
}

func TestParseDeb822Refuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		"URIs: http://a.example\nSuites: x\nComponents: m":                                       "no field Types",
		"Types: deb\nURIs: http://a.example\n":                                                   "/d.sources:1: no suites",
		"Types: deb\nTypes: deb\n":                                                               "occurs twice",
		"Types: deb\nURIs: http://a.example\nSuites: x\nComponents: m\nInclude: a\nExclude: b\n": "exclude each other",
		"Types: deb\nTrusted: perhaps\n":                                                         "/d.sources:2: field Trusted",
		"nonsense":                                                                               "line 1",
	} {
		_, err := source.ParseDeb822([]byte(text), "/d.sources")
		require.ErrorContains(t, err, says, "%q", text)
	}
}

func TestFormat(t *testing.T) {
	t.Parallel()
	one, err := source.ParseOneLine([]byte(oneLine), "")
	require.NoError(t, err)
	two, err := source.ParseDeb822([]byte(deb822), "")
	require.NoError(t, err)
	want := append(one[:4], two[0]) // the last has a blank in its suite, which a .sources file cannot say
	got, err := source.ParseDeb822(source.Format(want), "")
	require.NoError(t, err)
	require.Len(t, got, len(want))
	for i := range want {
		want[i].Line, want[i].Unknown, got[i].Line = 0, nil, 0
		if len(want[i].Components) == 0 {
			want[i].Components = nil
		}
		require.Equal(t, want[i], got[i])
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	dir := filepath.Join(root, "etc/apt/sources.list.d")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for name, host := range map[string]string{"../sources.list": "main", "b.list": "b", "c.list.save": "skipped", "bad name.list": "skipped", ".hidden.list": "skipped"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("deb http://"+host+".example/ x main\n"), 0o644))
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.sources"), []byte("Types: deb\nURIs: http://a.example/\nSuites: x\nComponents: main\n"), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(root, "real"), []byte("deb http://c.example/ x main\n"), 0o644))
	require.NoError(t, os.Symlink("/real", filepath.Join(dir, "c.list")), "a link is followed within root")
	sources, err := source.Load(root)
	require.NoError(t, err)
	var uris []string
	for _, s := range sources {
		uris = append(uris, s.URIs...)
	}
	require.Equal(t, []string{"http://main.example/", "http://a.example/", "http://b.example/", "http://c.example/"}, uris)
	require.Equal(t, "/etc/apt/sources.list.d/a.sources", sources[1].Path)

	none, err := source.Load(t.TempDir())
	require.NoError(t, err)
	require.Empty(t, none)
}

func TestReleases(t *testing.T) {
	t.Parallel()
	sources, err := source.ParseOneLine([]byte(`
deb http://a.example/debian x main
deb-src http://a.example/debian x main
deb [arch=i386] http://a.example/debian// x contrib
deb http://$(ARCH).example/flat ./
deb http://a.example/flat sub/dir/
`), "l")
	require.NoError(t, err)
	releases, err := source.Releases(append(sources, source.Source{Disabled: true}), "amd64", []string{"arm64"})
	require.NoError(t, err)
	require.Len(t, releases, 3)
	require.Equal(t, "http://a.example/debian/dists/x/", releases[0].Base())
	require.Equal(t, []source.Want{
		{Component: "main", Architectures: []string{"amd64", "arm64"}},
		{Component: "contrib", Architectures: []string{"i386"}},
	}, releases[0].Wants)
	require.Equal(t, "http://amd64.example/flat/", releases[1].Base())
	require.Equal(t, "http://a.example/flat/sub/dir/", releases[2].Base())
	require.True(t, releases[2].Flat())
}

func TestReleasesRefusesDisagreement(t *testing.T) {
	t.Parallel()
	sources, err := source.ParseOneLine([]byte("deb [signed-by=/a.gpg] http://a.example x main\ndeb http://a.example x contrib\n"), "/l")
	require.NoError(t, err)
	_, err = source.Releases(sources, "amd64", nil)
	require.ErrorContains(t, err, "/l:1 and /l:2 disagree about Signed-By")
}

func TestApplyConf(t *testing.T) {
	t.Parallel()
	c := new(conf.Config)
	require.NoError(t, c.Parse([]byte(`Acquire::Check-Valid-Until "false"; Acquire::Max-FutureTime "60"; Acquire::By-Hash "no";`), ""))
	yes := true
	in := []source.Source{{}, {CheckValidUntil: &yes, ByHash: source.ByHashForce}}
	out := source.ApplyConf(in, c)
	require.False(t, *out[0].CheckValidUntil)
	require.Nil(t, out[0].CheckDate)
	require.Equal(t, time.Minute, *out[0].DateMaxFuture)
	require.Equal(t, source.ByHashNo, out[0].ByHash)
	require.True(t, *out[1].CheckValidUntil)
	require.Equal(t, source.ByHashForce, out[1].ByHash)
	require.Nil(t, in[0].CheckValidUntil, "the argument is not changed")
}

func FuzzParseOneLine(f *testing.F) {
	f.Add(oneLine)
	f.Add("deb [a=[b] http://x y/ # c")
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, source.ParseOneLine) })
}

func FuzzParseDeb822(f *testing.F) {
	f.Add(deb822)
	f.Fuzz(func(t *testing.T, text string) { roundTrip(t, text, source.ParseDeb822) })
}

// roundTrip checks that what was accepted can be used without a panic.
func roundTrip(t *testing.T, text string, parse func([]byte, string) ([]source.Source, error)) {
	t.Helper()
	sources, err := parse([]byte(text), "fuzz")
	if err != nil {
		return
	}
	source.Format(sources)
	releases, err := source.Releases(sources, "amd64", nil)
	if err != nil {
		return
	}
	for _, r := range releases {
		require.NotEmpty(t, r.Base())
	}
}
