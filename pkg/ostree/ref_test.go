package ostree_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func TestParseRefspec(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]ostree.Refspec{
		"main":                        {Ref: "main"},
		"debian/12/amd64":             {Ref: "debian/12/amd64"},
		"origin:a/b-c_d.e":            {Remote: "origin", Ref: "a/b-c_d.e"},
		"ostree/container/blob/sha_1": {Ref: "ostree/container/blob/sha_1"},
	} {
		got, err := ostree.ParseRefspec(s)
		require.NoError(t, err, s)
		require.Equal(t, want, got)
		require.Equal(t, s, got.String())
	}
	for _, s := range []string{"", ":", "a:", ":a", "/", "a/", "/a", "a//b", "..", "a/../b", ".hidden", "-a", "a b", "a:b:c", "a\x00", "é"} {
		_, err := ostree.ParseRefspec(s)
		require.Error(t, err, "%q", s)
	}
}

// commitWith writes a commit that differs by its subject and sets refs to it.
func commitWith(t *testing.T, r *ostree.Repo, subject string, parent ostree.Checksum, refs ...string) (c ostree.Checksum) {
	t.Helper()
	update(t, r, func(w *ostree.Writer) error {
		commit := goldenCommitValue(t)
		commit.Subject, commit.Parent = subject, parent
		var err error
		commit.Tree, err = w.WriteTree(t.Context(), ostree.NewTree(dirMode))
		require.NoError(t, err)
		c, err = w.WriteCommit(t.Context(), commit)
		require.NoError(t, err)
		for _, s := range refs {
			ref, err := ostree.ParseRefspec(s)
			require.NoError(t, err)
			require.NoError(t, w.SetRef(ref, c))
		}
		return nil
	})
	return c
}

func TestResolve(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	one := commitWith(t, r, "1", ostree.Checksum{}, "old", "origin:far/away")
	two := commitWith(t, r, "2", one, "main", "a/b")
	require.NoError(t, os.Symlink("a/b", filepath.Join(r.Path(), "refs/heads/alias")))
	require.NoError(t, os.Symlink("../../../config", filepath.Join(r.Path(), "refs/heads/escape")))
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "refs/heads/.latest_rsync"), nil, 0o644))

	for rev, want := range map[string]ostree.Checksum{
		"main":             two,
		"main^":            one,
		"alias":            two,
		"a/b":              two,
		two.String():       two,
		two.String() + "^": one,
		two.String()[:12]:  two,
		"origin:far/away":  one,
		"origin/far/away":  one,
		"far/away":         one,
	} {
		got, err := r.Resolve(t.Context(), rev)
		require.NoError(t, err, rev)
		require.Equal(t, want, got, rev)
	}
	for _, rev := range []string{"nope", "other:main", "origin:main", "a", "a/b/c", "main^^", "fffffffff", "0"} {
		_, err := r.Resolve(t.Context(), rev)
		require.ErrorIs(t, err, ostree.ErrRefNotFound, rev)
	}
	_, err := r.Resolve(t.Context(), "escape")
	require.Error(t, err, "an alias does not lead out of refs")
	_, err = r.Resolve(t.Context(), "../config")
	require.Error(t, err)
}

func TestRefs(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "1", ostree.Checksum{}, "main", "a/b", "a/c/d", "ab", "origin:a/b")
	for prefix, want := range map[string][]string{
		"":         {"main", "a/b", "a/c/d", "ab", "origin:a/b"},
		"a":        {"a/b", "a/c/d"},
		"a/":       {"a/b", "a/c/d"},
		"a/b":      {"a/b"},
		"origin:":  {"origin:a/b"},
		"origin:a": {"origin:a/b"},
		"other:":   {},
		"mai":      {},
	} {
		refs, err := r.Refs(t.Context(), prefix)
		require.NoError(t, err)
		expected := make(map[ostree.Refspec]ostree.Checksum)
		for _, s := range want {
			ref, err := ostree.ParseRefspec(s)
			require.NoError(t, err)
			expected[ref] = c
		}
		require.Equal(t, expected, refs, prefix)
	}
}

