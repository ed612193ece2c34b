package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// lowerTree has what the overlay tests remove, hide and move.
func lowerTree() ostreetest.Tree {
	return ostreetest.Tree{
		"a/b/one":   ostreetest.File("one"),
		"a/b/two":   ostreetest.File("two"),
		"a/c/three": ostreetest.File("three"),
		"d/four":    ostreetest.File("four"),
		"file":      ostreetest.File("file"),
	}
}

// applyUpper applies an upper directory, made by hand, to lowerTree.
func applyUpper(t *testing.T, prepare func(upper string), opts ostree.AddOptions) (string, error) {
	t.Helper()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	upper := t.TempDir()
	require.NoError(t, os.Chmod(upper, 0o755))
	prepare(upper)
	var id ostree.TreeID
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		tree, err := ostreetest.Build(t.Context(), w, lowerTree())
		require.NoError(t, err)
		if err := w.ApplyOverlay(t.Context(), tree, upper, opts); err != nil {
			return err
		}
		id, err = w.WriteTree(t.Context(), tree)
		return err
	})
	if err != nil {
		return "", err
	}
	return ostreetest.ListTree(t, r, id), nil
}

func upperDir(t *testing.T, path string, xattrs ...string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(path, 0o755))
	for i := 0; i < len(xattrs); i += 2 {
		require.NoError(t, unix.Setxattr(path, xattrs[i], []byte(xattrs[i+1]), 0))
	}
}

func TestApplyOverlayMarks(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	got, err := applyUpper(t, func(upper string) {
		upperDir(t, filepath.Join(upper, "a/b"), "user.overlay.opaque", "y", "user.overlay.origin", "x", "user.kept", "1")
		upperDir(t, filepath.Join(upper, "moved"), "user.overlay.redirect", "/a/b")
		upperDir(t, filepath.Join(upper, "moved/sub"), "user.overlay.redirect", "/a/c")
		upperDir(t, filepath.Join(upper, "e"), "user.overlay.redirect", "d")
		upperDir(t, filepath.Join(upper, "x"), "user.overlay.opaque", "x")
		require.NoError(t, os.WriteFile(filepath.Join(upper, "a/b/new"), []byte("new"), 0o644))
		require.NoError(t, os.WriteFile(filepath.Join(upper, "e/new"), nil, 0o644))
		whiteout := filepath.Join(upper, "file")
		require.NoError(t, os.WriteFile(whiteout, nil, 0o644))
		require.NoError(t, unix.Setxattr(whiteout, "user.overlay.whiteout", nil, 0))
	}, ostree.AddOptions{UID: new(uint32), GID: new(uint32)})
	require.NoError(t, err)
	require.Equal(t, `d00755 0 0 /
d00755 0 0 /a
d00755 0 0 /a/b {user.kept="1"}
-00644 0 0 3 /a/b/new
d00755 0 0 /a/c
-00644 0 0 5 /a/c/three
d00755 0 0 /d
-00644 0 0 4 /d/four
d00755 0 0 /e
-00644 0 0 4 /e/four
-00644 0 0 0 /e/new
d00755 0 0 /moved
-00644 0 0 3 /moved/one
d00755 0 0 /moved/sub
-00644 0 0 5 /moved/sub/three
-00644 0 0 3 /moved/two
d00755 0 0 /x
`, got)
}

