package archive_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

const (
	sum256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	debian = `Origin: Debian
Label: Debian-Security
Suite: oldstable-security
Codename: bookworm-security
Version: 12
Date: Tue,  4 Aug 2026 00:34:33 UTC
Valid-Until: Tue, 11 Aug 2026 00:34:33 UTC
Acquire-By-Hash: yes
Architectures: amd64 arm64
Components: updates/main updates/contrib
SHA256:
 ` + sum256 + `        0 main/binary-amd64/Packages
 ` + sum256 + `       32 main/binary-amd64/Packages.xz
 ` + sum256 + `       20 main/binary-amd64/Packages.gz
 ` + sum256 + `       99 main/binary-all/Packages.xz
 ` + sum256 + `       99 contrib/binary-arm64/Packages.zst
 ` + sum256 + `        5 ./Packages
`
)

func parse(t testing.TB, text string) *archive.Release {
	t.Helper()
	r, err := archive.ParseRelease([]byte(text))
	require.NoError(t, err)
	return r
}

func TestParseRelease(t *testing.T) {
	t.Parallel()
	r := parse(t, debian)
	require.Equal(t, "Debian-Security", r.Label)
	require.True(t, r.ByHash)
	require.Equal(t, time.Date(2026, 8, 4, 0, 34, 33, 0, time.UTC), r.Date)
	require.Equal(t, archive.Checksums{Size: 32, SHA256: sum256}, r.Files["main/binary-amd64/Packages.xz"])
	require.Equal(t, int64(5), r.Files["Packages"].Size)
}

func TestParseReleaseRefuses(t *testing.T) {
	t.Parallel()
	change := func(old, replacement string) string { return strings.Replace(debian, old, replacement, 1) }
	for text, says := range map[string]string{
		"":                              "malformed",
		debian + "\nOrigin: Second\n":   "malformed",
		debian + "Suite: twice\n":       "occurs twice",
		change("Date: Tue, ", "Date: "): "is not a date",
		change("00:34:33 UTC\nV", "00:34:33 CEST\nV"): "is not a date",
		change("Date", "Datum"):                       "field Date: missing",
		change("SHA256:", "MD5Sum:"):                  "neither SHA256 nor SHA512",
		change(sum256, "abcd"):                        "not a checksum",
		change("       32", "       -1"):              "not a size",
		change("main/binary", "../../binary"):         "leads out",
		change(" ./Packages", " /etc/passwd"):         "leads out",
		change("32 main", "32 of main"):               "checksum size path",
		debian + " " + sum256 + " 6 Packages\n":       "two sizes",
	} {
		_, err := archive.ParseRelease([]byte(text))
		require.ErrorContains(t, err, says)
	}
}

func TestIndexes(t *testing.T) {
	t.Parallel()
	r := parse(t, debian)
	for _, component := range []string{"main", "updates/main"} {
		indexes, err := r.Indexes(component, []string{"amd64", "i386"})
		require.NoError(t, err)
		require.Len(t, indexes, 1, "i386 is not there, and all is not among the architectures")
		require.Equal(t, "main/binary-amd64/Packages", indexes[0].Path)
		require.True(t, indexes[0].Empty())
		var variants []string
		for _, v := range indexes[0].Variants {
			variants = append(variants, v.Compression)
		}
		require.Equal(t, []string{".xz", ".gz", ""}, variants)
		require.Equal(t, "main/binary-amd64/by-hash/SHA256/"+sum256, indexes[0].Variants[0].ByHashPath())
	}
	_, err := r.Indexes("non-free", []string{"amd64"})
	require.ErrorContains(t, err, `no component "non-free"; it has updates/main, updates/contrib`)

	contrib, err := r.Indexes("contrib", []string{"arm64"})
	require.NoError(t, err)
	require.Equal(t, int64(-1), contrib[0].Checksums.Size)
	require.False(t, contrib[0].Empty())

	flat, err := r.Indexes("", nil)
	require.NoError(t, err)
	require.Equal(t, "Packages", flat[0].Path)

	all := parse(t, strings.Replace(debian, "Architectures: ", "Architectures: all ", 1))
	indexes, err := all.Indexes("main", []string{"amd64"})
	require.NoError(t, err)
	require.Len(t, indexes, 2)
	none := parse(t, strings.Replace(debian, "Architectures: ", "No-Support-for-Architecture-all: Packages\nArchitectures: all ", 1))
	indexes, err = none.Indexes("main", []string{"amd64"})
	require.NoError(t, err)
	require.Len(t, indexes, 1)
}

