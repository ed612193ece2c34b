package ostree_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func checkoutTo(t *testing.T, r *ostree.Repo, c ostree.Checksum, o ostree.CheckoutOptions) (string, error) {
	t.Helper()
	dst := filepath.Join(t.TempDir(), "dst")
	o.UserMode = true
	return dst, r.Checkout(t.Context(), c, dst, o)
}

func TestCheckoutSkips(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	skip := func(path string) bool { return path == "/lib/a" || path == "/bin/hello" }
	dst, err := checkoutTo(t, r, c, ostree.CheckoutOptions{Subpath: "/usr", Skip: skip})
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dst, "bin/hello"))
	require.NoDirExists(t, filepath.Join(dst, "lib/a"))
	require.FileExists(t, filepath.Join(dst, "lib/b/twin"))
	dst, err = checkoutTo(t, r, c, ostree.CheckoutOptions{Subpath: "/usr/bin/hello", Skip: func(path string) bool { return path == "/hello" }})
	require.NoError(t, err)
	require.NoFileExists(t, filepath.Join(dst, "hello"))
}

func TestCheckoutAllowMissing(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	dst, err := checkoutTo(t, r, c, ostree.CheckoutOptions{Subpath: "/nope", AllowMissing: true})
	require.NoError(t, err)
	require.NoDirExists(t, dst)
	_, err = checkoutTo(t, r, c, ostree.CheckoutOptions{Subpath: "/nope"})
	require.ErrorIs(t, err, fs.ErrNotExist)
}

func TestCheckoutBareUserOnlyDirs(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{"tmp": ostreetest.Dir().Perm(0o1777)})
	for limited, want := range map[bool]uint32{true: 0o775, false: 0o1777} {
		dst, err := checkoutTo(t, r, c, ostree.CheckoutOptions{BareUserOnlyDirs: limited, Sync: true})
		require.NoError(t, err)
		var st unix.Stat_t
		require.NoError(t, unix.Stat(filepath.Join(dst, "tmp"), &st))
		require.Equal(t, want, st.Mode&0o7777)
	}
}

func TestCheckoutVerifies(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		for _, forceCopy := range []bool{false, true} {
			r := ostreetest.Repo(t, mode)
			c := ostreetest.Commit(t, r, "", ostreetest.Plain())
			opts := ostree.CheckoutOptions{Verify: true, ForceCopy: forceCopy, UncompressedCache: true}
			dst, err := checkoutTo(t, r, c, opts)
			require.NoError(t, err)
			require.FileExists(t, filepath.Join(dst, "usr/bin/hello"))
			for _, n := range []ostree.ObjectName{fileObject(t, r, c, "/usr/bin/hello"), treeObject(t, r, c)} {
				path := objectFile(r, n)
				good, err := os.ReadFile(path)
				require.NoError(t, err)
				damage(t, r, n)
				dst, err = checkoutTo(t, r, c, opts)
				var corrupt *ostree.CorruptError
				require.ErrorAs(t, err, &corrupt)
				require.NoFileExists(t, filepath.Join(dst, "usr/bin/hello"))
				require.NoError(t, os.WriteFile(path, good, 0o644))
			}
			// A commit is no exception.
			other := ostreetest.Commit(t, r, "", ostreetest.Tree{"x": ostreetest.File("x")})
			data, err := os.ReadFile(objectFile(r, ostree.ObjectName{Checksum: other, Type: ostree.ObjectCommit}))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(objectFile(r, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit}), data, 0o644))
			_, err = checkoutTo(t, r, c, opts)
			var wrong *ostree.ChecksumError
			require.ErrorAs(t, err, &wrong)
		}
	}
}

func TestCheckoutFillsDevInoCache(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	var cache ostree.DevInoCache
	dst, err := checkoutTo(t, r, c, ostree.CheckoutOptions{DevIno: &cache})
	require.NoError(t, err)
	require.Positive(t, cache.Len())
	var st unix.Stat_t
	require.NoError(t, unix.Stat(filepath.Join(dst, "usr/bin/hello"), &st))
	sum, ok := cache.Lookup(st.Dev, st.Ino)
	require.True(t, ok)
	require.Equal(t, fileObject(t, r, c, "/usr/bin/hello").Checksum, sum)
	require.NoError(t, unix.Stat(filepath.Join(dst, "usr/lib/a/empty"), &st))
	_, ok = cache.Lookup(st.Dev, st.Ino)
	require.False(t, ok)
}

