package assemble_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// TestFilter has what dpkg does with these options, see --path-exclude in dpkg(1).
func TestFilter(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		dir  bool
		skip bool
	}{
		{"/usr/share/doc/a/changelog.gz", false, true},
		{"/usr/share/doc/a/copyright", false, false},
		{"/usr/share/doc/a", true, false}, // a licence may follow
		{"/usr/share/doc", true, false},   // the pattern has a slash more
		{"/usr/share/doc/a", false, true}, // a file
		{"/usr/share/man/man1", true, false},
		{"/usr/share/man/man1/a.1.gz", false, true},
		{"/usr/share/man/de", true, true},
		{"/usr/share/man/man1x/b", false, true},
		{"/usr/share/locale/de", true, false},
		{"/usr/share/info/dir/a", true, true},
	} {
		skip, err := assemble.FilterSkips(assemble.DocExcludes(), c.name, c.dir)
		require.NoError(t, err)
		require.Equal(t, c.skip, skip, c.name)
	}
	skip, err := assemble.FilterSkips([]string{"path-exclude /a[!b-c]?\\*", "force-unsafe-io"}, "/adx*", false)
	require.NoError(t, err)
	require.True(t, skip)
	_, err = assemble.FilterSkips([]string{"path-exclude=/[]x]"}, "/x", false)
	require.Error(t, err)
}

// FuzzFilter takes patterns from a configuration file of the tree.
func FuzzFilter(f *testing.F) {
	f.Add("/usr/share/doc/*", "/usr/share/doc/a")
	f.Add("/[a-z!]?\\", "/x")
	f.Fuzz(func(t *testing.T, pattern, name string) {
		if skip, err := assemble.FilterSkips([]string{"path-include=/*", "path-exclude=" + pattern}, name, false); err == nil && pattern == "*" {
			require.True(t, skip)
		}
	})
}
