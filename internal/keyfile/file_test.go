package keyfile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/keyfile"
)

const sample = `# top comment

[core]
repo_version=1
mode = bare-user
  # indented comment
fsync=false

[remote "debian"]
url=https://archive.example/repo
branches=a/b;c\;d;
note=\s leading\ttab \\ and ; # kept
`

func parse(t *testing.T, text string) *keyfile.File {
	t.Helper()
	f, err := keyfile.Parse([]byte(text))
	require.NoError(t, err)
	return f
}

func TestParseKeepsEveryByte(t *testing.T) {
	t.Parallel()
	for _, text := range []string{sample, "", "\n", "# only\n", "[a]\r\nk=v\r\n", "[a]\n\n\n[a]\nk=1\nk=2\n"} {
		require.Equal(t, text, parse(t, text).String())
	}
}

func TestGet(t *testing.T) {
	t.Parallel()
	f := parse(t, sample)
	require.Equal(t, []string{"core", `remote "debian"`}, f.Groups())
	require.Equal(t, []string{"repo_version", "mode", "fsync"}, f.Keys("core"))
	mode, ok := f.Get("core", "mode")
	require.True(t, ok)
	require.Equal(t, "bare-user", mode)
	note, _ := f.Get(`remote "debian"`, "note")
	require.Equal(t, "  leading\ttab \\ and ; # kept", note)
	list, ok := f.GetList(`remote "debian"`, "branches")
	require.True(t, ok)
	require.Equal(t, []string{"a/b", "c;d"}, list)
	_, ok = f.Get("core", "nope")
	require.False(t, ok)
	_, ok = f.GetList("nope", "mode")
	require.False(t, ok)
	require.Equal(t, "x", f.GetDefault("core", "nope", "x"))
}

func TestLastValueAndMergedGroups(t *testing.T) {
	t.Parallel()
	f := parse(t, "[a]\nk=1\n[b]\nx=0\n[a]\nk=2\nl=3\r\n")
	require.Equal(t, []string{"a", "b"}, f.Groups())
	require.Equal(t, []string{"k", "l"}, f.Keys("a"))
	require.Equal(t, "2", f.GetDefault("a", "k", ""))
	require.Equal(t, "3", f.GetDefault("a", "l", ""))
	require.True(t, f.Delete("a", "k"))
	require.False(t, f.Delete("a", "k"))
	require.Equal(t, "[a]\n[b]\nx=0\n[a]\nl=3\r\n", f.String())
}

func TestSetKeepsPlaceAndComments(t *testing.T) {
	t.Parallel()
	f := parse(t, sample)
	f.Set("core", "mode", "archive-z2")
	f.Set("core", "parent", "/srv/repo")
	f.SetBool("core", "fsync", true)
	f.Set("sysroot", "bootloader", "none")
	require.Equal(t, `# top comment

[core]
repo_version=1
mode=archive-z2
  # indented comment
fsync=true
parent=/srv/repo

[remote "debian"]
url=https://archive.example/repo
branches=a/b;c\;d;
note=\s leading\ttab \\ and ; # kept

[sysroot]
bootloader=none
`, f.String())
}

func TestSetSameValueKeepsSpelling(t *testing.T) {
	t.Parallel()
	f := parse(t, sample)
	f.Set("core", "mode", "bare-user")
	require.Equal(t, sample, f.String())
}

func TestNewFileLooksLikeGLib(t *testing.T) {
	t.Parallel()
	f := keyfile.New()
	f.Set("core", "repo_version", "1")
	f.Set("core", "mode", "bare")
	f.SetList("other", "list", []string{"a;b", " x", `\`})
	require.Equal(t, "[core]\nrepo_version=1\nmode=bare\n\n[other]\nlist=a\\;b;\\sx;\\\\;\n", f.String())
}

func TestValuesSurviveARoundTrip(t *testing.T) {
	t.Parallel()
	values := []string{"", " a", "\t\tb c ", "x\ny\r\n", `\s`, "ü;#=[x]", "trailing \t"}
	f := keyfile.New()
	f.SetList("g", "all", values[1:])
	for _, v := range values {
		f.Set("g", "k", v)
		back := parse(t, f.String())
		got, ok := back.Get("g", "k")
		require.True(t, ok)
		require.Equal(t, v, got)
		list, _ := back.GetList("g", "all")
		require.Equal(t, values[1:], list)
	}
}

func TestGetBool(t *testing.T) {
	t.Parallel()
	f := parse(t, "[g]\na=true\nb=0 \nc=yes\n")
	for key, want := range map[string]bool{"a": true, "b": false, "missing": true} {
		got, err := f.GetBool("g", key, true)
		require.NoError(t, err)
		require.Equal(t, want, got, key)
	}
	_, err := f.GetBool("g", "c", false)
	require.ErrorContains(t, err, `key c in group g: "yes" is not a boolean`)
}

func TestDeleteGroupAndClone(t *testing.T) {
	t.Parallel()
	f := parse(t, sample)
	c := f.Clone()
	require.True(t, f.DeleteGroup("core"))
	require.False(t, f.HasGroup("core"))
	require.False(t, f.DeleteGroup("core"))
	require.True(t, c.HasGroup("core"))
	require.Equal(t, sample, c.String())
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"k=v\n":          `line 1: key before the first group: "k=v"`,
		"[g\n":           `line 1: group header without ]: "[g"`,
		"[g]\njust text": `line 2: neither a key, a group nor a comment: "just text"`,
		"[g]\n=v\n":      `line 2: invalid key name: "=v"`,
		"[a[b]]\n":       `line 1: invalid group name: "[a[b]]"`,
		"[g]\nk=\xff\n":  `line 2: not UTF-8 text: "k=\xff"`,
		"[g]\nk=\x00\n":  `line 2: not UTF-8 text: "k=\x00"`,
	} {
		_, err := keyfile.Parse([]byte(text))
		var syntax *keyfile.SyntaxError
		require.ErrorAs(t, err, &syntax)
		require.EqualError(t, err, want)
	}
}

func TestNamesThatWouldBreakTheFilePanic(t *testing.T) {
	t.Parallel()
	f := keyfile.New()
	require.Panics(t, func() { f.Set("a]\n[b", "k", "v") })
	require.Panics(t, func() { f.Set("a", "k\nx", "v") })
	require.Panics(t, func() { f.Set("a", "", "v") })
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{sample, "[a]\nk=\\", "[a]\r\nk=v\\;;\r\n", "#\n[a]\nb[de]=x\n", " [a] \n k = v "} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := keyfile.Parse(data)
		if err != nil {
			return
		}
		want := string(data)
		if want != "" && want[len(want)-1] != '\n' {
			want += "\n"
		}
		require.Equal(t, want, file.String())
		for _, group := range file.Groups() {
			for _, key := range file.Keys(group) {
				value, ok := file.Get(group, key)
				require.True(t, ok)
				file.Set(group, key, value)
				file.SetList("list", "l", []string{value, "x"})
				back, err := keyfile.Parse(file.Bytes())
				require.NoError(t, err)
				again, _ := back.Get(group, key)
				require.Equal(t, value, again)
			}
		}
	})
}
