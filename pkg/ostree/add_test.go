package ostree_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestAddDirectoryGivesTheCommitOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeBareUser, ostree.ModeArchive, ostree.ModeBareUserOnly} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tree := ostreetest.Full()
			if mode == ostree.ModeBareUserOnly {
				tree = ostreetest.Plain()
			}
			ostreetest.Write(t, dir, tree)
			theirs := ostreetest.CLI(t, ostreetest.Repo(t, mode), "commit", "--branch=main", "--subject=subj",
				"--timestamp=@1700000000", "--tree=dir="+dir)

			r := ostreetest.Repo(t, mode)
			ours := commitDir(t, r, dir)
			require.Equal(t, theirs, ours.String())
			require.Contains(t, ostreetest.CLI(t, r, "fsck"), "no errors found")
		})
	}
}

// commitDir commits a directory as ostree commit --branch=main does.
func commitDir(t *testing.T, r *ostree.Repo, dir string) ostree.Checksum {
	t.Helper()
	var c ostree.Checksum
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		id, err := addTree(t.Context(), w, dir, ostree.AddOptions{})
		if err != nil {
			return err
		}
		c, err = w.WriteCommit(t.Context(), ostree.Commit{
			Metadata:  ostree.Metadata{{Key: ostree.MetadataRefBinding, Value: gvariant.Strings([]string{"main"})}},
			Subject:   "subj",
			Timestamp: ostreetest.Timestamp(),
			Tree:      id,
		})
		if err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: "main"}, c)
	}))
	return c
}

func TestAddDirectoryOptions(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	path := filepath.Join(dir, "f")
	require.NoError(t, os.WriteFile(path, []byte("x"), 0o600))
	require.NoError(t, unix.Chmod(path, 0o4777))
	require.NoError(t, unix.Setxattr(path, "user.x", []byte("1"), 0))
	require.NoError(t, unix.Setxattr(path, "user.ostreemeta", []byte("1"), 0))
	require.NoError(t, unix.Setxattr(path, "user.empty", nil, 0))
	uid, gid := new(uint32(5)), new(uint32(6))
	for want, opts := range map[string]ostree.AddOptions{
		`-04777 5 6 1 /f {user.x="1"}`: {UID: uid, GID: gid},
		`-04777 5 6 1 /f`:              {UID: uid, GID: gid, NoXattrs: true},
		`-00755 0 0 1 /f`:              {CanonicalPermissions: true},
		`-00400 5 6 1 /f {user.x="1"}`: {UID: uid, GID: gid, Filter: func(p string, fi *ostree.FileInfo) ostree.Action {
			if p == "/f" {
				fi.Mode = unix.S_IFREG | 0o400
			}
			return ostree.Keep
		}},
		"": {Filter: func(p string, _ *ostree.FileInfo) ostree.Action {
			if p == "/f" {
				return ostree.Skip
			}
			return ostree.Keep
		}},
	} {
		r := ostreetest.Repo(t, ostree.ModeBareUser)
		list := ostreetest.ListTree(t, r, addedTreeWith(t, r, dir, opts))
		_, file, _ := strings.Cut(list, "\n")
		require.Equal(t, want, strings.TrimSuffix(file, "\n"))
	}
}

func TestAddDirectoryMerges(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Tree{
		"lib/new":         ostreetest.File("new"),
		"lib/old":         ostreetest.File("replaced"),
		"lib/was-dir":     ostreetest.File("file"),
		"lib/was-file/in": ostreetest.File("in"),
	})
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.CommitTree(t, r, "", func(ctx context.Context, w *ostree.Writer) (*ostree.Tree, error) {
		tree, err := ostreetest.Build(ctx, w, ostreetest.Tree{
			"usr/lib/kept":       ostreetest.File("kept"),
			"usr/lib/old":        ostreetest.File("old"),
			"usr/lib/was-dir/in": ostreetest.File("in"),
			"usr/lib/was-file":   ostreetest.File("file"),
		})
		if err != nil {
			return nil, err
		}
		return tree, w.AddDirectory(ctx, tree, "/usr", dir, ostree.AddOptions{UID: new(uint32), GID: new(uint32)})
	})
	require.Equal(t, `d00755 0 0 /
d00755 0 0 /usr
d00755 0 0 /usr/lib
-00644 0 0 4 /usr/lib/kept
-00644 0 0 3 /usr/lib/new
-00644 0 0 8 /usr/lib/old
-00644 0 0 4 /usr/lib/was-dir
d00755 0 0 /usr/lib/was-file
-00644 0 0 2 /usr/lib/was-file/in
`, ostreetest.List(t, r, c))
}

func TestAddDirectoryReadsHardLinksOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a"), []byte("x"), 0o644))
	for _, name := range []string{"b", "c", "d"} {
		require.NoError(t, os.Link(filepath.Join(dir, "a"), filepath.Join(dir, name)))
	}
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		id, err := addTree(t.Context(), w, dir, ostree.AddOptions{})
		require.NoError(t, err)
		require.Equal(t, 1, w.Stats().ContentTotal)
		tree, err := w.LoadDirTree(t.Context(), id.Contents)
		require.NoError(t, err)
		require.Len(t, tree.Files, 4)
		require.Equal(t, tree.Files[0].Checksum, tree.Files[3].Checksum)
		return nil
	}))
}

func TestAddDirectoryRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		prepare func(dir string) error
		want    string
	}{
		"pipe":      {func(dir string) error { return unix.Mkfifo(filepath.Join(dir, "p"), 0o644) }, "/p is a named pipe"},
		"name":      {func(dir string) error { return os.WriteFile(filepath.Join(dir, "a\xff"), nil, 0o644) }, `file name "a\xff" is not valid UTF-8`},
		"target":    {func(dir string) error { return os.Symlink("a\xff", filepath.Join(dir, "l")) }, `the target "a\xff" of the symbolic link is not UTF-8`},
		"directory": {func(dir string) error { return os.Remove(dir) }, "no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			require.NoError(t, test.prepare(dir))
			r := ostreetest.Repo(t, ostree.ModeBareUser)
			err := r.Update(t.Context(), func(w *ostree.Writer) error {
				_, err := addTree(t.Context(), w, dir, ostree.AddOptions{})
				return err
			})
			require.ErrorContains(t, err, test.want)
			require.ErrorContains(t, err, "add directory "+dir)
		})
	}
}

func TestAddDirectorySkipSpecial(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "p"), 0o644))
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	id := addedTreeWith(t, r, dir, ostree.AddOptions{SkipSpecial: true, CanonicalPermissions: true})
	require.Equal(t, "d00755 0 0 /\n", ostreetest.ListTree(t, r, id))
}

func TestAddDirectoryStopsWhenCanceled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Plain())
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		ctx, cancel := context.WithCancel(t.Context())
		_, err := addTree(ctx, w, dir, ostree.AddOptions{Filter: func(string, *ostree.FileInfo) ostree.Action {
			cancel()
			return ostree.Keep
		}})
		return err
	})
	require.ErrorIs(t, err, context.Canceled)
}

func TestAddDirectoryWithoutXattrsByConfiguration(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, unix.Setxattr(dir, "user.x", []byte("1"), 0))
	path := ostreetest.Repo(t, ostree.ModeArchive).Path()
	require.NoError(t, os.WriteFile(filepath.Join(path, "config"), []byte("[core]\nrepo_version=1\nmode=archive-z2\ndisable-xattrs=true\n"), 0o644))
	r := ostreetest.Open(t, path)
	id := addedTreeWith(t, r, dir, ostree.AddOptions{CanonicalPermissions: true})
	require.Equal(t, "d00755 0 0 /\n", ostreetest.ListTree(t, r, id))
}

func TestCanonicalPermissionsAreThoseOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Full())
	theirs, ours := ostreetest.Repo(t, ostree.ModeBare), ostreetest.Repo(t, ostree.ModeBare)
	require.Equal(t, commitDir(t, theirs, dir), commitDir(t, ours, dir))
	opts := ostree.AddOptions{CanonicalPermissions: true}
	for tree, add := range map[string]func(*ostree.Writer, *ostree.Tree) error{
		"dir=" + dir: func(w *ostree.Writer, tree *ostree.Tree) error {
			return w.AddDirectory(t.Context(), tree, "/", dir, opts)
		},
		"ref=main": func(w *ostree.Writer, tree *ostree.Tree) error {
			commit, err := ours.LoadCommit(t.Context(), resolve(t, ours, "main"))
			require.NoError(t, err)
			from, err := ours.LoadTree(t.Context(), commit.Tree)
			require.NoError(t, err)
			return w.AddTree(t.Context(), tree, "/", from, opts)
		},
	} {
		c, err := ostree.ParseChecksum(ostreetest.CLI(t, theirs, "commit", "--orphan", "--canonical-permissions", "--tree="+tree))
		require.NoError(t, err)
		commit, err := theirs.LoadCommit(t.Context(), c)
		require.NoError(t, err)
		update(t, ours, func(w *ostree.Writer) error {
			made := ostree.NewTree(dirMode)
			require.NoError(t, add(w, made))
			id, err := w.WriteTree(t.Context(), made)
			require.Equal(t, commit.Tree, id, tree)
			return err
		})
	}
}

// A tree outlives the update that was to store its files.
func TestWriteTreeMissesFilesOfAnUpdateThatFailed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ostreetest.Write(t, dir, ostreetest.Tree{"sub/file": ostreetest.File("content")})
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	tree := ostree.NewTree(ostree.DirMeta{Mode: unix.S_IFDIR | 0o755})
	require.ErrorIs(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		require.NoError(t, w.AddDirectory(t.Context(), tree, "/", dir, ostree.AddOptions{}))
		return context.Canceled
	}), context.Canceled)
	require.ErrorIs(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteTree(t.Context(), tree)
		return err
	}), ostree.ErrObjectNotFound)
}

// Many equal files are staged at the same time: one wins, and the others are no error.
func TestAddDirectoryStoresEqualFilesOnce(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive, ostree.ModeBareUserOnly} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for i := range 200 {
				name := filepath.Join(dir, strconv.Itoa(i))
				require.NoError(t, os.WriteFile(name, []byte(strings.Repeat("x", i%2*200<<10)), 0o644))
				require.NoError(t, os.Symlink("target", name+".link"))
			}
			r := ostreetest.Repo(t, mode)
			require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
				_, err := addTree(t.Context(), w, dir, ostree.AddOptions{})
				require.Equal(t, 400, w.Stats().ContentTotal)
				require.Equal(t, 3, w.Stats().ContentWritten)
				return err
			}))
			requireNoLeftovers(t, r)
		})
	}
}
