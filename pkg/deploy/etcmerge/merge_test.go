package etcmerge_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
)

// mergeCase is one rule of the merge; conflict is a part of the error, want the tree otherwise.
type mergeCase struct {
	old, local, next string
	want, conflict   string
}

var mergeCases = map[string]mergeCase{
	"new defaults are taken": {
		old: "f 644 a 1", local: "f 644 a 1", next: "f 644 a 2\nf 644 b 1",
		want: "f 644 a 2\nf 644 b 1",
	},
	"a changed file wins": {
		old: "f 644 a 1", local: "f 644 a mine", next: "f 644 a 2",
		want: "f 644 a mine",
	},
	"a changed mode alone keeps the whole file": {
		old: "f 644 a 1", local: "f 600 a 1", next: "f 644 a 2",
		want: "f 600 a 1",
	},
	"a removed file stays removed": {
		old: "f 644 a 1\nf 644 b 1", local: "f 644 b 1", next: "f 644 a 2\nf 644 b 1",
		want: "f 644 b 1",
	},
	"a removed file that the defaults dropped as well": {
		old: "f 644 d/a 1\nf 644 b 1", local: "d 755 d\nf 644 b 1", next: "f 644 b 1",
		want: "f 644 b 1",
	},
	"a removed directory takes new defaults below it along": {
		old: "f 644 d/a 1", local: "", next: "f 644 d/a 1\nf 644 d/new 1",
		want: "",
	},
	"an added file is kept": {
		old: "f 644 a 1", local: "f 644 a 1\nf 640 mine x", next: "f 644 a 1",
		want: "f 644 a 1\nf 640 mine x",
	},
	"an added file wins over a new default": {
		old: "f 644 a 1", local: "f 644 a 1\nf 644 b mine", next: "f 644 a 1\nf 644 b theirs",
		want: "f 644 a 1\nf 644 b mine",
	},
	"an added tree is copied with its modes": {
		old: "", local: "d 700 x\nd 750 x/y\nf 600 x/y/z 1\nl x/link y/z", next: "f 644 a 1",
		want: "f 644 a 1\nd 700 x\nl x/link y/z\nd 750 x/y\nf 600 x/y/z 1",
	},
	"missing parents get the local mode": {
		old: "d 711 d\nd 701 d/e\nf 644 d/e/a 1", local: "d 711 d\nd 701 d/e\nf 644 d/e/a mine", next: "f 644 b 1",
		want: "f 644 b 1\nd 711 d\nd 701 d/e\nf 644 d/e/a mine",
	},
	"a changed file gives its directory the local mode": {
		old: "d 755 d\nf 644 d/a 1", local: "d 700 d\nf 644 d/a mine", next: "d 755 d\nf 644 d/a 1",
		want: "d 700 d\nf 644 d/a mine",
	},
	"the mode of a directory alone is not carried": {
		old: "d 755 d\nf 644 d/a 1", local: "d 700 d\nf 644 d/a 1", next: "d 755 d\nf 644 d/a 2",
		want: "d 755 d\nf 644 d/a 2",
	},
	"a directory replaces a new default file": {
		old: "f 644 a 1", local: "f 644 a/b mine", next: "f 644 a 2",
		want: "d 755 a\nf 644 a/b mine",
	},
	"an added directory meets a default directory": {
		old: "", local: "d 700 d\nf 644 d/mine 1", next: "d 755 d\nf 644 d/theirs 1",
		want: "d 700 d\nf 644 d/mine 1\nf 644 d/theirs 1",
	},
	"a link replaces a file and a file a link": {
		old: "f 644 a 1\nl b x", local: "l a elsewhere\nf 644 b mine", next: "f 644 a 2\nl b y",
		want: "l a elsewhere\nf 644 b mine",
	},
	"a changed link": {
		old: "l a x", local: "l a mine", next: "l a y", want: "l a mine",
	},
	"fifos are left behind": {
		old: "f 644 b 1", local: "p fifo\np dir\nf 644 b 1", next: "f 644 b 1", want: "f 644 b 1",
	},
	"a file cannot replace a directory": {
		old: "f 644 a 1", local: "f 644 a mine", next: "f 644 a/b 1",
		conflict: "/etc/a cannot be carried over: the new default is a directory",
	},
	"a changed file below what became a file": {
		old: "f 644 d/a 1", local: "f 644 d/a mine", next: "f 644 d 1",
		conflict: "/etc/d cannot be carried over: it is a directory, but the new default is none",
	},
	"a link out of the tree is not followed": {
		old: "f 644 d/a 1", local: "f 644 d/a mine", next: "l d /tmp",
		conflict: "/etc/d cannot be carried over: the new default leads out of /etc",
	},
	"a link inside the tree is followed": {
		old: "f 644 d/a 1", local: "f 644 d/a mine", next: "f 644 e/a 2\nl d e",
		want: "l d e\nd 755 e\nf 644 e/a mine",
	},
}

