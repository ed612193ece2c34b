package ostree_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestChangeCheckout makes the checkout of one tree into that of another and back, and requires
// each time what a new checkout is.
func TestChangeCheckout(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	rnd := rand.New(rand.NewPCG(1, 2))
	pairs := map[string][2]ostreetest.Tree{
		"the same":       {ostreetest.Full(), ostreetest.Full()},
		"into nothing":   {ostreetest.Full(), {}},
		"from nothing":   {{}, ostreetest.Full()},
		"attribute gone": {{"d": ostreetest.Dir().Xattr("user.a", "1").Xattr("user.b", "2")}, {"d": ostreetest.Dir().Xattr("user.b", "3")}},
		"moved":          {{"etc/a/b": ostreetest.File("x"), "etc/c": ostreetest.File("")}, {"usr/etc/a/b": ostreetest.File("x"), "usr/etc/c": ostreetest.File("")}},
	}
	for i := range 8 {
		pairs[fmt.Sprint("random ", i)] = [2]ostreetest.Tree{randomTree(rnd), randomTree(rnd)}
	}
	for name, pair := range pairs {
		for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeBareUser} {
			t.Run(fmt.Sprint(name, " ", mode), func(t *testing.T) {
				t.Parallel()
				r := ostreetest.Repo(t, mode)
				from, to := treeID(t, r, ostreetest.Commit(t, r, "", pair[0])), treeID(t, r, ostreetest.Commit(t, r, "", pair[1]))
				dir := t.TempDir()
				changed := filepath.Join(dir, "changed")
				require.NoError(t, r.CheckoutTree(t.Context(), from, changed, ostree.CheckoutOptions{}))
				require.NoError(t, r.ChangeCheckout(t.Context(), changed, from, to))
				requireCheckout(t, r, to, changed)
				require.NoError(t, r.ChangeCheckout(t.Context(), changed, to, from))
				requireCheckout(t, r, from, changed)
			})
		}
	}
}

// requireCheckout checks that a directory is what CheckoutTree makes of a tree: metadata, links, times.
func requireCheckout(t *testing.T, r *ostree.Repo, id ostree.TreeID, dir string) {
	t.Helper()
	fresh := filepath.Join(t.TempDir(), "fresh")
	require.NoError(t, r.CheckoutTree(t.Context(), id, fresh, ostree.CheckoutOptions{}))
	require.Equal(t, ostreetest.ListDir(t, fresh), ostreetest.ListDir(t, dir))
	execute(t, "diff", "-r", "--no-dereference", fresh, dir)
	requireTimes(t, dir, true)
	require.Equal(t, objectLinks(t, fresh), objectLinks(t, dir))
}

// objectLinks are the inodes of the files that are objects of a repository.
func objectLinks(t *testing.T, dir string) map[string]uint64 {
	t.Helper()
	links := map[string]uint64{}
	require.NoError(t, filepath.Walk(dir, func(p string, _ os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		var st unix.Stat_t
		if err := unix.Lstat(p, &st); err != nil || st.Mode&unix.S_IFMT == unix.S_IFDIR || st.Nlink == 1 {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		links[rel] = st.Ino
		return err
	}))
	return links
}

// randomTree has few names, so that two trees have many in common, of the same kind or another.
func randomTree(rnd *rand.Rand) ostreetest.Tree {
	tree := ostreetest.Tree{}
	var fill func(dir string, depth int)
	fill = func(dir string, depth int) {
		for _, name := range []string{"a", "b", "c", "d"} {
			path := dir + name
			switch n := rnd.IntN(8); {
			case n < 2:
				tree[path] = ostreetest.File([]string{"", "one", "two"}[rnd.IntN(3)]).Perm([]uint32{0o644, 0o4755}[rnd.IntN(2)])
			case n == 2:
				tree[path] = ostreetest.Link([]string{"a", "../b"}[rnd.IntN(2)])
			case n < 6 && depth < 4:
				tree[path] = ostreetest.Dir().Perm([]uint32{0o755, 0o700, 0o1777}[rnd.IntN(3)]).Owner(0, uint32(rnd.IntN(2)))
				fill(path+"/", depth+1)
			}
		}
	}
	fill("", 0)
	return tree
}

func TestChangeCheckoutOfNothing(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	from := treeID(t, r, ostreetest.Commit(t, r, "", ostreetest.Tree{}))
	to := treeID(t, r, ostreetest.Commit(t, r, "", ostreetest.Tree{"f": ostreetest.File("x")}))
	dir := filepath.Join(t.TempDir(), "missing")
	err := r.ChangeCheckout(t.Context(), dir, from, to)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, dir)
	require.NoError(t, os.Symlink(t.TempDir(), dir))
	require.ErrorIs(t, r.ChangeCheckout(t.Context(), dir, from, to), unix.ENOTDIR, "a link is not a checkout")
}