func TestRefConflicts(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "1", ostree.Checksum{}, "a/b")
	set := func(refs ...string) error {
		return r.Update(t.Context(), func(w *ostree.Writer) error {
			for _, s := range refs {
				if err := w.SetRef(ostree.Refspec{Ref: s}, c); err != nil {
					return err
				}
			}
			return nil
		})
	}
	require.ErrorContains(t, set("new", "a/b/c"), "a/b")
	require.ErrorContains(t, set("new", "a"), "a/b")
	require.ErrorContains(t, set("x", "x/y"), "x")
	require.Error(t, set(c.String()), "a ref must not look like a checksum")
	_, err := r.Resolve(t.Context(), "new")
	require.ErrorIs(t, err, ostree.ErrRefNotFound, "of refs that cannot all be set none is")

	update(t, r, func(w *ostree.Writer) error {
		require.NoError(t, w.DeleteRef(ostree.Refspec{Ref: "a/b"}))
		require.NoError(t, w.DeleteRef(ostree.Refspec{Ref: "never/was"}))
		return w.SetRef(ostree.Refspec{Ref: "a"}, c)
	})
	refs, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, map[ostree.Refspec]ostree.Checksum{{Ref: "a"}: c}, refs)
	err = r.Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetRef(ostree.Refspec{Ref: "lost"}, sum(t, goldenCommit))
	})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
}

func TestParentRepository(t *testing.T) {
	t.Parallel()
	parent := newRepo(t, ostree.ModeArchive)
	c := writeGolden(t, parent, goldenCommitValue(t))
	child := reopen(t, newRepo(t, ostree.ModeBareUser), "parent="+parent.Path()+"\n")
	got, err := child.Resolve(t.Context(), "main")
	require.NoError(t, err)
	require.Equal(t, c, got)
	fi, err := child.FileInfo(t.Context(), sum(t, goldenHello))
	require.NoError(t, err)
	require.EqualValues(t, 6, fi.Size)
	writeGolden(t, child, goldenCommitValue(t))
	objects, err := filepath.Glob(filepath.Join(child.Path(), "objects/*/*"))
	require.NoError(t, err)
	require.Empty(t, objects, "what the parent has is not written again")
}

func TestRefReplacesEmptyDirectories(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := commitWith(t, r, "1", ostree.Checksum{}, "a/b/c", "a/b/d")
	update(t, r, func(w *ostree.Writer) error {
		require.NoError(t, w.DeleteRef(ostree.Refspec{Ref: "a/b/c"}))
		return w.DeleteRef(ostree.Refspec{Ref: "a/b/d"})
	})
	require.DirExists(t, filepath.Join(r.Path(), "refs/heads/a/b"))
	update(t, r, func(w *ostree.Writer) error { return w.SetRef(ostree.Refspec{Ref: "a"}, c) })
	got, err := r.Resolve(t.Context(), "a")
	require.NoError(t, err)
	require.Equal(t, c, got)
}

func TestRefChangesTouchTheRepository(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	old := time.Unix(1000, 0)
	mtime := func() time.Time {
		st, err := os.Stat(r.Path())
		require.NoError(t, err)
		return st.ModTime()
	}
	commitWith(t, r, "1", ostree.Checksum{}) // makes the lock file
	require.NoError(t, os.Chtimes(r.Path(), old, old))
	commitWith(t, r, "2", ostree.Checksum{})
	require.True(t, mtime().Equal(old), "no ref has changed")
	commitWith(t, r, "3", ostree.Checksum{}, "main")
	require.True(t, mtime().After(old), "watchers wait for this")
}

func TestDamagedRef(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "refs/heads/bad"), []byte("xyz\n"), 0o644))
	_, err := r.Resolve(t.Context(), "bad")
	require.ErrorAs(t, err, new(*ostree.CorruptError))
	require.ErrorContains(t, err, "heads/bad")
	_, err = r.Refs(t.Context(), "")
	require.ErrorAs(t, err, new(*ostree.CorruptError))
}