func TestMerge(t *testing.T) {
	t.Parallel()
	for name, c := range mergeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			trees := etcmerge.Trees{
				Old:   build(t, filepath.Join(dir, "old"), c.old),
				Local: build(t, filepath.Join(dir, "local"), c.local),
				New:   build(t, filepath.Join(dir, "new"), c.next),
			}
			before := list(t, trees.Local, false)
			report, err := etcmerge.Merge(t.Context(), trees)
			require.Equal(t, before, list(t, trees.Local, false), "the local tree is only read")
			if c.conflict != "" {
				var conflict *etcmerge.ConflictError
				require.ErrorAs(t, err, &conflict)
				require.ErrorContains(t, err, c.conflict)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, list(t, trees.New, false))
			require.Equal(t, report.Count(etcmerge.Added) > 0, strings.Contains(name, "add") || len(report.Skipped) > 0)
		})
	}
}

// What a preview calls blocking is exactly what makes a merge fail.
func TestPreviewAgreesWithMerge(t *testing.T) {
	t.Parallel()
	for name, c := range mergeCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if strings.Contains(name, "link out of") {
				return // Whether a link leads out is only known on disk.
			}
			dir := t.TempDir()
			old, local, next := build(t, filepath.Join(dir, "old"), c.old), build(t, filepath.Join(dir, "local"), c.local), build(t, filepath.Join(dir, "new"), c.next)
			out, err := etcmerge.Preview(t.Context(), os.DirFS(old), os.DirFS(local), os.DirFS(next), nil)
			require.NoError(t, err)
			require.Equal(t, c.conflict != "", len(out.Blocking()) > 0, "%+v", out)
		})
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := build(t, filepath.Join(dir, "old"), "f 644 both 1\nf 644 same 1\nf 644 mine 1\nf 644 theirs 1\nf 644 gone 1\nf 644 gonehere/x 1\nf 644 d/x 1\nf 644 t 1")
	local := build(t, filepath.Join(dir, "local"), "f 644 both 2\nf 644 same 9\nf 644 mine 2\nf 644 theirs 1\nf 644 d/x 2\nf 644 add 1\nf 644 t 2")
	next := build(t, filepath.Join(dir, "new"), "f 644 both 3\nf 644 same 9\nf 644 mine 1\nf 644 theirs 2\nf 644 gone 2\nf 644 gonehere/x 1\nf 644 gonehere/y 1\nf 644 new 1\nf 644 t/u 1")
	out, err := etcmerge.Preview(t.Context(), os.DirFS(old), os.DirFS(local), os.DirFS(next), nil)
	require.NoError(t, err)
	require.Equal(t, &etcmerge.Outcome{
		Conflicts: []etcmerge.Conflict{
			{Path: "both", Local: etcmerge.Modified, Default: etcmerge.Modified},
			{Path: "d/x", Local: etcmerge.Modified, Default: etcmerge.Removed},
			{Path: "t", Local: etcmerge.Modified, Default: etcmerge.Modified, Blocking: "the new default is a directory"},
		},
		Kept:    []etcmerge.Change{{Path: "add", Kind: etcmerge.Added}, {Path: "mine", Kind: etcmerge.Modified}},
		Removed: []string{"gone", "gonehere"},
		Taken: []etcmerge.Change{
			{Path: "d", Kind: etcmerge.Removed}, {Path: "new", Kind: etcmerge.Added}, {Path: "theirs", Kind: etcmerge.Modified},
		},
	}, out)
}

