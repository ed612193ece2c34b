package apt_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
)

func universe(t testing.TB, stanzas ...string) *apt.Universe {
	t.Helper()
	var all []*apt.Package
	for i, s := range stanzas {
		p := parse(t, s)
		p.Origin = &apt.Origin{URI: string(rune('a' + i))}
		all = append(all, p)
	}
	return apt.NewUniverse(append(all, nil))
}

func stanza(name, version, arch, rest string) string {
	return "Package: " + name + "\nVersion: " + version + "\nArchitecture: " + arch + "\n" + rest
}

func texts(packages []*apt.Package) []string {
	var out []string
	for _, p := range packages {
		out = append(out, p.String()+"@"+p.Origin.URI)
	}
	return out
}

func TestUniverse(t *testing.T) {
	t.Parallel()
	u := universe(t,
		stanza("foo", "1.0", "amd64", "Provides: virtual (= 1), virtual (= 2), other\n"),
		stanza("bar", "1", "all", "Provides: virtual\n"),
		stanza("foo", "2.0~rc1", "amd64", ""),
		stanza("foo", "1.0", "amd64", ""), // of a later source
		stanza("foo", "1.0", "arm64", ""),
		stanza("foo", "1.00", "amd64", ""),
	)
	require.Equal(t, []string{"foo:amd64=2.0~rc1@c", "foo:amd64=1.0@a", "foo:arm64=1.0@e", "foo:amd64=1.00@f"}, texts(u.Versions("foo")))
	require.Empty(t, u.Versions("virtual"))
	require.Equal(t, []string{"bar:all=1@b", "foo:amd64=1.0@a"}, texts(u.Providers("virtual")))
	require.Equal(t, []string{"bar", "foo"}, u.Names())
	require.Equal(t, 5, u.Len())
	require.Equal(t, "bar", slices.Collect(u.All())[0].Name)
	require.Empty(t, u.Digest())
	require.Equal(t, []string{"foo"}, u.Nearest("fo", 3))
	require.Zero(t, apt.NewUniverse(nil).Len())
}

func TestSearch(t *testing.T) {
	t.Parallel()
	u := universe(t,
		stanza("nginx", "1", "amd64", "Description: small, powerful, scalable Web/proxy server\n"),
		stanza("nginx", "2", "amd64", "Description: newer Web/proxy server\n"),
		stanza("libnginx-mod-http", "1", "amd64", "Description: HTTP module for Nginx\n"),
		stanza("apache2", "1", "amd64", "Description: Apache HTTP Server\n"),
	)
	found := func(terms ...string) (out []string) {
		for _, m := range u.Search(terms...) {
			flags := map[bool]string{true: "n", false: "-"}[m.Name] + map[bool]string{true: "s", false: "-"}[m.Summary]
			out = append(out, flags+" "+m.Package.Name+" "+m.Package.Version.String())
		}
		return out
	}
	require.Equal(t, []string{"n- nginx 2", "ns libnginx-mod-http 1"}, found("NGINX"), "the exact name first")
	require.Equal(t, []string{"-s apache2 1", "-s nginx 2"}, found("server"))
	require.Equal(t, []string{"ns apache2 1"}, found("apache2", "server"))
	require.Equal(t, []string{"n- nginx 2"}, found("ng*x"))
	require.Equal(t, []string{"-s nginx 2"}, found("newer*proxy*"))
	require.Empty(t, found("powerful"), "only the newest version counts")
	require.Empty(t, found())
	require.Empty(t, found("[bad"))
}