func TestCheckoutUncompressedCache(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	cached := func() (names []string) {
		err := filepath.WalkDir(filepath.Join(r.Path(), "uncompressed-objects-cache"), func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				names = append(names, e.Name())
			}
			return err
		})
		if !errors.Is(err, fs.ErrNotExist) {
			require.NoError(t, err)
		}
		return names
	}
	_, err := checkoutTo(t, r, c, ostree.CheckoutOptions{})
	require.NoError(t, err)
	require.Empty(t, cached())
	opts := ostree.CheckoutOptions{UncompressedCache: true}
	var dsts []string
	for range 2 {
		dst, err := checkoutTo(t, r, c, opts)
		require.NoError(t, err)
		dsts = append(dsts, dst)
	}
	require.NotEmpty(t, cached())
	for _, name := range cached() {
		require.True(t, strings.HasSuffix(name, ".file"), name)
	}
	var st unix.Stat_t
	require.NoError(t, unix.Stat(filepath.Join(dsts[0], "usr/lib/a/twin"), &st))
	require.EqualValues(t, 5, st.Nlink) // two names in each checkout
	require.Zero(t, st.Mtim.Sec)

	_, err = r.Prune(t.Context(), ostree.PruneOptions{})
	require.NoError(t, err)
	require.NotEmpty(t, cached())
	require.NoError(t, os.RemoveAll(dsts[0]))
	require.NoError(t, os.RemoveAll(dsts[1]))
	left := filepath.Join(r.Path(), "uncompressed-objects-cache", "new-left-over")
	require.NoError(t, os.WriteFile(left, nil, 0o644))
	_, err = r.Prune(t.Context(), ostree.PruneOptions{})
	require.NoError(t, err)
	require.Empty(t, cached())

	require.NoError(t, r.SetConfigValue("core", "enable-uncompressed-cache", "false"))
	_, err = checkoutTo(t, r, c, opts)
	require.NoError(t, err)
	require.Empty(t, cached())
}

func TestCheckoutWhiteoutsLetFilesReplaceDirectories(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{"a": ostreetest.File("a"), "l": ostreetest.Link("a")})
	for _, whiteouts := range []bool{false, true} {
		dst := t.TempDir()
		ostreetest.Write(t, dst, ostreetest.Tree{"a/deep/x": ostreetest.File(""), "l/y": ostreetest.File("")})
		err := r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionFiles, Whiteouts: whiteouts})
		if !whiteouts {
			require.ErrorIs(t, err, unix.EISDIR)
			continue
		}
		require.NoError(t, err)
		require.FileExists(t, filepath.Join(dst, "a"))
		target, err := os.Readlink(filepath.Join(dst, "l"))
		require.NoError(t, err)
		require.Equal(t, "a", target)
	}
}

func TestCheckoutToALinkToADirectory(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUserOnly)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{"a": ostreetest.File("a")})
	dir := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(dir, link))
	// A bare-user-only repository knows no other mode than user mode.
	require.NoError(t, r.Checkout(t.Context(), c, link, ostree.CheckoutOptions{Union: ostree.UnionAdd, RequireHardlinks: true}))
	require.FileExists(t, filepath.Join(dir, "a"))
}

func TestCheckoutHardlinkErrorSaysWhatWould(t *testing.T) {
	t.Parallel()
	for mode, want := range map[ostree.Mode]string{
		ostree.ModeBareUser: "objects can only be hard-linked with user mode",
		ostree.ModeArchive:  "not files that could be hard-linked",
	} {
		r := ostreetest.Repo(t, mode)
		c := ostreetest.Commit(t, r, "", ostreetest.Plain())
		err := r.Checkout(t.Context(), c, filepath.Join(t.TempDir(), "dst"), ostree.CheckoutOptions{RequireHardlinks: true})
		var refused *ostree.HardlinkError
		require.ErrorAs(t, err, &refused)
		require.ErrorContains(t, err, want)
	}
}

func TestCheckoutDeepTree(t *testing.T) {
	t.Parallel()
	const depth = 300
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{strings.Repeat("d/", depth) + "f": ostreetest.File("deep")})
	dst, err := checkoutTo(t, r, c, ostree.CheckoutOptions{})
	require.NoError(t, err)
	require.FileExists(t, filepath.Join(dst, strings.Repeat("d/", depth), "f"))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Equal(t, depth+4, report.Objects)
}
