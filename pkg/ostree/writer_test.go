package ostree_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// writableModes are those that need no root.
var writableModes = []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser, ostree.ModeBareUserOnly}

func update(t testing.TB, r *ostree.Repo, fn func(w *ostree.Writer) error) {
	t.Helper()
	require.NoError(t, r.Update(t.Context(), fn))
}

func text(s string) io.Reader { return strings.NewReader(s) }

var (
	plain   = ostree.FileInfo{Mode: 0o100644}
	dirMode = ostree.DirMeta{Mode: 0o040755}
)

// writeGolden commits the tree whose checksums the ostree tool gave.
func writeGolden(t testing.TB, r *ostree.Repo, commit ostree.Commit) (c ostree.Checksum) {
	t.Helper()
	update(t, r, func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		require.NoError(t, tree.Mkdir("d", dirMode))
		for name, fi := range map[string]ostree.FileInfo{"a.txt": plain, "d/empty": plain, "l": {Mode: 0o120777, Target: "a.txt"}} {
			content := ""
			if name == "a.txt" {
				content = "hello\n"
			}
			sum, err := w.WriteFile(t.Context(), fi, text(content))
			require.NoError(t, err)
			require.NoError(t, tree.SetFile(name, sum))
		}
		var err error
		commit.Tree, err = w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		c, err = w.WriteCommit(t.Context(), commit)
		require.NoError(t, err)
		return w.SetRef(ostree.Refspec{Ref: "main"}, c)
	})
	return c
}

func TestGoldenCommitInEveryMode(t *testing.T) {
	t.Parallel()
	for _, mode := range writableModes {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			r := newRepo(t, mode)
			c := writeGolden(t, r, goldenCommitValue(t))
			require.Equal(t, goldenCommit, c.String())
			resolved, err := r.Resolve(t.Context(), "main")
			require.NoError(t, err)
			require.Equal(t, c, resolved)

			fi, content, err := r.OpenFile(t.Context(), sum(t, goldenHello))
			require.NoError(t, err)
			require.Equal(t, ostree.FileInfo{Mode: 0o100644, Size: 6}, fi)
			data, err := io.ReadAll(content)
			require.NoError(t, err)
			require.NoError(t, content.Close())
			require.Equal(t, "hello\n", string(data))

			fi, err = r.FileInfo(t.Context(), sum(t, goldenLink))
			require.NoError(t, err)
			require.Equal(t, ostree.FileInfo{Mode: 0o120777, Target: "a.txt"}, fi)
			requireNoLeftovers(t, r)
		})
	}
}

func requireNoLeftovers(t *testing.T, r *ostree.Repo) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.Path(), "tmp"))
	require.NoError(t, err)
	require.Empty(t, entries)
}

func TestMetadataOfFilesSurvives(t *testing.T) {
	t.Parallel()
	fi := ostree.FileInfo{
		UID: 1234, GID: 42, Mode: 0o104755,
		Xattrs: []ostree.Xattr{
			{Name: "user.b", Value: []byte{0, 1}},
			{Name: "security.capability", Value: bytes.Repeat([]byte{7}, 20)},
			{Name: "user.dropped"},
		},
	}
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		r := newRepo(t, mode)
		var c, link ostree.Checksum
		update(t, r, func(w *ostree.Writer) error {
			var err error
			c, err = w.WriteFile(t.Context(), fi, text("x"))
			require.NoError(t, err)
			staged, err := w.FileInfo(t.Context(), c)
			require.NoError(t, err, "a writer reads what it has written")
			require.EqualValues(t, 1, staged.Size)
			link, err = w.WriteFile(t.Context(), ostree.FileInfo{UID: 7, Mode: 0o120000, Target: "/a/b"}, nil)
			return err
		})
		back, err := r.FileInfo(t.Context(), c)
		require.NoError(t, err)
		want := fi
		want.Size = 1
		want.Xattrs = []ostree.Xattr{fi.Xattrs[1], fi.Xattrs[0]}
		require.Equal(t, want, back, "sorted, and without the empty attribute")
		back, err = r.FileInfo(t.Context(), link)
		require.NoError(t, err)
		require.Equal(t, ostree.FileInfo{UID: 7, Mode: 0o120777, Target: "/a/b"}, back)
	}
}

func TestBareUserInodes(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	update(t, r, func(w *ostree.Writer) error {
		for _, mode := range []uint32{0o106711, 0o100000} {
			c, err := w.WriteFile(t.Context(), ostree.FileInfo{UID: 9, Mode: mode}, text("x"))
			require.NoError(t, err)
			name := filepath.Join(r.Path(), "tmp", "*", c.String()[:2], c.String()[2:]+".file")
			found, err := filepath.Glob(name)
			require.NoError(t, err)
			require.Len(t, found, 1)
			st, err := os.Stat(found[0])
			require.NoError(t, err)
			require.Equal(t, os.FileMode(mode&0o775|0o400), st.Mode())
			require.Zero(t, st.ModTime().Unix())
		}
		return nil
	})
}

