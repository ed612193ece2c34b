package ostree_test

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// tarOf makes an archive of headers; Linkname is the content of regular files.
func tarOf(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		content := ""
		if h.Typeflag == tar.TypeReg {
			content, h.Linkname = h.Linkname, ""
		}
		h.Size = int64(len(content))
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		require.NoError(t, w.WriteHeader(&h))
		_, err := io.WriteString(w, content)
		require.NoError(t, err)
	}
	require.NoError(t, w.Close())
	return b.Bytes()
}

func file(name, content string) tar.Header {
	return tar.Header{Typeflag: tar.TypeReg, Name: name, Linkname: content}
}

func hardlink(name, target string) tar.Header {
	return tar.Header{Typeflag: tar.TypeLink, Name: name, Linkname: target}
}

func addArchive(ctx context.Context, r *ostree.Repo, data []byte, opts ostree.ArchiveOptions) (id ostree.TreeID, err error) {
	err = r.Update(ctx, func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		if err := w.AddArchive(ctx, tree, "/", bytes.NewReader(data), opts); err != nil {
			return err
		}
		var err error
		id, err = w.WriteTree(ctx, tree)
		return err
	})
	return id, err
}

func listArchive(t *testing.T, data []byte, opts ostree.ArchiveOptions) string {
	t.Helper()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	id, err := addArchive(t.Context(), r, data, opts)
	require.NoError(t, err)
	return ostreetest.ListTree(t, r, id)
}

func TestAddArchive(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("0123456789abcdef", 20000)
	data := tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "./", Mode: 0o700, Uid: 3},
		hardlink("chain1", "./chain2"), // before its target
		tar.Header{Typeflag: tar.TypeDir, Name: "./d", Mode: 0o755},
		file("/d/twice", "first"),
		file("big", big),
		hardlink("chain2", "big"),
		tar.Header{Typeflag: tar.TypeSymlink, Name: "d/link", Linkname: "../big", Mode: 0o777},
		hardlink("hardlink-of-symlink", "d/link"),
		tar.Header{
			Typeflag: tar.TypeReg, Name: "d/attrs", Mode: 0o4755, Uid: 1000, Gid: 100000, Linkname: "x",
			PAXRecords: map[string]string{"SCHILY.xattr.user.b": "bin\x00ary", "LIBARCHIVE.xattr.user.%61": "b25l", "SCHILY.xattr.user.empty": ""},
		},
		file("d//./twice", "second"),
		hardlink("replaced", "big"),
		file("replaced", "by a file"),
	)
	want := `d00700 3 0 /
-00644 0 0 320000 /big
-00644 0 0 320000 /chain1
-00644 0 0 320000 /chain2
d00755 0 0 /d
-04755 1000 100000 1 /d/attrs {user.a="one" user.b="bin\x00ary"}
l00777 0 0 /d/link -> ../big
-00644 0 0 6 /d/twice
l00777 0 0 /hardlink-of-symlink -> ../big
-00644 0 0 9 /replaced
`
	got := listArchive(t, data, ostree.ArchiveOptions{})
	require.Equal(t, want, got)

	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	_, err := w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Equal(t, got, listArchive(t, zipped.Bytes(), ostree.ArchiveOptions{}))
	require.Equal(t, "d00755 0 0 /\n", listArchive(t, nil, ostree.ArchiveOptions{}), "an empty stream")
	require.Equal(t, "d00755 0 0 /\n", listArchive(t, make([]byte, 10240), ostree.ArchiveOptions{}), "an empty archive")
}

