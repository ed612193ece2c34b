package preferences_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/preferences"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

var (
	stable = apt.Origin{
		URI: "https://archive.example/debian/", Suite: "stable", Codename: "bookworm", Component: "main",
		Label: "Debian", Origin: "Debian", Version: "12.5",
	}
	backports = apt.Origin{
		URI: "https://archive.example/debian/", Suite: "stable-backports", Codename: "bookworm-backports", Component: "main",
		Origin: "Debian Backports", NotAutomatic: true, ButAutomaticUpgrades: true,
	}
	experimental = apt.Origin{URI: "https://archive.example/debian/", Suite: "experimental", Codename: "rc-buggy", Component: "contrib", NotAutomatic: true}
	local        = apt.Origin{URI: "file:/srv/debs/", Suite: "local"}
)

func pkg(t testing.TB, name, v string, origins ...apt.Origin) *apt.Package {
	t.Helper()
	parsed, err := version.Parse(v)
	require.NoError(t, err)
	p := &apt.Package{Name: name, Architecture: "amd64", Version: parsed, Source: "src-" + name, SourceVersion: parsed, Origin: &origins[0]}
	for _, o := range origins[1:] {
		p.AlsoFrom = append(p.AlsoFrom, &o)
	}
	return p
}

func policy(t testing.TB, text string, o preferences.Options) *preferences.Policy {
	t.Helper()
	pins, err := preferences.Parse([]byte(text), "pins")
	require.NoError(t, err)
	o.Architecture = "amd64"
	p, err := preferences.NewPolicy(pins, o)
	require.NoError(t, err)
	return p
}

func pin(packages, match, priority string) string {
	return "Package: " + packages + "\nPin: " + match + "\nPin-Priority: " + priority + "\n\n"
}

func TestPriority(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		pins    string
		release string
		origins []apt.Origin
		want    int
	}{
		"nothing":                        {origins: []apt.Origin{stable}, want: 500},
		"not automatic":                  {origins: []apt.Origin{experimental}, want: 1},
		"but automatic upgrades":         {origins: []apt.Origin{backports}, want: 100},
		"the best archive counts":        {origins: []apt.Origin{experimental, backports, stable}, want: 500},
		"default release":                {release: "stable-backports", origins: []apt.Origin{backports}, want: 990},
		"default release by codename":    {release: "rc-buggy", origins: []apt.Origin{experimental}, want: 990},
		"default release by version":     {release: "12*", origins: []apt.Origin{stable}, want: 990},
		"default release beats general":  {pins: pin("*", "release a=stable", "10"), release: "stable", origins: []apt.Origin{stable}, want: 990},
		"specific beats default release": {pins: pin("foo", "release a=stable", "10"), release: "stable", origins: []apt.Origin{stable}, want: 10},
		"general, the first counts":      {pins: pin("*", "release a=stable", "20") + pin("*", "release n=bookworm", "900"), origins: []apt.Origin{stable}, want: 20},
		"specific, the first counts":     {pins: pin("foo", "version 1*", "20") + pin("foo", "version 1.0", "900"), origins: []apt.Origin{stable}, want: 20},
		"specific beats general":         {pins: pin("*", "release a=stable", "900") + pin("foo", "release a=stable", "-1"), origins: []apt.Origin{stable}, want: -1},
		"glob before name":               {pins: pin("fo*", "version *", "-10") + pin("foo", "version *", "900"), origins: []apt.Origin{stable}, want: -10},
		"never":                          {pins: pin("*", "release a=stable", "900") + pin("*", "release o=Debian", "never"), origins: []apt.Origin{stable}, want: preferences.Never},
		"never beats specific":           {pins: pin("*", "origin archive.example", "never") + pin("foo", "version *", "900"), origins: []apt.Origin{stable}, want: preferences.Never},
		"never of one archive":           {pins: pin("*", "release a=stable", "never"), origins: []apt.Origin{stable, backports}, want: 100},
		"source":                         {pins: pin("src:src-foo", "version *", "7"), origins: []apt.Origin{stable}, want: 7},
		"source version":                 {pins: pin("foo", "source-version 1.*", "7"), origins: []apt.Origin{stable}, want: 7},
		"expression":                     {pins: pin("/^f.o$/", "version *", "7"), origins: []apt.Origin{stable}, want: 7},
		"expression of another":          {pins: pin("/^o/", "version *", "7"), origins: []apt.Origin{stable}, want: 500},
		"list of names":                  {pins: pin("bar foo baz", "version *", "7"), origins: []apt.Origin{stable}, want: 7},
		"bracket":                        {pins: pin("[e-g]o[!x]", "version 1.[0]", "7"), origins: []apt.Origin{stable}, want: 7},
		"foreign architecture":           {pins: pin("foo:i386", "version *", "7"), origins: []apt.Origin{stable}, want: 500},
		"any architecture":               {pins: pin("foo:any", "version *", "7"), origins: []apt.Origin{stable}, want: 7},
		"host":                           {pins: pin("*", `origin "archive.example"`, "7"), origins: []apt.Origin{stable}, want: 7},
		"this machine":                   {pins: pin("*", `origin ""`, "7"), origins: []apt.Origin{local}, want: 7},
		"and":                            {pins: pin("*", "release a=stable, c=contrib", "7"), origins: []apt.Origin{stable}, want: 500},
		"the last of a key":              {pins: pin("*", "release a=stable, a=other", "7"), origins: []apt.Origin{stable}, want: 500},
		"all keys":                       {pins: pin("*", "release a=stable,n=bookworm,v=12.*,c=main,o=Debian,l=Deb*,b=amd64", "7"), origins: []apt.Origin{stable}, want: 7},
		"bare word":                      {pins: pin("*", "release bookworm", "7"), origins: []apt.Origin{stable}, want: 7},
		"all versions":                   {pins: pin("*", "version 1.0", "7"), origins: []apt.Origin{stable}, want: 7},
		"comments and explanations":      {pins: "# a comment\nExplanation: alone\n\nExplanation: x\n# y\n" + pin("foo", "version *", "7"), origins: []apt.Origin{stable}, want: 7},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(t, c.pins, preferences.Options{DefaultRelease: c.release})
			require.Equal(t, c.want, p.Priority(pkg(t, "foo", "1.0", c.origins...), false))
		})
	}
	installed := pkg(t, "foo", "1.0", stable)
	require.Equal(t, 500, policy(t, "", preferences.Options{}).Priority(installed, true))
	require.Equal(t, 100, policy(t, pin("*", "release a=stable", "-1"), preferences.Options{}).Priority(installed, true))
	require.Equal(t, -1, policy(t, pin("foo", "release a=stable", "-1"), preferences.Options{}).Priority(installed, true))
	installed.Origin = nil
	require.Equal(t, 100, policy(t, "", preferences.Options{}).Priority(installed, true))
	require.Equal(t, 7, policy(t, pin("foo", "version 1.0", "7"), preferences.Options{}).Priority(installed, true))
	foreign := pkg(t, "foo", "1.0", stable)
	foreign.Architecture = "i386"
	require.Equal(t, 500, policy(t, pin("foo", "version *", "7"), preferences.Options{}).Priority(foreign, false), "a plain name is native")
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		pin("foo", "version 1", "0"):          "0 has no meaning",
		pin("foo", "version 1", "x"):          "not a number",
		pin("foo", "version 1", "never"):      "for Package: * only",
		pin("foo", "version 1", "40000"):      "not between",
		pin("foo", "version", "1"):            "nothing to match",
		pin("foo", "release z=1", "1"):        `"z" is not one of`,
		pin("foo", "suite stable", "1"):       "pin type",
		pin("/(/", "version 1", "1"):          "not a pattern",
		"Pin: version 1\nPin-Priority: 1\n":   "no field Package",
		"x\n":                                 "pins",
		"\n\n" + pin("foo", "release", "500"): "pins:3: ",
	} {
		_, err := preferences.Parse([]byte(text), "pins")
		require.ErrorContains(t, err, says, text)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	pins, err := preferences.Load(root)
	require.NoError(t, err)
	require.Empty(t, pins)
	dir := filepath.Join(root, "etc/apt/preferences.d")
	require.NoError(t, os.MkdirAll(dir, 0o755))
	for file, name := range map[string]string{"../preferences": "first", "b": "third", "a.pref": "second", "c.bak": "not", ".d": "not"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), []byte(pin(name, "version *", "1")), 0o600))
	}
	pins, err = preferences.Load(root)
	require.NoError(t, err)
	var names []string
	for _, p := range pins {
		names = append(names, p.Packages[0])
	}
	require.Equal(t, []string{"first", "second", "third"}, names)
	require.Equal(t, "/etc/apt/preferences.d/b", pins[2].File)
}