func TestBareUserOnlyRefusesWhatItCannotKeep(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUserOnly)
	for _, fi := range []ostree.FileInfo{
		{Mode: 0o104755},
		{Mode: 0o100666},
		{Mode: 0o100644, UID: 1},
		{Mode: 0o100644, Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("1")}}},
	} {
		err := r.Update(t.Context(), func(w *ostree.Writer) error {
			_, err := w.WriteFile(t.Context(), fi, text(""))
			return err
		})
		require.ErrorContains(t, err, "bare-user-only")
	}
}

func TestInvalidFiles(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	update(t, r, func(w *ostree.Writer) error {
		for _, fi := range []ostree.FileInfo{
			{Mode: 0o644},
			{Mode: 0o040755},
			{Mode: 0o020644},
			{Mode: 0o100644, Target: "x"},
			{Mode: 0o120777},
			{Mode: 0o120777, Target: "a\x00"},
			{Mode: 0o120777, Target: "\xff"},
			{Mode: 0o120777, Target: strings.Repeat("a", 5000)},
			{Mode: 0o100644, Xattrs: []ostree.Xattr{{Value: []byte("1")}}},
			{Mode: 0o100644, Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("1")}, {Name: "user.a", Value: []byte("2")}}},
		} {
			_, err := w.WriteFile(t.Context(), fi, nil)
			require.Error(t, err, "%+v", fi)
		}
		require.Zero(t, w.Stats().ContentWritten)
		return nil
	})
}

func TestLargeFiles(t *testing.T) {
	t.Parallel()
	data := make([]byte, 1<<20+17)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	readers := map[string]func() io.Reader{
		"seekable":    func() io.Reader { return bytes.NewReader(data) },
		"stream":      func() io.Reader { return io.MultiReader(bytes.NewReader(data)) },
		"short reads": func() io.Reader { return iotest.HalfReader(bytes.NewReader(data)) },
	}
	var sums []ostree.Checksum
	for _, mode := range writableModes {
		for name, reader := range readers {
			r := newRepo(t, mode)
			update(t, r, func(w *ostree.Writer) error {
				c, err := w.WriteFile(t.Context(), plain, reader())
				require.NoError(t, err, name)
				again, err := w.WriteFile(t.Context(), plain, reader())
				require.NoError(t, err, name)
				require.Equal(t, c, again)
				stats := w.Stats()
				require.Equal(t, 2, stats.ContentTotal)
				require.Equal(t, 1, stats.ContentWritten)
				require.EqualValues(t, len(data), stats.ContentBytesWritten)
				sums = append(sums, c)
				return nil
			})
			fi, content, err := r.OpenFile(t.Context(), sums[0])
			require.NoError(t, err)
			require.EqualValues(t, len(data), fi.Size)
			back, err := io.ReadAll(content)
			require.NoError(t, err)
			require.NoError(t, content.Close())
			require.True(t, bytes.Equal(data, back))
		}
	}
	for _, c := range sums {
		require.Equal(t, sums[0], c)
	}
}

func TestContentThatChangesWhileItIsRead(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), plain, &changing{Reader: bytes.NewReader(make([]byte, 1<<20))})
		return err
	})
	require.ErrorContains(t, err, "changed while")
	requireNoLeftovers(t, r)
}

// changing gives other bytes after it was rewound.
type changing struct {
	*bytes.Reader
	rewound bool
}

func (c *changing) Seek(offset int64, whence int) (int64, error) {
	c.rewound = c.rewound || whence == io.SeekStart
	return c.Reader.Seek(offset, whence)
}

func (c *changing) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.rewound && n > 0 {
		p[0] = 1
	}
	return n, err
}

func TestErrorsOfReaders(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, mode := range writableModes {
		r := newRepo(t, mode)
		for _, before := range []int{0, 10, 1 << 20} {
			err := r.Update(t.Context(), func(w *ostree.Writer) error {
				content := io.MultiReader(bytes.NewReader(make([]byte, before)), iotest.ErrReader(broken))
				_, err := w.WriteFile(t.Context(), plain, content)
				return err
			})
			require.ErrorIs(t, err, broken)
			requireNoLeftovers(t, r)
		}
	}
}

