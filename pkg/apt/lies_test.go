package apt_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// lyingStanza is a paragraph of an index; hash is a checksum that fits nothing.
func lyingStanza(name, version, more string) string {
	return fmt.Sprintf("Package: %s\nVersion: %s\nArchitecture: amd64\nFilename: pool/%[1]s.deb\nSize: 3\nSHA256: %[3]s\n%s", name, version, hash, more)
}

var hash = strings.Repeat("ab", 32)

// TestDuplicateStanzas: of packages that claim to be the same the first one counts, wherever it is read.
func TestDuplicateStanzas(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.AddStanza("main", "amd64", lyingStanza("twice", "1", "Depends: first\n"))
	a.AddStanza("main", "amd64", lyingStanza("twice", "1", "Depends: second\n"))
	a.AddStanza("main", "amd64", lyingStanza("twice", "1.0", "Depends: third\n")) // not the same to apt
	u, err := client(t, nil).Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	var depends []string
	for _, p := range u.Versions("twice") {
		depends = append(depends, p.Version.String()+" "+p.Depends[0].String())
	}
	require.ElementsMatch(t, []string{"1 first", "1.0 third"}, depends)
}

// TestLyingSizes: an index says of packages what they are not.
func TestLyingSizes(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello)
	s := a.Publish()
	u, err := client(t, nil).Update(t.Context(), []source.Source{s})
	require.NoError(t, err)
	truth := u.Versions("hello")[0]
	for name, change := range map[string]func(*apt.Package){
		"longer":     func(p *apt.Package) { p.Size++ },
		"shorter":    func(p *apt.Package) { p.Size-- },
		"endless":    func(p *apt.Package) { p.Size = 1 << 62 },
		"other hash": func(p *apt.Package) { p.SHA256 = hash },
	} {
		lie := *truth
		change(&lie)
		_, err := client(t, nil).Download(t.Context(), []*apt.Package{&lie}, apt.DownloadOptions{})
		var mismatch *apt.HashMismatchError
		require.ErrorAs(t, err, &mismatch, name)
	}
}

// TestAbsurdVersions: long ones are compared as others are, and what is none is left out.
func TestAbsurdVersions(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	digits := strings.Repeat("9", 100_000)
	for _, v := range []string{"1", digits, digits + "9", "0:" + digits + "~", "99999999999999999999:1", "-1", "1:", "a", "1 2"} {
		a.AddStanza("main", "amd64", lyingStanza("absurd", v, ""))
	}
	u, err := client(t, nil).Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	var lengths []int
	for _, p := range u.Versions("absurd") {
		lengths = append(lengths, len(p.Version.String()))
	}
	require.Subset(t, []int{100_001, 100_000, 100_003, 1}, lengths)
	require.Equal(t, 100_001, lengths[0])
}

// TestCyclicPreDepends: there is no order in which dpkg could unpack such packages.
func TestCyclicPreDepends(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.AddStanza("main", "amd64", lyingStanza("chicken", "1", "Pre-Depends: egg\n"))
	a.AddStanza("main", "amd64", lyingStanza("egg", "1", "Pre-Depends: chicken\n"))
	u, err := client(t, nil).Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	s, err := solve.Solve(t.Context(), u, solve.Request{Architecture: "amd64", Install: []string{"chicken"}})
	require.NoError(t, err, "each is there for the other")
	require.Len(t, s.Install, 2)
}

// TestTooManyPackages has an index like one of ten million paragraphs: it is given up at a million, with
// little more memory than its text.
func TestTooManyPackages(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{Compressions: []apttest.Compression{apttest.Zstd}})
	var text strings.Builder
	for i := range 1<<20 + 1 {
		fmt.Fprintf(&text, "Package: p%d\nVersion: 1\nArchitecture: amd64\n\n", i)
	}
	a.AddStanza("main", "amd64", strings.TrimSuffix(text.String(), "\n"))
	s := a.Publish()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := client(t, nil).Update(t.Context(), []source.Source{s})
	runtime.ReadMemStats(&after)
	require.ErrorContains(t, err, "more than 1048576 packages")
	require.Less(t, after.Sys, before.Sys+2<<30)
}