func TestPhased(t *testing.T) {
	t.Parallel()
	p := pkg(t, "apt", "2.7.14", stable)
	p.Source = "apt"
	p.PhasedUpdate = 84
	const machine = "0123456789abcdef0123456789abcdef" // its number for apt-2.7.14 is 85
	phased := func(o preferences.Options) bool { return policy(t, "", o).Phased(p) }
	require.True(t, phased(preferences.Options{MachineID: machine}))
	require.False(t, phased(preferences.Options{}), "no machine")
	require.False(t, phased(preferences.Options{MachineID: machine, PhaseAlways: true}))
	require.True(t, phased(preferences.Options{PhaseNever: true}))
	p.PhasedUpdate = 85
	require.False(t, phased(preferences.Options{MachineID: machine}))
	p.PhasedUpdate = -1
	require.True(t, phased(preferences.Options{MachineID: machine}))
	p.Origin = &apt.Origin{Suite: "stable-security"}
	require.False(t, phased(preferences.Options{MachineID: machine}), "security")
	p.PhasedUpdate = 0
	require.False(t, phased(preferences.Options{PhaseNever: true}), "not phased")
}

// FuzzParse also asks a policy of what was parsed.
func FuzzParse(f *testing.F) {
	for _, s := range []string{pin("foo", "version 1*", "7"), pin("*", "release a=x, 1, n=[!y]", "never"), pin("/a(b)?/ src:x:any", `origin ""`, "-1"), pin("[", `version \`, "1")} {
		f.Add(s, "foo")
	}
	f.Fuzz(func(t *testing.T, text, name string) {
		pins, err := preferences.Parse([]byte(text), "pins")
		if err != nil {
			return
		}
		p, err := preferences.NewPolicy(pins, preferences.Options{Architecture: "amd64", DefaultRelease: name})
		if err != nil {
			return
		}
		p.Priority(pkg(t, name, "1", stable, local), len(name)%2 == 0) // must not panic
	})
}