func TestAddArchiveParents(t *testing.T) {
	t.Parallel()
	data := tarOf(t, file("a/b/c", "x"))
	_, err := addArchive(t.Context(), ostreetest.Repo(t, ostree.ModeArchive), data, ostree.ArchiveOptions{})
	var missing *ostree.MissingParentError
	require.ErrorAs(t, err, &missing)
	require.Equal(t, ostree.MissingParentError{Path: "/a/b/c", Parent: "/a/b"}, *missing)

	opts := ostree.ArchiveOptions{AutocreateParents: true, AddOptions: ostree.AddOptions{UID: new(uint32(5))}}
	require.Equal(t, "d00755 0 0 /\nd00755 5 0 /a\nd00755 5 0 /a/b\n-00644 5 0 1 /a/b/c\n", listArchive(t, data, opts))
}

func TestAddArchiveOptions(t *testing.T) {
	t.Parallel()
	skip := &ostree.SkipList{}
	skip.Add("/new/skipped")
	rename, err := ostree.ParseRename(`^old(/|$),new\1`)
	require.NoError(t, err)
	list := listArchive(t, tarOf(t,
		tar.Header{Typeflag: tar.TypeDir, Name: "old", Mode: 0o755},
		file("old/x", "x"),
		hardlink("old/y", "old/x"),
		tar.Header{Typeflag: tar.TypeDir, Name: "old/skipped", Mode: 0o755},
		file("old/skipped/x", "x"),
		tar.Header{Typeflag: tar.TypeFifo, Name: "old/fifo"},
	), ostree.ArchiveOptions{Rename: rename, AddOptions: ostree.AddOptions{SkipSpecial: true, SkipList: skip}})
	require.Equal(t, "d00755 0 0 /\nd00755 0 0 /new\n-00644 0 0 1 /new/x\n-00644 0 0 1 /new/y\n", list)
	require.Empty(t, skip.Unmatched())
}

func TestAddArchiveRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"up":             {tarOf(t, file("a/../../x", "x")), "names with .. are not allowed"},
		"link up":        {tarOf(t, hardlink("x", "../etc/passwd")), "names with .. are not allowed"},
		"below a file":   {tarOf(t, file("a", "x"), file("a/b", "x")), "not a directory"},
		"through a link": {tarOf(t, tar.Header{Typeflag: tar.TypeSymlink, Name: "a", Linkname: "/etc"}, file("a/b", "x")), "not a directory"},
		"device":         {tarOf(t, tar.Header{Typeflag: tar.TypeChar, Name: "null"}), "/null is a character device"},
		"lost link":      {tarOf(t, hardlink("x", "y")), "/x: the target /y of the hard link is not there"},
		"circle":         {tarOf(t, hardlink("x", "y"), hardlink("y", "x")), "leads back to itself"},
		"own circle":     {tarOf(t, hardlink("x", "x")), "leads back to itself"},
		"link to dir":    {tarOf(t, tar.Header{Typeflag: tar.TypeDir, Name: "d", Mode: 0o755}, hardlink("x", "d")), "is a directory"},
		"name":           {tarOf(t, file("\xff", "x")), "not valid UTF-8"},
		"short":          {tarOf(t, file("x", "hello"))[:514], "unexpected EOF"},
		"not an archive": {[]byte("hello"), "unrecognized archive format"},
		"bad gzip":       {[]byte("\x1f\x8bhello"), "decompress"},
	} {
		_, err := addArchive(t.Context(), ostreetest.Repo(t, ostree.ModeArchive), test.data, ostree.ArchiveOptions{})
		require.ErrorContains(t, err, test.want, name)
	}
}

