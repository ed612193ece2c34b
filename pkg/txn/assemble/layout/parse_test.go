package layout_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble/layout"
)

func TestDeclared(t *testing.T) {
	t.Parallel()
	got := layout.Declared(`# comment
d /var/a 0755
q+ /var/b/ 0755 - - -
d! %S/c
L+ /var/l - - - - /x
C /var/f
z /var/z 0755
r! /var/r
d /var/%m
d /var/glob*
D "/var/quoted" 0755
`)
	require.Equal(t, map[string]byte{
		"/var/a": 'd', "/var/b": 'd', "/var/lib/c": 'd', "/var/l": 'L', "/var/f": 'f', "/var/quoted": 'd',
	}, got)
}

func TestQuoteField(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":          "-",
		"-":         `"-"`,
		"plain":     "plain",
		"50%":       "50%%",
		"a b":       `"a b"`,
		`say "x" \`: `"say \"x\" \\"`,
	} {
		require.Equal(t, want, layout.QuoteField(in), in)
	}
}

func TestEscapeArgument(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"../x":     "../x",
		"a b":      "a b",
		" a ":      `\x20a\x20`,
		" ":        `\x20`,
		"50%":      "50%%",
		"a\nb\\":   `a\x0ab\x5c`,
		`"quoted"`: `"quoted"`,
	} {
		require.Equal(t, want, layout.EscapeArgument(in), in)
	}
}

func TestRelative(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"home", "var/home", "var/home"},
		{"usr/local", "var/usrlocal", "../var/usrlocal"},
		{"var/lib/dpkg", "usr/lib/sysimage/dpkg", "../../usr/lib/sysimage/dpkg"},
		{"var/opt/x", "usr/lib/opt/x", "../../usr/lib/opt/x"},
		{"usr/lib/a", "usr/share/b", "../share/b"},
	} {
		require.Equal(t, c[2], layout.Relative(c[0], c[1]))
	}
}

// TestStatesAreReversible checks what Unfold takes for granted of the table.
func TestStatesAreReversible(t *testing.T) {
	t.Parallel()
	var paths, names []string
	for _, s := range layout.States() {
		require.True(t, strings.HasPrefix(s.Path, "var/"), s.Path)
		require.NotEmpty(t, s.Why, s.Path)
		for i := range paths {
			require.False(t, nested(paths[i], s.Path), "%s and %s", paths[i], s.Path)
			require.False(t, nested(names[i], s.Name), "%s and %s", names[i], s.Name)
		}
		paths, names = append(paths, s.Path), append(names, s.Name)
	}
}

func nested(a, b string) bool {
	return strings.HasPrefix(a+"/", b+"/") || strings.HasPrefix(b+"/", a+"/")
}

func FuzzAccounts(f *testing.F) {
	f.Add([]byte("root:x:0:0:root:/root:/bin/bash\n"), []byte("root:x:0:a,b\n"))
	f.Add([]byte("+::::::\n#\n\n"), []byte("x:*:4294967296:"))
	f.Add([]byte(":::::::\n"), []byte("a:b"))
	f.Fuzz(func(t *testing.T, passwd, group []byte) {
		if err := layout.ParseAccounts(passwd, group); err != nil {
			require.Regexp(t, `^/etc/(passwd|group) line \d+: `, err.Error())
		}
		once := layout.NormaliseShadow(passwd)
		require.Equal(t, once, layout.NormaliseShadow(once))
	})
}

// FuzzOrder checks that each form is one, and that it loses nothing.
func FuzzOrder(f *testing.F) {
	f.Add([]byte("Name: b\nOwners: z, a\n\nName: a\n\n"))
	f.Add([]byte("b\na\n\n\n"))
	f.Add([]byte("1\n2\n3\n0\n5\n4"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, form := range []func([]byte) []byte{layout.SortDebconf, layout.SortTriples, layout.SortLines} {
			once := form(data)
			require.Equal(t, string(once), string(form(once)))
		}
		require.Equal(t, sortedLines(data), sortedLines(layout.SortLines(data)))
	})
}

func sortedLines(data []byte) []string {
	lines := strings.Split(string(bytes.TrimSuffix(data, []byte("\n"))), "\n")
	slices.Sort(lines)
	return lines
}

func FuzzDeclared(f *testing.F) {
	f.Add("d /var/x 0755\n")
	f.Add("L \"\n\\\n%")
	f.Add("d %%%S%")
	f.Fuzz(func(t *testing.T, text string) {
		for name := range layout.Declared(text) {
			require.NotEmpty(t, name)
		}
	})
}
