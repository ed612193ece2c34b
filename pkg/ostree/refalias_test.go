package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func local(name string) ostree.Refspec { return ostree.Refspec{Ref: name} }

func setAlias(t *testing.T, r *ostree.Repo, alias, target ostree.Refspec) error {
	t.Helper()
	return r.Update(t.Context(), func(w *ostree.Writer) error { return w.SetAlias(alias, target) })
}

func TestAliasFollowsItsRef(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	one := commitWith(t, r, "1", ostree.Checksum{}, "os/26/server", "os/27/server")
	require.NoError(t, setAlias(t, r, local("os/stable/server"), local("os/26/server")))
	link, err := os.Readlink(filepath.Join(r.Path(), "refs/heads/os/stable/server"))
	require.NoError(t, err)
	require.Equal(t, "../../os/26/server", link, "libostree reads it")

	two := commitWith(t, r, "2", one, "os/26/server")
	c, err := r.Resolve(t.Context(), "os/stable/server")
	require.NoError(t, err)
	require.Equal(t, two, c)

	require.NoError(t, setAlias(t, r, local("os/stable/server"), local("os/27/server")), "an alias can be turned to another ref")
	aliases, err := r.Aliases(t.Context(), "os")
	require.NoError(t, err)
	require.Equal(t, map[ostree.Refspec]ostree.Refspec{local("os/stable/server"): local("os/27/server")}, aliases)
	refs, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Equal(t, one, refs[local("os/stable/server")])

	commitWith(t, r, "3", two, "os/stable/server")
	aliases, err = r.Aliases(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, aliases, "a ref that is written is an alias no more")
}

func TestAliasRefuses(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	commitWith(t, r, "1", ostree.Checksum{}, "main", "origin:far")
	var wrong *ostree.AliasError
	require.ErrorAs(t, setAlias(t, r, local("a"), local("nope")), &wrong)
	require.False(t, wrong.Remote)
	require.ErrorAs(t, setAlias(t, r, ostree.Refspec{Remote: "origin", Ref: "a"}, local("main")), &wrong)
	require.True(t, wrong.Remote)
	require.ErrorAs(t, setAlias(t, r, local("a"), ostree.Refspec{Remote: "origin", Ref: "far"}), &wrong)
	require.ErrorContains(t, setAlias(t, r, local("main"), local("main")), "itself")
	require.NoError(t, setAlias(t, r, local("b"), local("main")))
	require.ErrorContains(t, setAlias(t, r, local("main"), local("b")), "itself", "a circle leads nowhere")
	c, err := r.Resolve(t.Context(), "b")
	require.NoError(t, err)
	require.False(t, c.IsZero())
}

func TestRefWithAliasStays(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	commitWith(t, r, "1", ostree.Checksum{}, "main")
	require.NoError(t, setAlias(t, r, local("alias"), local("main")))
	remove := func(names ...string) error {
		return r.Update(t.Context(), func(w *ostree.Writer) error {
			for _, name := range names {
				if err := w.DeleteRef(local(name)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	var aliased *ostree.RefAliasedError
	require.ErrorAs(t, remove("main"), &aliased)
	require.Equal(t, local("alias"), aliased.Alias)
	require.NoError(t, remove("main", "alias"), "both at once")
	refs, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, refs)
}

func TestDamagedAliasesAreNoRefs(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	heads := filepath.Join(r.Path(), "refs/heads")
	require.NoError(t, os.Symlink("b", filepath.Join(heads, "a")))
	require.NoError(t, os.Symlink("a", filepath.Join(heads, "b")))
	require.NoError(t, os.Symlink("gone", filepath.Join(heads, "c")))
	refs, err := r.Refs(t.Context(), "")
	require.NoError(t, err)
	require.Empty(t, refs)
	_, err = r.Resolve(t.Context(), "a")
	require.ErrorIs(t, err, ostree.ErrRefNotFound)
}
