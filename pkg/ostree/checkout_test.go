package ostree_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestCheckoutIsLikeThatOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	for _, test := range []struct {
		name string
		mode ostree.Mode
		opts ostree.CheckoutOptions
		args []string
	}{
		{"bare", ostree.ModeBare, ostree.CheckoutOptions{}, nil},
		{"bare linked", ostree.ModeBare, ostree.CheckoutOptions{RequireHardlinks: true}, []string{"-H"}},
		{"bare copied", ostree.ModeBare, ostree.CheckoutOptions{ForceCopy: true}, []string{"-C"}},
		{"bare user", ostree.ModeBare, ostree.CheckoutOptions{UserMode: true}, []string{"-U"}},
		{"bare-user", ostree.ModeBareUser, ostree.CheckoutOptions{}, nil},
		{"bare-user linked", ostree.ModeBareUser, ostree.CheckoutOptions{UserMode: true, RequireHardlinks: true}, []string{"-U", "-H"}},
		{"bare-user copied", ostree.ModeBareUser, ostree.CheckoutOptions{UserMode: true, ForceCopy: true}, []string{"-U", "-C"}},
		{"archive", ostree.ModeArchive, ostree.CheckoutOptions{}, nil},
		{"archive user", ostree.ModeArchive, ostree.CheckoutOptions{UserMode: true}, []string{"-U"}},
		{"subpath", ostree.ModeBare, ostree.CheckoutOptions{Subpath: "/usr/bin"}, []string{"--subpath=/usr/bin"}},
		{"file", ostree.ModeBare, ostree.CheckoutOptions{Subpath: "/usr/bin/su"}, []string{"--subpath=/usr/bin/su"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, test.mode)
			c := ostreetest.Commit(t, r, "main", ostreetest.Full())
			dir := t.TempDir()
			ours, theirs := filepath.Join(dir, "ours"), filepath.Join(dir, "theirs")
			require.NoError(t, r.Checkout(t.Context(), c, ours, test.opts))
			ostreetest.CLI(t, r, "checkout", append(test.args, "main", theirs)...)
			require.Equal(t, ostreetest.ListDir(t, theirs), ostreetest.ListDir(t, ours))
			requireTimes(t, ours, !test.opts.ForceCopy)
			execute(t, "diff", "-r", "--no-dereference", theirs, ours)
		})
	}
}

// requireTimes checks that all modification times are 0, or none.
func requireTimes(t *testing.T, dir string, zero bool) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || p == dir {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		require.Equal(t, zero, info.ModTime().Unix() == 0, p)
		return nil
	}))
}

func TestCheckoutLinks(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	dst := filepath.Join(t.TempDir(), "dst")
	require.NoError(t, r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, RequireHardlinks: true}))
	for path, links := range map[string]uint64{"usr/lib/a/twin": 3, "usr/lib/b/twin": 3, "usr/bin/hello": 2, "usr/lib/a/empty": 1} {
		var st unix.Stat_t
		require.NoError(t, unix.Lstat(filepath.Join(dst, path), &st))
		require.EqualValues(t, links, st.Nlink, path)
	}
	copied := filepath.Join(t.TempDir(), "copied")
	require.NoError(t, r.Checkout(t.Context(), c, copied, ostree.CheckoutOptions{UserMode: true, ForceCopy: true}))
	var st unix.Stat_t
	require.NoError(t, unix.Lstat(filepath.Join(copied, "usr/lib/a/twin"), &st))
	require.EqualValues(t, 1, st.Nlink)

	archive := ostreetest.Repo(t, ostree.ModeArchive)
	c = ostreetest.Commit(t, archive, "", ostreetest.Plain())
	err := archive.Checkout(t.Context(), c, filepath.Join(t.TempDir(), "dst"), ostree.CheckoutOptions{RequireHardlinks: true})
	require.ErrorContains(t, err, "mode archive-z2: objects are not files that could be hard-linked")
}

func TestCheckoutUnion(t *testing.T) {
	t.Parallel()
	existing := ostreetest.Tree{
		"usr/bin/hello": ostreetest.File("local\n"),
		"usr/bin/local": ostreetest.File("local\n"),
	}
	for name, test := range map[string]struct {
		union   ostree.UnionMode
		hello   string
		refused bool
	}{
		"none":      {ostree.UnionNone, "local\n", true},
		"files":     {ostree.UnionFiles, "#!/bin/sh\necho hello\n", false},
		"add":       {ostree.UnionAdd, "local\n", false},
		"identical": {ostree.UnionIdentical, "local\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, ostree.ModeBareUser)
			c := ostreetest.Commit(t, r, "", ostreetest.Plain())
			dst := t.TempDir()
			ostreetest.Write(t, dst, existing)
			err := r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: test.union})
			if test.refused {
				require.ErrorIs(t, err, fs.ErrExist)
			} else {
				require.NoError(t, err)
				require.FileExists(t, filepath.Join(dst, "usr/lib/a/twin"))
				// Again, over what is now the same.
				require.NoError(t, r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: test.union}))
			}
			data, err := os.ReadFile(filepath.Join(dst, "usr/bin/hello"))
			require.NoError(t, err)
			require.Equal(t, test.hello, string(data))
			require.FileExists(t, filepath.Join(dst, "usr/bin/local"))
			names, err := os.ReadDir(filepath.Join(dst, "usr/bin"))
			require.NoError(t, err)
			require.LessOrEqual(t, len(names), 3) // no temporary file is left
		})
	}
}

