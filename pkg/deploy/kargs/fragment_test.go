package kargs_test

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

func image(files map[string]string) fstest.MapFS {
	m := fstest.MapFS{}
	for name, text := range files {
		m[kargs.ImageDir+"/"+name] = &fstest.MapFile{Data: []byte(text)}
	}
	return m
}

func TestReadImage(t *testing.T) {
	t.Parallel()
	m := image(map[string]string{
		"20-b.toml": "# for both\nkargs = [\n  \"console=ttyS0,115200\", # serial\n  'dyndbg=\"file a +p\"',\n]\n",
		"10-a.toml": `kargs = ["quiet splash"]`,
		"30-c.toml": "match-architectures = [\"aarch64\"]\nkargs = [\"arm\"]\n",
		"40-d.toml": "match-architectures = [\"x86_64\", 'riscv64']\nkargs = [\"x\", ]",
		"README":    "no fragment",
	})
	got, err := kargs.ReadImage(m, "amd64")
	require.NoError(t, err)
	require.Equal(t, []kargs.Fragment{
		{File: kargs.ImageDir + "/10-a.toml", Args: kargs.Args{"quiet", "splash"}},
		{File: kargs.ImageDir + "/20-b.toml", Args: kargs.Args{"console=ttyS0,115200", `dyndbg="file a +p"`}},
		{File: kargs.ImageDir + "/40-d.toml", Args: kargs.Args{"x"}, Architectures: []string{"x86_64", "riscv64"}},
	}, got)
	require.Equal(t, []kargs.Owned{{Arg: "root=x"}, {Arg: "quiet", File: kargs.ImageDir + "/10-a.toml"}},
		kargs.Explain(kargs.Parse("root=x quiet"), got))
	got, err = kargs.ReadImage(fstest.MapFS{}, "amd64")
	require.NoError(t, err)
	require.Empty(t, got)
}

func TestParseFragmentRefuses(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"kargs":                  "want KEY",
		"kargs = \"a\"":          "want an array",
		"kargs = [a]":            "want a string in quotes",
		"kargs = [\"a\" \"b\"]":  "want a comma or ]",
		"kargs = [\"a":           "before its closing quote",
		"kargs = [\"a\n\"]":      "before its closing quote",
		"kargs = [\"a\"] x":      "unexpected",
		"args = []":              `unknown key "args"`,
		"[section]\nkargs = []":  "unknown key",
		"kargs = [\"a\\nb\"]":    "of the escapes",
		"kargs = ['a', 'b\x00']": "line breaks and NUL",
	} {
		_, err := kargs.ParseFragment(text)
		require.ErrorContains(t, err, want, "%q", text)
	}
	_, err := kargs.ReadImage(image(map[string]string{"a.toml": "x"}), "amd64")
	require.ErrorContains(t, err, "/"+kargs.ImageDir+"/a.toml: ")
}

func TestCarry(t *testing.T) {
	t.Parallel()
	set := func(args ...string) []kargs.Fragment { return []kargs.Fragment{{Args: args}} }
	for name, c := range map[string]struct {
		args         string
		older, newer []kargs.Fragment
		want         string
	}{
		"first image":              {"root=x", nil, set("quiet", "a=1"), "root=x quiet a=1"},
		"nothing changes":          {"root=x quiet", set("quiet"), set("quiet"), "root=x quiet"},
		"taken away, added":        {"root=x quiet a", set("quiet"), set("splash"), "root=x a splash"},
		"a value changes":          {"a=1 root=x", set("a=1"), set("a=2"), "root=x a=2"},
		"the user removed it":      {"root=x", set("quiet"), set("quiet"), "root=x"},
		"the user removed, image":  {"root=x", set("quiet"), nil, "root=x"},
		"the user has it as well":  {"root=x splash", nil, set("splash"), "root=x splash"},
		"the user changed a value": {"a=7", set("a=1"), set("a=1"), "a=7"},
		"twice":                    {"a a", set("a"), nil, "a"},
	} {
		args := kargs.Parse(c.args)
		require.Equal(t, c.want, kargs.Carry(args, c.older, c.newer).String(), name)
		require.Equal(t, c.args, args.String(), "%s: the argument is left alone", name)
	}
}

func FuzzParseFragment(f *testing.F) {
	for _, seed := range []string{"", "kargs = [\"a\"]", "# c\nkargs=[\n'a',\n]\nmatch-architectures = []", "kargs = [\"\\\"\"]", "a=[", "="} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fragment, err := kargs.ParseFragment(text)
		if err == nil {
			require.NoError(t, fragment.Args.Check())
		}
	})
}
