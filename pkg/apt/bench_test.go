package apt_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// BenchmarkUpdate opens the kept list of an index of the size of Debian's main component, 63,000
// packages, 50 MB, and finds one package.
func BenchmarkUpdate(b *testing.B) {
	a := apttest.New(b, apttest.Options{Compressions: []apttest.Compression{apttest.None}})
	size := 0
	for i := range 63_000 {
		s := bigStanza(i)
		size += len(s)
		a.AddStanza("main", "amd64", s)
	}
	s := []source.Source{a.Publish()}
	cache := b.TempDir()
	_, err := client(b, func(o *apt.ClientOptions) { o.CacheDir = cache }).Update(b.Context(), s)
	require.NoError(b, err)
	c := client(b, func(o *apt.ClientOptions) { o.CacheDir, o.Offline = cache, true })
	b.SetBytes(int64(size))
	b.ReportAllocs()
	for b.Loop() {
		u, err := c.Update(b.Context(), s)
		require.NoError(b, err)
		require.Len(b, u.Versions("package-000042"), 1)
	}
}

func bigStanza(i int) string {
	return fmt.Sprintf(`Package: package-%06[1]d
Source: source-%[1]d
Version: 1:%[1]d.2.3~rc1+dfsg-4+deb12u1
Installed-Size: %[1]d
Maintainer: A Team of Maintainers <team@archive.example>
Architecture: amd64
Replaces: package-%[2]d (<< 1:2.0)
Provides: virtual-%[2]d (= 1:2.0)
Depends: libc6 (>= 2.36), libgcc-s1 (>= 3.0), libstdc++6 (>= 12), package-%[2]d (>= 1:1.2.3), default-mta | mail-transport-agent, python3:any
Recommends: package-%[2]d-doc
Suggests: one, two, three
Breaks: package-%[2]d (<< 1:2.0)
Description: a package with a summary of the usual length
Multi-Arch: same
Homepage: https://archive.example/package-%[1]d
Description-md5: 0123456789abcdef0123456789abcdef
Tag: %[3]s
Section: libs
Priority: optional
Filename: pool/main/p/package-%[1]d/package-%[1]d_1.2.3-4_amd64.deb
Size: %[1]d
MD5sum: 0123456789abcdef0123456789abcdef
SHA256: 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
`, i, i/2, strings.Repeat("implemented-in::c, ", 3))
}
