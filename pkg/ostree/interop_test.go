package ostree_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// The ostree tool is the oracle here: what one side writes the other reads.

func tool(t *testing.T, r *ostree.Repo, verb string, args ...string) string {
	t.Helper()
	out, err := tryTool(t.Context(), r, verb, args...)
	require.NoError(t, err, "ostree %s %v: %s", verb, args, out)
	return out
}

func tryTool(ctx context.Context, r *ostree.Repo, verb string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "ostree", append([]string{verb, "--repo=" + r.Path()}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=1700000000")
	out, err := cmd.CombinedOutput()
	return strings.TrimSuffix(string(out), "\n"), err
}

var allModes = []ostree.Mode{ostree.ModeBare, ostree.ModeArchive, ostree.ModeBareUser, ostree.ModeBareUserOnly}

func needMode(t *testing.T, mode ostree.Mode) {
	t.Helper()
	testenv.Need(t, testenv.Tool("ostree"))
	if mode == ostree.ModeBare {
		testenv.Need(t, testenv.Root)
	}
}

// richFiles covers what a file object can hold. A bare-user-only repository
// keeps only the first two.
func richFiles() map[string]ostree.FileInfo {
	return map[string]ostree.FileInfo{
		"plain":   {Mode: 0o100644},
		"link":    {Mode: 0o120777, Target: "plain/ü"},
		"setuid":  {UID: 12, GID: 34, Mode: 0o106755},
		"secret":  {Mode: 0o100000},
		"xattrs":  {UID: 1, Mode: 0o100444, Xattrs: []ostree.Xattr{{Name: "user.b", Value: []byte("2")}, {Name: "user.a", Value: []byte{0, 255}}}},
		"capable": {Mode: 0o100755, Xattrs: []ostree.Xattr{{Name: "security.capability", Value: []byte{1, 0, 0, 2, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}}}},
		"owned":   {UID: 1000, GID: 1000, Mode: 0o120777, Target: "/a"},
		"trusted": {Mode: 0o120777, Target: "b", Xattrs: []ostree.Xattr{{Name: "trusted.t", Value: []byte("x")}}},
	}
}

// writeRich commits a tree with files of all kinds and sizes.
func writeRich(t *testing.T, r *ostree.Repo) (c ostree.Checksum) {
	t.Helper()
	update(t, r, func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		sticky := ostree.DirMeta{UID: 3, GID: 4, Mode: 0o041777, Xattrs: []ostree.Xattr{{Name: "user.d", Value: []byte("d")}}}
		require.NoError(t, tree.MkdirAll("deep/er", sticky))
		for name, fi := range richFiles() {
			if r.Mode() == ostree.ModeBareUserOnly && name != "plain" && name != "link" {
				continue
			}
			sum, err := w.WriteFile(t.Context(), fi, text(name))
			require.NoError(t, err)
			require.NoError(t, tree.SetFile("deep/"+name, sum))
		}
		for _, size := range []int{0, 1, 128<<10 - 1, 128 << 10, 128<<10 + 1, 1 << 20} {
			sum, err := w.WriteFile(t.Context(), ostree.FileInfo{Mode: 0o100755}, text(strings.Repeat("0123456", size/7+1)[:size]))
			require.NoError(t, err)
			require.NoError(t, tree.SetFile(fmt.Sprintf("deep/er/%d", size), sum))
		}
		commit := goldenCommitValue(t)
		commit.Metadata.Set("list", gvariant.Strings([]string{"a", "b"}))
		var err error
		commit.Tree, err = w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		c, err = w.WriteCommit(t.Context(), commit)
		require.NoError(t, err)
		return w.SetRef(ostree.Refspec{Ref: "main"}, c)
	})
	return c
}

