package apt_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/solve"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// twoArchives have packages that differ, repeat and hide each other.
func twoArchives(t *testing.T) []source.Source {
	t.Helper()
	first, second := apttest.New(t, apttest.Options{}), apttest.New(t, apttest.Options{})
	first.AddStanza("main", "amd64", stanza("web", "1", "amd64", "Provides: httpd, server (= 1)\nDescription: a Web server\n"))
	first.AddStanza("main", "amd64", stanza("web", "2", "amd64", "Provides: httpd\nDescription: a Web server\n"))
	first.AddStanza("main", "amd64", stanza("sh", "1", "amd64", "Essential: yes\nDescription: shell\n"))
	second.AddStanza("main", "amd64", stanza("web", "2", "amd64", "Provides: httpd\nDescription: a repetition\n"))
	second.AddStanza("main", "amd64", stanza("web", "3", "all", "Provides: httpd, server\nDescription: something newer\n"))
	second.AddStanza("main", "amd64", stanza("aweb", "1", "amd64", "Provides: httpd\nDescription: another\n"))
	second.AddStanza("main", "amd64", stanza("sh", "2", "amd64", "Essential: yes\nDescription: shell\n"))
	return []source.Source{first.Publish(), second.Publish()}
}

// TestUniverseOfLists compares a universe that reads lists with one of the same packages in memory.
func TestUniverseOfLists(t *testing.T) {
	t.Parallel()
	u, err := client(t, nil).Update(t.Context(), twoArchives(t))
	require.NoError(t, err)
	m := apt.NewUniverse(slices.Collect(u.All()))
	require.Equal(t, "aweb:amd64=1 sh:amd64=2 sh:amd64=1 web:all=3 web:amd64=2 web:amd64=1", names(u))
	require.Equal(t, "a Web server", u.Versions("web")[1].Summary, "the earlier source wins")
	require.Equal(t, m.Len(), u.Len())
	require.Equal(t, m.Names(), u.Names())
	require.Equal(t, m.Essential(), u.Essential())
	require.Len(t, u.Essential(), 2)
	for _, name := range []string{"web", "aweb", "sh", "none", "httpd"} {
		require.Equal(t, texts(m.Versions(name)), texts(u.Versions(name)))
	}
	for _, name := range []string{"httpd", "server", "web", "none"} {
		require.Equal(t, texts(m.Providers(name)), texts(u.Providers(name)))
		for _, p := range u.Providers(name) {
			require.Contains(t, u.Versions(p.Name), p, "one package is one pointer")
		}
	}
	for _, terms := range [][]string{{"web"}, {"server"}, {"newer"}, {"another"}, {"a*"}, {"s", "h"}} {
		require.Equal(t, m.Search(terms...), u.Search(terms...), terms)
	}
	require.NoError(t, u.Err())
}

func onlyFile(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, entries, 1)
	return filepath.Join(dir, entries[0].Name())
}

// TestDamagedList makes the client parse an index again whose list cannot be opened, and the solver
// stop if a package of it cannot be read.
func TestDamagedList(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := []source.Source{a.Publish()}
	cache := t.TempDir()
	c := client(t, func(o *apt.ClientOptions) { o.CacheDir = cache })
	_, err := c.Update(t.Context(), s)
	require.NoError(t, err)
	list := onlyFile(t, filepath.Join(cache, "lists"))
	good, err := os.ReadFile(list)
	require.NoError(t, err)

	require.NoError(t, os.WriteFile(list, good[:len(good)/2], 0o600))
	u, err := c.Update(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	again, err := os.ReadFile(list)
	require.NoError(t, err)
	require.Equal(t, good, again, "the list is whole again")

	again[len(again)-5] ^= 1 // in the stanza of the last package
	require.NoError(t, os.WriteFile(list, again, 0o600))
	u, err = c.Update(t.Context(), s)
	require.NoError(t, err)
	require.Len(t, u.Versions("data"), 1)
	require.NoError(t, u.Err())
	_, err = solve.Solve(t.Context(), u, solve.Request{Architecture: "amd64", Install: []string{"hello"}})
	require.ErrorContains(t, err, "damaged at hello: clean the cache and refresh")
	require.NoError(t, c.Clean())
	require.NoDirExists(t, filepath.Join(cache, "lists"))
}

// TestListsAreKept uses a list without the index it was made of, and drops those of long ago.
func TestListsAreKept(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	s := []source.Source{a.Publish()}
	cache := t.TempDir()
	now := time.Now()
	c := client(t, func(o *apt.ClientOptions) { o.CacheDir, o.Clock = cache, func() time.Time { return now } })
	_, err := c.Update(t.Context(), s)
	require.NoError(t, err)
	old := onlyFile(t, filepath.Join(cache, "lists"))
	require.NoError(t, os.RemoveAll(filepath.Join(cache, "sha256")))
	now = now.Add(25 * 24 * time.Hour)
	u, err := c.Update(t.Context(), s)
	require.NoError(t, err)
	require.Equal(t, both, names(u))
	for _, later := range []time.Duration{20, 40} {
		now = now.Add(later * 24 * time.Hour)
		a.Add(apttest.Deb{Package: "more" + later.String()})
		_, err = c.Update(t.Context(), []source.Source{a.Publish()})
		require.NoError(t, err)
		if later == 20 {
			require.FileExists(t, old, "it was used 20 days ago")
		} else {
			require.NoFileExists(t, old)
		}
	}
}

// TestListsCannotBeKept works without a place for lists.
func TestListsCannotBeKept(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(hello, data)
	cache := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(cache, "lists"), nil, 0o600))
	u, err := client(t, func(o *apt.ClientOptions) { o.CacheDir = cache }).Update(t.Context(), []source.Source{a.Publish()})
	require.NoError(t, err)
	require.Equal(t, both, names(u))
}