func TestParseRename(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`usr/,`:                  "bin/$x",
		`^,foo/`:                 "foo/usr/bin/$x",
		`(u)(s)r,\2\1\\\0`:       `su\usr/bin/$x`,
		`(?P<n>u)sr,\g<n>\g<1>x`: "uux/bin/$x",
		`bin.*,$1,`:              "usr/$1,",
	} {
		rename, err := ostree.ParseRename(rule)
		require.NoError(t, err, rule)
		require.Equal(t, want, rename("usr/bin/$x"), rule)
	}
	for _, rule := range []string{"none", "(,x", `a,\q`, `a,\`, `a,\g<x`} {
		_, err := ostree.ParseRename(rule)
		var syntax *ostree.RenameSyntaxError
		require.ErrorAs(t, err, &syntax, rule)
	}
}

func TestAddArchiveGivesTheCommitOfOstree(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"), testenv.Tool("tar"), testenv.Tool("cpio"))
	dir := t.TempDir()
	require.NoError(t, os.Mkdir(filepath.Join(dir, "tree"), 0o755))
	ostreetest.Write(t, filepath.Join(dir, "tree"), ostreetest.Full())
	for _, name := range []string{"usr/lib/hard", "usr/bin/hard"} {
		require.NoError(t, os.Link(filepath.Join(dir, "tree/usr/lib/big"), filepath.Join(dir, "tree", name)))
	}
	for name, command := range map[string]string{
		"pax.tar":    "tar -C tree --xattrs --xattrs-include='*' --format=pax -cf $0 .",
		"gnu.tar.gz": "tar -C tree --format=gnu -czf $0 .",
		"v7.tar.xz":  "tar -C tree --format=ustar -cJf $0 .",
		"newc.cpio":  "cd tree && find . | cpio --quiet -o -H newc > ../$0",
		"odc.cpio":   "cd tree && find . | cpio --quiet -o -H odc > ../$0",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", command, name)
			cmd.Dir = dir
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			path := filepath.Join(dir, name)
			theirs := ostreetest.Repo(t, ostree.ModeArchive)
			c, err := ostree.ParseChecksum(ostreetest.CLI(t, theirs, "commit", "--orphan", "--tree=tar="+path))
			require.NoError(t, err)
			commit, err := theirs.LoadCommit(t.Context(), c)
			require.NoError(t, err)

			data, err := os.ReadFile(path)
			require.NoError(t, err)
			ours := ostreetest.Repo(t, ostree.ModeArchive)
			id, err := addArchive(t.Context(), ours, data, ostree.ArchiveOptions{})
			require.NoError(t, err)
			require.Equal(t, ostreetest.ListTree(t, theirs, commit.Tree), ostreetest.ListTree(t, ours, id))
			require.Equal(t, commit.Tree, id)
		})
	}
}

// newcOf makes an archive of names, modes, link counts and contents; entries with
// several links are one file.
func newcOf(fields ...any) string {
	var b strings.Builder
	entry := func(name string, mode, links int, content string) {
		fmt.Fprintf(&b, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x",
			links, mode, 1, 2, links, 0, len(content), 0, 0, 0, 0, len(name)+1, 0)
		b.WriteString(name + strings.Repeat("\x00", 4-(len(name)+2)&3))
		b.WriteString(content + strings.Repeat("\x00", -len(content)&3))
	}
	for i := 0; i < len(fields); i += 4 {
		entry(fields[i].(string), fields[i+1].(int), fields[i+2].(int), fields[i+3].(string))
	}
	entry("TRAILER!!!", 0, 1, "")
	return b.String()
}

func TestAddCPIO(t *testing.T) {
	t.Parallel()
	data := newcOf("d", 0o040755, 1, "", "d/a", 0o100644, 2, "", "b", 0o100644, 2, "content", "l", 0o120777, 1, "d/a", "e", 0o100600, 3, "")
	require.Equal(t, "d00755 0 0 /\n-00644 1 2 7 /b\nd00755 1 2 /d\n-00644 1 2 7 /d/a\n-00600 1 2 0 /e\nl00777 1 2 /l -> d/a\n",
		listArchive(t, []byte(data), ostree.ArchiveOptions{}))
	r := ostreetest.Repo(t, ostree.ModeArchive)
	for cut := 1; cut < len(data); cut += 7 {
		_, err := addArchive(t.Context(), r, []byte(data[:cut]), ostree.ArchiveOptions{})
		require.Error(t, err, "cut at %d", cut)
	}
}