func TestToolReadsWhatWeWrite(t *testing.T) {
	t.Parallel()
	for _, mode := range allModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			needMode(t, mode)
			r := newRepo(t, mode)
			c := writeRich(t, r)
			tool(t, r, "fsck", "--quiet")
			require.Equal(t, c.String(), tool(t, r, "rev-parse", "main"))
			require.Contains(t, tool(t, r, "show", "main"), "    subj\n")
			require.Equal(t, "['a', 'b']", tool(t, r, "show", "-B", "--print-metadata-key=list", "main"))
			list := tool(t, r, "ls", "-R", "-X", "main")
			require.Contains(t, list, "d01777 3 4      0 { [(b'user.d', [byte 0x64])] } /deep/er\n")
			require.Contains(t, list, "/deep/link -> plain/ü")
			require.Contains(t, list, "-00755 0 0 1048576 { @a(ayay) [] } /deep/er/1048576\n")
			if mode != ostree.ModeBareUserOnly {
				require.Contains(t, list, "-06755 12 34      6 { @a(ayay) [] } /deep/setuid\n")
				require.Contains(t, list, `[(b'user.a', [byte 0x00, 0xff]), (b'user.b', [0x32])] } /deep/xattrs`)
			}
		})
	}
}

// copyTree reads every object of a commit and writes it into another
// repository, which must give the same checksums.
func copyTree(t *testing.T, from, to *ostree.Repo, rev string) ostree.Checksum {
	t.Helper()
	ctx := t.Context()
	c, err := from.Resolve(ctx, rev)
	require.NoError(t, err)
	commit, err := from.LoadCommit(ctx, c)
	require.NoError(t, err)
	tree, err := from.LoadTree(ctx, commit.Tree)
	require.NoError(t, err)
	update(t, to, func(w *ostree.Writer) error {
		var copied *ostree.Tree
		require.NoError(t, tree.Walk("", func(name string, e ostree.Entry) error {
			if name == "." {
				copied = ostree.NewTree(e.Meta)
				return nil
			}
			if e.Dir {
				return copied.Mkdir(name, e.Meta)
			}
			fi, content, err := from.OpenFile(ctx, e.File)
			require.NoError(t, err)
			defer content.Close()
			sum, err := w.WriteFile(ctx, fi, content)
			require.NoError(t, err)
			require.Equal(t, e.File, sum, name)
			return copied.SetFile(name, sum)
		}))
		id, err := w.WriteTree(ctx, copied)
		require.NoError(t, err)
		require.Equal(t, commit.Tree, id)
		sum, err := w.WriteCommit(ctx, *commit)
		require.Equal(t, c, sum)
		return err
	})
	return c
}

func TestWeReadWhatTheToolWrites(t *testing.T) {
	t.Parallel()
	for _, mode := range allModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			needMode(t, mode)
			testenv.Need(t, testenv.Root) // to make files of others
			dir := t.TempDir()
			for name, fi := range richFiles() {
				makeFile(t, filepath.Join(dir, name), fi, strings.Repeat(name, 1000))
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, "big"), make([]byte, 1<<20), 0o600))
			r := newRepo(t, mode)
			tool(t, r, "commit", "-b", "a/b", "-s", "s", "--add-metadata=k=<uint32 7>", "--tree=dir="+dir)
			c := copyTree(t, r, newRepo(t, ostree.ModeArchive), "a/b")

			tool(t, r, "refs", "-A", "--create=alias", "a/b")
			got, err := r.Resolve(t.Context(), "alias")
			require.NoError(t, err)
			require.Equal(t, c, got)
			commit, err := r.LoadCommit(t.Context(), c)
			require.NoError(t, err)
			value, ok := commit.Metadata.Lookup("k")
			require.True(t, ok)
			require.Equal(t, tool(t, r, "show", "-B", "--print-metadata-key=k", "a/b"), value.Text())
		})
	}
}