func TestCheckoutUnionIdenticalAcceptsTheSame(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	dst := t.TempDir()
	ostreetest.Write(t, dst, ostreetest.Plain())
	require.NoError(t, r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionIdentical}))
	require.NoError(t, os.WriteFile(filepath.Join(dst, "usr/lib/a/twin"), []byte("twim\n"), 0o644))
	err := r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionIdentical})
	require.ErrorIs(t, err, fs.ErrExist)
	require.ErrorContains(t, err, "usr: lib: a: twin")
}

func TestCheckoutWhiteouts(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{
		"usr/.wh.gone":       ostreetest.File(""),
		"usr/new":            ostreetest.File("new"),
		"etc/.wh..wh..opq":   ostreetest.File(""),
		"etc/only":           ostreetest.File("only"),
		"plain/.wh..wh..opq": ostreetest.File(""),
	})
	dst := t.TempDir()
	ostreetest.Write(t, dst, ostreetest.Tree{
		"usr/gone/deep": ostreetest.File(""),
		"usr/kept":      ostreetest.File(""),
		"etc/hidden/x":  ostreetest.File(""),
	})
	require.NoError(t, r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionFiles, Whiteouts: true}))
	for path, want := range map[string]bool{
		"usr/gone": false, "usr/kept": true, "usr/new": true, "usr/.wh.gone": false,
		"etc/hidden": false, "etc/only": true, "etc/.wh..wh..opq": false, "plain/.wh..wh..opq": false,
	} {
		_, err := os.Lstat(filepath.Join(dst, path))
		require.Equal(t, want, err == nil, path)
	}
}

// As in an overlay a directory hides what the layer below has in its place, also
// a symbolic link, through which nothing may be written.
func TestCheckoutLayerReplacesLinkByDirectory(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{"link/new": ostreetest.File("new"), "file/new": ostreetest.File("new"), "dir/new": ostreetest.File("new")})
	dst, outside := t.TempDir(), t.TempDir()
	ostreetest.Write(t, dst, ostreetest.Tree{"link": ostreetest.Link(outside), "file": ostreetest.File(""), "dir/old": ostreetest.File("")})
	o := ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionFiles}
	require.Error(t, r.Checkout(t.Context(), c, dst, o), "layers must be asked for")
	o.Whiteouts = true
	require.NoError(t, r.Checkout(t.Context(), c, dst, o))
	for _, path := range []string{"link/new", "file/new", "dir/new", "dir/old"} {
		require.FileExists(t, filepath.Join(dst, path))
	}
	require.NoFileExists(t, filepath.Join(outside, "new"))
}

func TestCheckoutWhiteoutNamesAreChecked(t *testing.T) {
	t.Parallel()
	for _, name := range []string{".wh...", ".wh.", ".wh..", ".ostree-wh...", ".ostree-wh."} {
		r := ostreetest.Repo(t, ostree.ModeBareUser)
		c := ostreetest.Commit(t, r, "", ostreetest.Tree{"a/" + name: ostreetest.File("")})
		dir := t.TempDir()
		err := r.Checkout(t.Context(), c, filepath.Join(dir, "dst"), ostree.CheckoutOptions{
			UserMode: true, Whiteouts: true, PassthroughWhiteouts: true,
		})
		require.ErrorContains(t, err, "is not a whiteout of a name", name)
		require.DirExists(t, dir)
	}
}

func TestCheckoutPassthroughWhiteouts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	r := ostreetest.Repo(t, ostree.ModeBare)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{
		"a/.ostree-wh.gone": ostreetest.File("").Perm(0o600).Owner(1, 2),
		"a/.ostree-wh.open": ostreetest.File("").Perm(0o777), // more than a usual umask permits
	})
	dst := filepath.Join(t.TempDir(), "dst")
	require.NoError(t, r.Checkout(t.Context(), c, dst, ostree.CheckoutOptions{PassthroughWhiteouts: true}))
	require.Equal(t, "d00755 0 0 /\nd00755 0 0 /a\nc00600 1 2 /a/gone\nc00777 0 0 /a/open\n", ostreetest.ListDir(t, dst))
}

func TestCheckoutDoesNotFollowLinksInTheDestination(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Tree{"a/f": ostreetest.File("new"), "l": ostreetest.File("new")})
	dst, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dst, "a")))
	opts := ostree.CheckoutOptions{UserMode: true, Union: ostree.UnionFiles}
	require.ErrorIs(t, r.Checkout(t.Context(), c, dst, opts), unix.ENOTDIR)
	require.NoFileExists(t, filepath.Join(outside, "f"))

	dst = t.TempDir()
	require.NoError(t, os.Symlink(filepath.Join(outside, "f"), filepath.Join(dst, "l")))
	require.NoError(t, r.Checkout(t.Context(), c, dst, opts))
	require.NoFileExists(t, filepath.Join(outside, "f"))
}

func TestCheckoutErrors(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "", ostreetest.Plain())
	opts := ostree.CheckoutOptions{UserMode: true}
	dst := filepath.Join(t.TempDir(), "dst")
	require.ErrorIs(t, r.Checkout(t.Context(), ostree.Checksum{1}, dst, opts), ostree.ErrObjectNotFound)
	require.ErrorIs(t, r.Checkout(t.Context(), c, filepath.Join(dst, "missing/x"), opts), fs.ErrNotExist)
	opts.Subpath = "/nope"
	require.ErrorIs(t, r.Checkout(t.Context(), c, dst, opts), fs.ErrNotExist)
	require.NoFileExists(t, dst)
}
