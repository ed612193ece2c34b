package relation_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
	"github.com/apt-ostree/apt-ostree/pkg/apt/version"
)

func TestParseDepends(t *testing.T) {
	t.Parallel()
	for field, want := range map[string]string{
		"":                                    "",
		" , ,":                                "",
		"libc6":                               "libc6",
		"libc6 (>= 2.36),libssl3(>=3.0.0)":    "libc6 (>= 2.36), libssl3 (>= 3.0.0)",
		"a|b (<<1:2-3)|  c":                   "a | b (<< 1:2-3) | c",
		"python3:any (>= 3.9~)":               "python3:any (>= 3.9~)",
		"gcc:native, g++-12:arm64 ( = 12.2 )": "gcc:native, g++-12:arm64 (= 12.2)",
		"a (< 1), b (> 2), c (3)":             "a (<= 1), b (>= 2), c (= 3)",
		"a,,b,":                               "a, b",
		"Foo\n , bar\t( >>\n 1 )":             "foo, bar (>> 1)",
	} {
		groups, err := relation.ParseDepends(field)
		require.NoError(t, err, "%q", field)
		require.Equal(t, want, relation.Format(groups))
	}
}

func TestParseDependsRefuses(t *testing.T) {
	t.Parallel()
	for field, says := range map[string]string{
		"a |":                     "package name",
		"| a":                     "package name",
		"a b":                     "comma",
		"a (>= )":                 "empty",
		"a (>= 1":                 "parenthesis",
		"a (>= 1) (<< 2)":         "comma",
		"a (== 1)":                "version",
		"a [amd64]":               "comma",
		"a <!nocheck>":            "comma",
		"${shlibs:Depends}":       "package name",
		"-a":                      "start with",
		"a:":                      "architecture",
		"a_b":                     "comma",
		"a (>= v1)":               "does not start with a digit",
		strings.Repeat("(", 1000): "…",
	} {
		_, err := relation.ParseDepends(field)
		require.ErrorContains(t, err, says, "%q", field)
	}
}

func TestParseProvides(t *testing.T) {
	t.Parallel()
	provides, err := relation.ParseProvides("mail-transport-agent, libfoo (= 1.2), odd (>= 3)")
	require.NoError(t, err)
	require.Len(t, provides, 2, "only = has a meaning")
	require.Equal(t, "libfoo (= 1.2)", provides[1].String())
	_, err = relation.ParseProvides("a | b")
	require.Error(t, err)
}

func TestParse(t *testing.T) {
	t.Parallel()
	r, err := relation.Parse(" bash:amd64 (>= 5) ")
	require.NoError(t, err)
	require.Equal(t, relation.Relation{Name: "bash", ArchQual: "amd64", Op: relation.LaterOrEqual, Version: r.Version}, r)
	_, err = relation.Parse("a, b")
	require.Error(t, err)
}

func TestSatisfied(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][3]bool{ // for 0.9, 1.0-0, 1.1
		"a":          {true, true, true},
		"a (<< 1.0)": {true, false, false},
		"a (<= 1.0)": {true, true, false},
		"a (= 1.0)":  {false, true, false},
		"a (>= 1.0)": {false, true, true},
		"a (>> 1.0)": {false, false, true},
	} {
		r, err := relation.Parse(text)
		require.NoError(t, err)
		for i, candidate := range []string{"0.9", "1.0-0", "1.1"} {
			v, err := version.Parse(candidate)
			require.NoError(t, err)
			require.Equal(t, want[i], r.Satisfied(v), "%s by %s", text, candidate)
		}
		require.Equal(t, r.Op == relation.Any, r.Satisfied(version.Version{}), "unversioned provides and %s", text)
	}
}

func TestCheckName(t *testing.T) {
	t.Parallel()
	require.NoError(t, relation.CheckName("libstdc++6-4.7-dev"))
	for _, name := range []string{"", "-a", "a_b", "a/b", "a b", "../x", "ä"} {
		require.Error(t, relation.CheckName(name), name)
	}
}

func FuzzParseDepends(f *testing.F) {
	for _, s := range []string{"a (>= 1) | b:any, c", "a,,", "x (= 1:2-3~)", "p:native(<<2)", "a (", "|"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		groups, err := relation.ParseDepends(field)
		if err != nil {
			return
		}
		again, err := relation.ParseDepends(relation.Format(groups))
		require.NoError(t, err)
		require.Equal(t, groups, again)
		_, _ = relation.ParseProvides(field) // must not panic; what it says is checked elsewhere
	})
}