func makeFile(t *testing.T, path string, fi ostree.FileInfo, content string) {
	t.Helper()
	if fi.IsSymlink() {
		require.NoError(t, os.Symlink(fi.Target, path))
	} else {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	require.NoError(t, os.Lchown(path, int(fi.UID), int(fi.GID)))
	if !fi.IsSymlink() {
		require.NoError(t, unix.Chmod(path, fi.Mode&0o7777))
	}
	for _, x := range fi.Xattrs {
		require.NoError(t, unix.Lsetxattr(path, x.Name, x.Value, 0))
	}
}

func TestBareInodes(t *testing.T) {
	t.Parallel()
	needMode(t, ostree.ModeBare)
	r := newRepo(t, ostree.ModeBare)
	writeRich(t, r)
	co := filepath.Join(t.TempDir(), "co")
	tool(t, r, "checkout", "-H", "main", co)
	for name, want := range richFiles() {
		var st unix.Stat_t
		require.NoError(t, unix.Lstat(filepath.Join(co, "deep", name), &st))
		require.Equal(t, []uint32{want.UID, want.GID, want.Mode}, []uint32{st.Uid, st.Gid, st.Mode}, name)
		require.Zero(t, st.Mtim.Sec, name)
	}
}

// goldenTexts are values whose text form the tool prints.
func TestTextFormatIsThatOfTheTool(t *testing.T) {
	t.Parallel()
	needMode(t, ostree.ModeArchive)
	r := newRepo(t, ostree.ModeArchive)
	values := []gvariant.Value{
		gvariant.String(`it's "q" \ ` + "\n\t\x01 é \u200b"), gvariant.String("plain 'n'"), gvariant.Double(0.1), gvariant.Double(1e100), gvariant.Double(3),
		gvariant.Bytes([]byte("x'\n\x01é\x00")), gvariant.Bytes(nil), gvariant.Bytes([]byte{0, 0}), gvariant.Int64(-5), gvariant.Uint16(9), gvariant.Byte(200),
		gvariant.Tuple(gvariant.Bool(true), gvariant.Uint32(1), gvariant.Strings(nil)), gvariant.Tuple(gvariant.Int16(3)),
		gvariant.Array("(us)", gvariant.Tuple(gvariant.Uint32(1), gvariant.String("a")), gvariant.Tuple(gvariant.Uint32(2), gvariant.String("b"))),
		gvariant.Dict(), gvariant.Dict(gvariant.Entry{Key: "k", Value: gvariant.Array("v", gvariant.Variant(gvariant.Uint64(1)))}),
		gvariant.Array("ay", gvariant.Bytes([]byte{1}), gvariant.Bytes([]byte("a\x00"))),
		gvariant.Array("as"), gvariant.Variant(gvariant.Variant(gvariant.Int32(-1))),
	}
	for i, v := range values {
		commit := goldenCommitValue(t)
		commit.Metadata.Set("x", v)
		c := writeGolden(t, r, commit)
		require.Equal(t, tool(t, r, "show", "-B", "--print-metadata-key=x", c.String()), v.Text(), "%d", i)
	}
}

func TestToolHonoursOurLocks(t *testing.T) {
	t.Parallel()
	needMode(t, ostree.ModeArchive)
	r := reopen(t, newRepo(t, ostree.ModeArchive), "lock-timeout-secs=0\n")
	commit := func() error {
		_, err := tryTool(t.Context(), r, "commit", "-b", "x", "--tree=dir="+t.TempDir())
		return err
	}
	unlock, err := r.Lock(t.Context(), ostree.Exclusive)
	require.NoError(t, err)
	require.Error(t, commit(), "the tool does not commit while we hold the repository")
	require.NoError(t, unlock())
	update(t, r, func(w *ostree.Writer) error {
		require.NoError(t, commit(), "both may write at the same time")
		_, err := tryTool(t.Context(), r, "prune")
		require.Error(t, err, "but not prune")
		_, err = w.WriteFile(t.Context(), plain, io.MultiReader(text("still here")))
		return err
	})
	tool(t, r, "fsck", "--quiet")
	requireOnlyCache(t, r)
}

func requireOnlyCache(t *testing.T, r *ostree.Repo) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.Path(), "tmp"))
	require.NoError(t, err)
	for _, e := range entries {
		require.Equal(t, "cache", e.Name())
	}
}
