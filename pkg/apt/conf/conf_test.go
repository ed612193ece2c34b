package conf_test

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/conf"
)

const sample = `// comment
# comment
/* of
 several lines */
APT::Install-Recommends "false"; Apt::Architecture amd64;
APT {
  Architectures { "amd64"; "arm64"; };   # trailing
  NeverAutoRemove:: "^linux";
  Never-MarkAuto-Sections { "metapackages"; "tasks" };
};
APT::NeverAutoRemove { "^firmware.*"; };
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::http { Proxy { inside.example "DIRECT"; }; Timeout "7"; };
Acquire::Retries 3; Acquire::Bad "maybe";
Dir "/" { Etc "etc/apt/"; };
Gone "1"; #clear Gone;
`

func parse(t testing.TB, text string) *conf.Config {
	t.Helper()
	c := new(conf.Config)
	require.NoError(t, c.Parse([]byte(text), "apt.conf"))
	return c
}

func TestParse(t *testing.T) {
	t.Parallel()
	c := parse(t, sample)
	require.False(t, c.Bool("apt::INSTALL-recommends", true))
	require.True(t, c.Bool("APT::Missing", true))
	require.Nil(t, c.LookupBool("Acquire::Bad"))
	require.Equal(t, []string{"^linux", "^firmware.*"}, c.List("APT::NeverAutoRemove"))
	require.Equal(t, []string{"metapackages", "tasks"}, c.List("APT::Never-MarkAuto-Sections"))
	require.Equal(t, 3, c.Int("Acquire::Retries", 1))
	require.Equal(t, 1, c.Int("Acquire::Bad", 1))
	require.Equal(t, "/", c.Get("Dir"))
	require.Equal(t, "etc/apt/", c.Get("Dir::Etc"))
	require.Empty(t, c.Get("Gone"))
	require.Equal(t, []string{"Proxy", "Timeout"}, c.Names("Acquire::http"))
	native, foreign := c.Architectures()
	require.Equal(t, "amd64", native)
	require.Equal(t, []string{"arm64"}, foreign)
	var none *conf.Config
	require.Empty(t, none.Get("A"))
	require.Empty(t, none.List("A"))
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for text, says := range map[string]string{
		`A "1"`:                   "apt.conf:1: expected ;",
		"A {\n\"1\";":             "not closed",
		"\n}":                     "apt.conf:2: unexpected }",
		`{`:                       "unexpected {",
		`"1";`:                    "without a name",
		`A "1`:                    "quote is not closed",
		`/* A`:                    "comment is not closed",
		`A€ "1";`:                 "not allowed",
		`#include "/x";`:          "not possible",
		`#clear `:                 "needs an argument",
		strings.Repeat("A{", 100): "more than 32",
	} {
		require.ErrorContains(t, new(conf.Config).Parse([]byte(text), "apt.conf"), says, "%q", text)
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	c := parse(t, sample)
	for target, want := range map[string]string{
		"http://archive.example/a":  "http://proxy.example:3128",
		"https://archive.example/a": "http://proxy.example:3128",
		"http://inside.example/a":   "",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
		require.NoError(t, err)
		u, err := c.Proxy(r)
		require.NoError(t, err)
		if want == "" {
			require.Nil(t, u)
			continue
		}
		require.Equal(t, want, u.String())
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://archive.example/", nil)
	require.NoError(t, err)
	_, err = parse(t, `Acquire::http::Proxy "nonsense";`).Proxy(r)
	require.ErrorContains(t, err, "not a URL")
}

// root makes an /etc/apt whose files override each other and include one.
func root(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"apt.conf":                    `X::Order "main"; X::Main "1";`,
		"apt.conf.d/10first":          `X::Order "first"; X::L { "a"; }; #include "/etc/apt/extra";`,
		"apt.conf.d/20second.conf":    `X::Order "second"; X::L:: "b"; X::Second "1";`,
		"apt.conf.d/30skip.dpkg-dist": `X::Skipped "1";`,
		"extra":                       `X::Extra "from extra";`,
	} {
		path := filepath.Join(dir, "etc/apt", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	return dir
}

func TestLoad(t *testing.T) {
	t.Parallel()
	dir := root(t)
	c, err := conf.Load(dir)
	require.NoError(t, err)
	require.Equal(t, "main", c.Get("X::Order"))
	require.Equal(t, "from extra", c.Get("X::Extra"))
	require.Equal(t, "1", c.Get("X::Second"))
	require.Equal(t, []string{"a", "b"}, c.List("X::L"))
	require.Empty(t, c.Get("X::Skipped"))

	require.NoError(t, os.WriteFile(filepath.Join(dir, "etc/apt/extra"), []byte(`#include "/etc/apt/extra";`), 0o644))
	_, err = conf.Load(dir)
	require.ErrorContains(t, err, "include each other")

	c, err = conf.Load(filepath.Join(dir, "missing"))
	require.NoError(t, err)
	require.Empty(t, c.Names("X"))
}

// TestAgreesWithAptConfig compares what apt-config makes of the same files.
func TestAgreesWithAptConfig(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("apt-config"))
	file := filepath.Join(t.TempDir(), "apt.conf")
	require.NoError(t, os.WriteFile(file, []byte(sample), 0o644))
	cmd := exec.CommandContext(t.Context(), "apt-config", "dump")
	cmd.Env = []string{"APT_CONFIG=" + file, "PATH=" + os.Getenv("PATH")}
	out, err := cmd.Output()
	require.NoError(t, err)
	c := parse(t, sample)
	for _, name := range []string{"APT::Install-Recommends", "Acquire::http::Proxy", "Acquire::http::Proxy::inside.example", "Acquire::http::Timeout", "Acquire::Retries"} {
		require.Contains(t, string(out), name+" \""+c.Get(name)+"\";")
	}
	for _, value := range c.List("APT::Never-MarkAuto-Sections") {
		require.Contains(t, string(out), "APT::Never-MarkAuto-Sections:: \""+value+"\";")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(sample)
	f.Add(`A{B "1"{};};#clear A;`)
	f.Add("A::::B:: x;")
	f.Fuzz(func(t *testing.T, text string) {
		c := new(conf.Config)
		if c.Parse([]byte(text), "fuzz") == nil {
			for _, name := range c.Names("A") {
				c.Get("A::" + name)
			}
		}
	})
}