func TestAbortLeavesNothing(t *testing.T) {
	t.Parallel()
	abort := errors.New("abort")
	r := newRepo(t, ostree.ModeBareUser)
	before := listing(t, r.Path())
	write := func(w *ostree.Writer) {
		c, err := w.WriteFile(t.Context(), plain, text("x"))
		require.NoError(t, err)
		tree := ostree.NewTree(dirMode)
		require.NoError(t, tree.SetFile("x", c))
		id, err := w.WriteTree(t.Context(), tree)
		require.NoError(t, err)
		commit, err := w.WriteCommit(t.Context(), ostree.Commit{Tree: id, Timestamp: goldenCommitValue(t).Timestamp})
		require.NoError(t, err)
		require.NoError(t, w.SetRef(ostree.Refspec{Ref: "x"}, commit))
	}
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		write(w)
		return abort
	})
	require.ErrorIs(t, err, abort)
	require.Equal(t, before, listing(t, r.Path()))

	require.Panics(t, func() {
		_ = r.Update(t.Context(), func(w *ostree.Writer) error {
			write(w)
			panic("abort")
		})
	})
	require.Equal(t, before, listing(t, r.Path()))

	ctx, cancel := context.WithCancel(t.Context())
	err = r.Update(ctx, func(w *ostree.Writer) error {
		write(w)
		cancel()
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, before, listing(t, r.Path()))
}

// listing shows all files of a repository but its lock, with their sizes.
func listing(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	require.NoError(t, filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.Name() == ".lock" {
			return err
		}
		info, err := d.Info()
		if err == nil && !d.IsDir() {
			fmt.Fprintf(&b, "%s %d\n", p, info.Size())
		} else if err == nil {
			fmt.Fprintln(&b, p)
		}
		return err
	}))
	return b.String()
}

func TestWriterIsOverAfterUpdate(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	var kept *ostree.Writer
	update(t, r, func(w *ostree.Writer) error {
		kept = w
		return nil
	})
	_, err := kept.WriteFile(t.Context(), plain, text("x"))
	require.Error(t, err)
}

func TestConcurrentWritersAndFiles(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	var updates errgroup.Group
	for u := range 4 {
		updates.Go(func() error {
			return r.Update(t.Context(), func(w *ostree.Writer) error {
				var files errgroup.Group
				for i := range 60 {
					files.Go(func() error { // the same files in every update, most of them several times
						c, err := w.WriteFile(t.Context(), plain, text(fmt.Sprint(i%20)))
						if err != nil {
							return err
						}
						_, err = w.FileInfo(t.Context(), c)
						return err
					})
				}
				if err := files.Wait(); err != nil {
					return err
				}
				id, err := w.WriteTree(t.Context(), ostree.NewTree(dirMode))
				if err != nil {
					return err
				}
				commit := goldenCommitValue(t)
				commit.Tree, commit.Subject = id, fmt.Sprint(u)
				c, err := w.WriteCommit(t.Context(), commit)
				if err != nil {
					return err
				}
				return w.SetRef(ostree.Refspec{Ref: fmt.Sprint("u/", u)}, c)
			})
		})
	}
	require.NoError(t, updates.Wait())
	refs, err := r.Refs(t.Context(), "u")
	require.NoError(t, err)
	require.Len(t, refs, 4)
	files, err := filepath.Glob(filepath.Join(r.Path(), "objects", "*", "*.file"))
	require.NoError(t, err)
	require.Len(t, files, 20)
	requireNoLeftovers(t, r)
}

func TestCommitNeedsItsTree(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteCommit(t.Context(), goldenCommitValue(t))
		return err
	})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)

	err = r.Update(t.Context(), func(w *ostree.Writer) error {
		tree := ostree.NewTree(dirMode)
		require.NoError(t, tree.SetFile("x", sum(t, goldenHello)))
		_, err := w.WriteTree(t.Context(), tree)
		return err
	})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.ErrorContains(t, err, "x: ", "the error names the path")
}

func TestDetachedMetadata(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := writeGolden(t, r, goldenCommitValue(t))
	m, err := r.DetachedMetadata(t.Context(), c)
	require.NoError(t, err)
	require.Nil(t, m)
	for _, want := range []ostree.Metadata{goldenCommitValue(t).Metadata, goldenCommitValue(t).Metadata[:1], nil} {
		update(t, r, func(w *ostree.Writer) error {
			if err := w.WriteDetachedMetadata(t.Context(), c, goldenCommitValue(t).Metadata); err != nil {
				return err
			}
			return w.WriteDetachedMetadata(t.Context(), c, want)
		})
		m, err = r.DetachedMetadata(t.Context(), c)
		require.NoError(t, err)
		require.Equal(t, len(want), len(m))
	}
}
