package ostree_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// modifiers are options with which the tests add the tree of modified.
func modifiers(t *testing.T) ostree.AddOptions {
	t.Helper()
	overrides, err := ostree.ParseStatOverrides(text("+2048 /usr/bin/su\n1024 /usr/bin/su2\n=0x180 /etc/shadow\n\n+1 /none\n=1 /nothing\n"))
	require.NoError(t, err)
	skip, err := ostree.ParseSkipList(text("/usr/share\n/etc/skip\n/never\n"))
	require.NoError(t, err)
	return ostree.AddOptions{
		UID: new(uint32(7)), GID: new(uint32(8)), ReadOnlyExecutables: true, StatOverrides: overrides, SkipList: skip, Labels: labels{},
	}
}

type labels struct{}

func (labels) Label(path string, mode uint32) (string, error) {
	if strings.HasPrefix(path, "/etc") && mode&0o170000 == 0o100000 {
		return "etc_t", nil
	}
	return "", nil
}

func modifiable() ostreetest.Tree {
	return ostreetest.Tree{
		"etc/shadow":     ostreetest.File("secret"),
		"etc/skip":       ostreetest.File("x"),
		"usr/bin/su":     ostreetest.File("su").Perm(0o755),
		"usr/bin/su2":    ostreetest.File("su").Perm(0o755),
		"usr/lib":        ostreetest.Link("nowhere"),
		"usr/share/x/y":  ostreetest.File("y"),
		"usr/include/in": ostreetest.File("in"),
	}
}

func requireModified(t *testing.T, list string) {
	t.Helper()
	require.Equal(t, `d00755 7 8 /
d00755 7 8 /etc
-00600 7 8 6 /etc/shadow {security.selinux="etc_t\x00"}
d00755 7 8 /usr
d00755 7 8 /usr/bin
-04555 7 8 2 /usr/bin/su
-02555 7 8 2 /usr/bin/su2
d00755 7 8 /usr/include
-00644 7 8 2 /usr/include/in
l00777 7 8 /usr/lib -> nowhere
`, list)
}

func TestModifiersOfDirectories(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ostreetest.Write(t, dir, modifiable())
	opts := modifiers(t)
	r := ostreetest.Repo(t, ostree.ModeArchive)
	requireModified(t, ostreetest.ListTree(t, r, addedTreeWith(t, r, dir, opts)))
	require.Equal(t, []string{"/none"}, opts.StatOverrides.Unmatched())
	require.Equal(t, []string{"/never"}, opts.SkipList.Unmatched())
}

func TestStatOverrideSyntax(t *testing.T) {
	t.Parallel()
	for _, line := range []string{"2048", "x /a", "=-1 /a", "4096 /a", "0x /a", "NaN /a", "+ /a"} {
		_, err := ostree.ParseStatOverrides(text(line + "\n"))
		require.Error(t, err, line)
	}
	_, err := ostree.ParseStatOverrides(text("2048\n"))
	var syntax *ostree.OverrideSyntaxError
	require.ErrorAs(t, err, &syntax)
	require.Equal(t, "2048", syntax.Line)
}

func TestNilListsMatchEverything(t *testing.T) {
	t.Parallel()
	var overrides *ostree.StatOverrides
	var skip *ostree.SkipList
	require.Empty(t, overrides.Unmatched())
	require.Empty(t, skip.Unmatched())
}