func TestDiff(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := build(t, filepath.Join(dir, "a"), "f 644 m 1\nf 644 r/x 1\nd 755 d\nl l x\nf 644 big "+strings.Repeat("x", 40000))
	b := build(t, filepath.Join(dir, "b"), "f 644 m 2\nd 700 d\nf 644 n/y/z 1\nl l y\nf 644 big "+strings.Repeat("x", 39999)+"y")
	changes, err := etcmerge.Diff(t.Context(), os.DirFS(a), os.DirFS(b), nil)
	require.NoError(t, err)
	var got []string
	for _, c := range changes {
		got = append(got, c.Kind.Letter()+" "+c.Path)
	}
	require.Equal(t, []string{"M big", "M d", "M l", "M m", "A n", "A n/y", "A n/y/z", "D r"}, got)
}

func TestMergeKeepsTimesAndAttributes(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.UserXattrs)
	dir := t.TempDir()
	trees := etcmerge.Trees{
		Old:   build(t, filepath.Join(dir, "old"), "f 644 d/a 1"),
		Local: build(t, filepath.Join(dir, "local"), "d 750 d\nf 640 d/a mine\nl d/l x"),
		New:   build(t, filepath.Join(dir, "new"), "f 644 d/a 2"),
	}
	file, link := filepath.Join(trees.Local, "d/a"), filepath.Join(trees.Local, "d/l")
	stamp := time.Unix(1_000_000_000, 0)
	require.NoError(t, os.Lchown(file, 1234, 4321))
	require.NoError(t, os.Lchown(link, 1234, 4321))
	require.NoError(t, os.Chmod(file, os.ModeSetuid|0o755))
	require.NoError(t, os.Lchown(filepath.Join(trees.Local, "d"), 7, 8))
	require.NoError(t, unix.Setxattr(file, "user.mine", []byte("1"), 0))
	require.NoError(t, unix.Lsetxattr(link, "trusted.mine", []byte("2"), 0))
	require.NoError(t, unix.Setxattr(filepath.Join(trees.Local, "d"), "user.dir", []byte("3"), 0))
	require.NoError(t, os.Chtimes(file, stamp, stamp))

	_, err := etcmerge.Merge(t.Context(), trees)
	require.NoError(t, err)
	require.Equal(t, list(t, trees.Local, true), list(t, trees.New, true))
	info, err := os.Stat(filepath.Join(trees.New, "d/a"))
	require.NoError(t, err)
	require.True(t, info.ModTime().Equal(stamp))
	require.NotZero(t, info.Mode()&os.ModeSetuid)
	for name, attr := range map[string]string{"d/a": "user.mine", "d/l": "trusted.mine", "d": "user.dir"} {
		value := make([]byte, 8)
		n, err := unix.Lgetxattr(filepath.Join(trees.New, name), attr, value)
		require.NoError(t, err, name)
		require.Equal(t, 1, n)
	}
}

// Changed attributes alone are no change, because SELinux labels always differ.
func TestAttributesAloneAreIgnored(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs)
	dir := t.TempDir()
	a, b := build(t, filepath.Join(dir, "a"), "f 644 a 1"), build(t, filepath.Join(dir, "b"), "f 644 a 1")
	require.NoError(t, unix.Setxattr(filepath.Join(b, "a"), "user.x", []byte("1"), 0))
	changes, err := etcmerge.Diff(t.Context(), os.DirFS(a), os.DirFS(b), nil)
	require.NoError(t, err)
	require.Empty(t, changes)
}

func TestMergeStopsWhenCancelled(t *testing.T) {
	t.Parallel()
	dir := build(t, t.TempDir(), "d 755 old\nf 644 local/a 1\nd 755 new")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := etcmerge.Merge(ctx, etcmerge.Trees{Old: dir + "/old", Local: dir + "/local", New: dir + "/new"})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, list(t, dir+"/new", false))
}

func TestMergeNamesAMissingTree(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := etcmerge.Merge(t.Context(), etcmerge.Trees{Old: dir, Local: dir + "/nope", New: dir})
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "nope")
}