func TestApplyOverlayRefuses(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	for name, test := range map[string]struct {
		prepare func(upper string)
		want    string
	}{
		"metacopy": {func(upper string) {
			path := filepath.Join(upper, "file")
			require.NoError(t, os.WriteFile(path, nil, 0o644))
			require.NoError(t, unix.Setxattr(path, "user.overlay.metacopy", nil, 0))
		}, "/file: has metadata but no data (the overlay was mounted with metacopy=on; mount it with metacopy=off)"},
		"redirect upwards": {func(upper string) {
			upperDir(t, filepath.Join(upper, "x"), "user.overlay.redirect", "..")
		}, `/x: the overlay redirect ".." is neither a name nor an absolute path`},
		"redirect through the root": {func(upper string) {
			upperDir(t, filepath.Join(upper, "x"), "user.overlay.redirect", "/a/../../etc")
		}, `/x: the overlay redirect "/a/../../etc" is neither a name nor an absolute path`},
		"redirect to a path": {func(upper string) {
			upperDir(t, filepath.Join(upper, "x"), "user.overlay.redirect", "a/b")
		}, `/x: the overlay redirect "a/b" is neither a name nor an absolute path`},
		"pipe": {func(upper string) {
			require.NoError(t, unix.Mkfifo(filepath.Join(upper, "p"), 0o644))
		}, "/p is a named pipe; a commit holds only regular files, symbolic links and directories"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := applyUpper(t, test.prepare, ostree.AddOptions{})
			require.ErrorContains(t, err, test.want)
		})
	}
}

func TestApplyOverlayFilterSkips(t *testing.T) {
	t.Parallel()
	got, err := applyUpper(t, func(upper string) {
		upperDir(t, filepath.Join(upper, "a/b"))
		upperDir(t, filepath.Join(upper, "tmp/deep"))
		require.NoError(t, os.WriteFile(filepath.Join(upper, "a/b/one"), []byte("changed"), 0o600))
		require.NoError(t, os.WriteFile(filepath.Join(upper, "file"), []byte("longer"), 0o644))
	}, ostree.AddOptions{
		UID: new(uint32), GID: new(uint32),
		Filter: func(path string, fi *ostree.FileInfo) ostree.Action {
			if path == "/a/b/one" || path == "/tmp" {
				return ostree.Skip
			}
			if path == "/file" {
				fi.UID = 9
			}
			return ostree.Keep
		},
	})
	require.NoError(t, err)
	require.Contains(t, got, "-00644 0 0 3 /a/b/one\n")
	require.Contains(t, got, "-00644 9 0 6 /file\n")
	require.NotContains(t, got, "tmp")
}

func TestApplyOverlayUnchangedCopyUpIsTheSameTree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := newOverlay(t, lowerTree())
	file := filepath.Join(o.top, "a/b/one")
	require.NoError(t, unix.Chmod(file, 0o600))
	require.NoError(t, unix.Chmod(file, 0o644))
	require.FileExists(t, filepath.Join(o.upper, "a/b/one"))
	id, err := o.applied(ostree.AddOptions{})
	require.NoError(t, err)
	require.Equal(t, o.lower, id)
}

func TestApplyOverlayChainOfRenames(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := newOverlay(t, lowerTree())
	rename := func(from, to string) {
		t.Helper()
		require.NoError(t, os.Rename(filepath.Join(o.top, from), filepath.Join(o.top, to)))
		o.check()
	}
	rename("a/b", "b")
	rename("b", "d/b")
	rename("d", "e")
	rename("e/b/one", "a/one")
	rename("a", "e/b/a")
	o.remount()
	rename("e/b/a/c", "a")
	require.NoError(t, os.RemoveAll(filepath.Join(o.top, "e/b")))
	require.NoError(t, os.WriteFile(filepath.Join(o.top, "e/b"), []byte("now a file"), 0o644))
	o.check()
}

func TestCapabilityOfAUserNamespaceBecomesPlain(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Overlay)
	o := newOverlay(t, lowerTree())
	path := filepath.Join(o.upper, "ping")
	require.NoError(t, os.WriteFile(path, nil, 0o755))
	rooted := "\x01\x00\x00\x03" + capability[4:] + "\xa0\x86\x01\x00" // root of the namespace: uid 100000
	require.NoError(t, unix.Setxattr(path, "security.capability", []byte(rooted), 0))
	id, err := o.applied(ostree.AddOptions{})
	require.NoError(t, err)
	view, err := o.repo.FSTree(t.Context(), id)
	require.NoError(t, err)
	info, err := view.Stat("ping")
	require.NoError(t, err)
	require.Equal(t, []ostree.Xattr{{Name: "security.capability", Value: []byte(capability)}}, info.Sys().(*ostree.FileInfo).Xattrs)
}
