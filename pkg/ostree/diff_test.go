package ostree_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestDiff(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	from := ostreetest.Commit(t, r, "from", ostreetest.Tree{
		"same/deep/f": ostreetest.File("same"),
		"a/changed":   ostreetest.File("1"),
		"a/perm":      ostreetest.File("1"),
		"a/link":      ostreetest.Link("1"),
		"gone/f":      ostreetest.File("1"),
		"was-file":    ostreetest.File("1"),
		"was-dir/in":  ostreetest.File("1"),
		"meta":        ostreetest.Dir(),
	})
	to := ostreetest.Commit(t, r, "to", ostreetest.Tree{
		"same/deep/f": ostreetest.File("same"),
		"a/changed":   ostreetest.File("2"),
		"a/perm":      ostreetest.File("1").Perm(0o600),
		"a/link":      ostreetest.Link("2"),
		"new/deep/f":  ostreetest.File("1"),
		"was-file":    ostreetest.Dir(),
		"was-dir":     ostreetest.File("1"),
		"meta":        ostreetest.Dir().Perm(0o700),
	})
	require.Equal(t, `M /a/changed
M /a/link
M /a/perm
D /gone
D /gone/f
M /meta
A /new
A /new/deep
A /new/deep/f
M /was-dir
D /was-dir/in
M /was-file
`, diff(t, r, from, to))
	require.Empty(t, diff(t, r, from, from))
	back := diff(t, r, to, from)
	for line := range strings.Lines(ostreetest.CLI(t, r, "diff", "to", "from")) {
		fields := strings.Fields(line)
		require.Contains(t, back, fields[0]+" "+fields[1]+"\n")
	}
}

func diff(t *testing.T, r *ostree.Repo, from, to ostree.Checksum) string {
	t.Helper()
	a, err := r.LoadCommit(t.Context(), from)
	require.NoError(t, err)
	b, err := r.LoadCommit(t.Context(), to)
	require.NoError(t, err)
	entries, err := r.Diff(t.Context(), a.Tree, b.Tree)
	require.NoError(t, err)
	var text strings.Builder
	for _, e := range entries {
		fmt.Fprintln(&text, e.Kind, e.Path)
	}
	return text.String()
}
