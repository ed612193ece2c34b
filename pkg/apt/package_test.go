package apt_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/deb822"
	"github.com/apt-ostree/apt-ostree/pkg/apt/relation"
)

const full = `Package: Libc6
Source: glibc (2.36-9)
Version: 2.36-9+b1
Installed-Size: 12988
Maintainer: GNU Libc Maintainers <debian-glibc@archive.example>
Architecture: amd64
Essential: yes
Important: yes
Replaces: libc6-amd64
Provides: libc-abi (= 2), foo
Depends: libgcc-s1, libcrypt1 (>= 1:4.4.10-10~) | libxcrypt
Pre-Depends: dpkg (>= 1.15)
Recommends: libidn2-0 (>= 2.0.5~)
Suggests: glibc-doc, debconf | debconf-2.0
Enhances: bar
Breaks: nscd (<< 2.36)
Conflicts: old
Description: GNU C Library
 First paragraph.
 .
 Second.
Multi-Arch: same
Homepage: https://www.gnu.org/software/libc/libc.html
Priority: optional
section: libs
Filename: pool/main/g/glibc/libc6_2.36-9+b1_amd64.deb
Size: 2757
SHA256: E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855
Phased-Update-Percentage: 10
A-Field-With-A-Name-That-Is-Longer-Than-Others: x
`

func parse(t testing.TB, text string) *apt.Package {
	t.Helper()
	p, err := deb822.Parse(text)
	require.NoError(t, err)
	pkg, err := apt.ParsePackage(p)
	require.NoError(t, err)
	return pkg
}

func TestParsePackage(t *testing.T) {
	t.Parallel()
	p := parse(t, full)
	require.Equal(t, "libc6:amd64=2.36-9+b1", p.String())
	require.Equal(t, apt.Key{Name: "libc6", Architecture: "amd64"}, p.Key())
	require.Equal(t, "glibc 2.36-9", p.Source+" "+p.SourceVersion.String())
	require.True(t, p.Essential)
	require.True(t, p.Protected)
	require.Equal(t, "same", p.MultiArch)
	require.Equal(t, int64(12988*1024), p.InstalledSize)
	require.Equal(t, int64(2757), p.Size)
	require.Equal(t, "GNU C Library", p.Summary)
	require.Equal(t, "First paragraph.\n\nSecond.", p.Description)
	require.Equal(t, strings.ToLower("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"), p.SHA256)
	require.Equal(t, "libs optional", p.Section+" "+p.Priority)
	for want, groups := range map[string][]relation.Group{
		"libgcc-s1, libcrypt1 (>= 1:4.4.10-10~) | libxcrypt": p.Depends, "dpkg (>= 1.15)": p.PreDepends, "libidn2-0 (>= 2.0.5~)": p.Recommends,
		"glibc-doc, debconf | debconf-2.0": p.Suggests, "bar": p.Enhances, "nscd (<< 2.36)": p.Breaks, "old": p.Conflicts, "libc6-amd64": p.Replaces,
	} {
		require.Equal(t, want, relation.Format(groups))
	}
	require.Len(t, p.Provides, 2)
	require.Equal(t, "10", p.Paragraph().Get("Phased-Update-Percentage"))
	require.Equal(t, full, p.Paragraph().Raw())
	require.Zero(t, new(apt.Package).Paragraph().Len())

	small := parse(t, "Package: a\nVersion: 1:1\nArchitecture: all\nInstalled-Size: many\n")
	require.Equal(t, "a 1:1", small.Source+" "+small.SourceVersion.String())
	require.Zero(t, small.InstalledSize, "an estimate, not worth an error")
}

func TestParsePackageRefuses(t *testing.T) {
	t.Parallel()
	const good = "Package: a\nVersion: 1\nArchitecture: all\n"
	for text, says := range map[string]string{
		"Version: 1\n":                                      "no field Package",
		"Package: a\nArchitecture: all\n":                   "package a: control paragraph has no field Version",
		"Package: a\nVersion: 1\n":                          "no field Architecture",
		"Package: ../a\nVersion: 1\n":                       "must start with",
		"Package: a\nVersion: x\n":                          "package a: field Version",
		"Package: a\nArchitecture: a/b\n":                   "not an architecture",
		good + "Size: -1\n":                                 "not a size",
		good + "Multi-Arch: maybe\n":                        "not one of",
		good + "Essential: 1\n":                             "not one of",
		good + "SHA256: 12\n":                               "64 hexadecimal digits",
		good + "SHA512: " + strings.Repeat("x", 128) + "\n": "not hexadecimal",
		good + "Depends: a (\n":                             "field Depends",
		good + "Provides: a | b\n":                          "field Provides",
		good + "Source: a (1\n":                             "parenthesis",
	} {
		p, err := deb822.Parse(text)
		require.NoError(t, err)
		_, err = apt.ParsePackage(p)
		require.ErrorContains(t, err, says, text)
	}
	s := deb822.NewScanner(good+"version: 2\n", deb822.Options{})
	require.True(t, s.Next())
	_, err := apt.ParsePackage(s.Paragraph())
	require.ErrorContains(t, err, "occurs twice")
}

func FuzzParsePackage(f *testing.F) {
	f.Add(full)
	f.Fuzz(func(t *testing.T, text string) {
		s := deb822.NewScanner(text, deb822.Options{})
		for s.Next() {
			p, err := apt.ParsePackage(s.Paragraph())
			if err != nil {
				continue
			}
			require.Equal(t, s.Paragraph().Len(), p.Paragraph().Len())
		}
	})
}