func TestCheckDates(t *testing.T) {
	t.Parallel()
	r := parse(t, debian)
	unlimited := parse(t, strings.Replace(debian, "Valid-Until", "X-Valid-Until", 1))
	no, yes := false, true
	week, hour := 7*24*time.Hour, time.Hour
	for name, c := range map[string]struct {
		release *archive.Release
		after   time.Duration // after Date
		options source.Source
		reason  archive.Reason
	}{
		"now":                {r, hour, source.Source{}, ""},
		"clock a bit behind": {r, -9 * time.Second, source.Source{}, ""},
		"future":             {r, -11 * time.Second, source.Source{}, archive.Future},
		"future allowed":     {r, -hour, source.Source{CheckDate: &no}, ""},
		"future by option":   {r, -hour, source.Source{DateMaxFuture: &week}, ""},
		"expired":            {r, week + time.Second, source.Source{}, archive.Expired},
		"expired allowed":    {r, 10 * week, source.Source{CheckValidUntil: &no}, ""},
		"longer":             {r, week + hour, source.Source{ValidUntilMin: new(2 * week)}, ""},
		"shorter":            {r, 2 * hour, source.Source{ValidUntilMax: &hour}, archive.Expired},
		"for ever":           {unlimited, 1000 * week, source.Source{}, ""},
		"limited by option":  {unlimited, 2 * week, source.Source{ValidUntilMax: &week}, archive.Expired},
		"not limited by min": {unlimited, 2 * week, source.Source{ValidUntilMin: &week}, ""},
		"trusted":            {r, hour, source.Source{Trusted: &yes}, ""},
		"distrusted":         {r, hour, source.Source{Trusted: &no}, archive.Distrusted},
	} {
		err := c.release.CheckDates(c.release.Date.Add(c.after), c.options)
		if c.reason == "" {
			require.NoError(t, err, name)
			continue
		}
		var untrusted *archive.UntrustedError
		require.ErrorAs(t, err, &untrusted, name)
		require.Equal(t, c.reason, untrusted.Reason, name)
	}
}

func TestIs(t *testing.T) {
	t.Parallel()
	r := &archive.Release{Suite: "oldstable-security", Codename: "bookworm-security"}
	for suite, want := range map[string]bool{
		"oldstable-security": true, "bookworm-security": true, "bookworm": false, "dists/bookworm-security": true, "./": true, "stable": false,
	} {
		require.Equal(t, want, r.Is(suite), suite)
	}
	require.True(t, (&archive.Release{Codename: "bookworm"}).Is("bookworm/updates"))
	require.True(t, (&archive.Release{}).Is("whatever"))
}

func FuzzParseRelease(f *testing.F) {
	f.Add(debian)
	f.Add("Date: Tue, 4 Aug 2026 00:34:33 UTC\nSHA512:\n")
	f.Fuzz(func(t *testing.T, text string) {
		r, err := archive.ParseRelease([]byte(text))
		if err != nil {
			return
		}
		for name := range r.Files {
			require.False(t, strings.HasPrefix(name, "../") || strings.HasPrefix(name, "/"), name)
		}
		_, _ = r.Indexes("main", []string{"amd64"})
		_ = r.CheckDates(time.Now(), source.Source{})
		_ = fmt.Sprint(r.Is("x"))
	})
}
