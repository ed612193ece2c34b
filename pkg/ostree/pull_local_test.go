package ostree_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestParsePullRef(t *testing.T) {
	t.Parallel()
	c := ostree.Checksum{0xab, 1}
	for text, want := range map[string]ostree.PullRef{
		"a/b":               {Ref: "a/b"},
		"a/b@" + c.String(): {Ref: "a/b", Commit: c},
		c.String():          {Commit: c},
	} {
		got, err := ostree.ParsePullRef(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, text, got.String())
	}
	require.Equal(t, "org.example.OS:a", ostree.PullRef{Collection: "org.example.OS", Ref: "a"}.String())
	for _, text := range []string{"", "@" + c.String(), "a@b", "../a", "origin:a", "a@" + c.String()[1:]} {
		_, err := ostree.ParsePullRef(text)
		require.Error(t, err, text)
	}
}

func TestPullLocal(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	links := map[[2]ostree.Mode]bool{{ostree.ModeBareUser, ostree.ModeBareUserOnly}: true}
	modes := append([]ostree.Mode{ostree.ModeBare}, writableModes...)
	for _, from := range modes {
		links[[2]ostree.Mode{from, from}] = true
		for _, to := range modes {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				t.Parallel()
				src, dst := ostreetest.Repo(t, from), ostreetest.Repo(t, to)
				c := ostreetest.Commit(t, src, "a/b", variety("one"))
				other := ostreetest.Commit(t, src, "other", ostreetest.Tree{"x": ostreetest.File("x")})
				result, err := dst.PullLocal(t.Context(), src, ostree.PullOptions{})
				require.NoError(t, err)
				require.True(t, result.Local)
				require.Equal(t, 10, result.ImportedContent)
				require.Len(t, result.Refs, 2)
				require.Equal(t, c, resolve(t, dst, "a/b"))
				require.Equal(t, other, resolve(t, dst, "other"))
				require.Equal(t, ostreetest.List(t, src, c), ostreetest.List(t, dst, c))
				requireWhole(t, dst, c)

				var st unix.Stat_t
				require.NoError(t, unix.Lstat(objectFile(dst, fileObject(t, dst, c, "/etc/name")), &st))
				require.Equal(t, links[[2]ostree.Mode{from, to}], st.Nlink == 2)

				result, err = dst.PullLocal(t.Context(), src, ostree.PullOptions{Remote: "from"})
				require.NoError(t, err)
				require.Zero(t, result.ImportedContent+result.ImportedMetadata)
				require.Equal(t, c, resolve(t, dst, "from:a/b"))
			})
		}
	}
}

func TestPullLocalTrust(t *testing.T) {
	t.Parallel()
	for _, to := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		src := ostreetest.Repo(t, ostree.ModeBareUser)
		c := ostreetest.Commit(t, src, "main", variety("one"))
		bad := fileObject(t, src, c, "/etc/name")
		require.NoError(t, os.WriteFile(objectFile(src, bad), []byte("bad"), 0o644))

		dst := ostreetest.Repo(t, to)
		_, err := dst.PullLocal(t.Context(), src, ostree.PullOptions{Untrusted: true})
		var checksum *ostree.ChecksumError
		require.ErrorAs(t, err, &checksum)
		require.Equal(t, bad, checksum.Object)
		require.Empty(t, objectsOf(t, dst))
		_, err = dst.Resolve(t.Context(), "main")
		require.ErrorIs(t, err, ostree.ErrRefNotFound)

		_, err = dst.PullLocal(t.Context(), src, ostree.PullOptions{})
		require.NoError(t, err)
		_, err = dst.Fsck(t.Context(), ostree.FsckOptions{})
		require.Error(t, err)
	}
}

func TestPullLocalIntoBareUserOnly(t *testing.T) {
	t.Parallel()
	for name, entry := range map[string]ostreetest.Entry{
		"setuid":    {Content: "x", Mode: 0o104755},
		"owner":     {Content: "x", Mode: 0o100644, UID: 1},
		"attribute": {Content: "x", Mode: 0o100644, Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("b")}}},
	} {
		src := ostreetest.Repo(t, ostree.ModeBareUser)
		c := ostreetest.Commit(t, src, "main", ostreetest.Tree{"x": entry})
		_, err := ostreetest.Repo(t, ostree.ModeBareUserOnly).PullLocal(t.Context(), src, ostree.PullOptions{})
		var mode *ostree.FileModeError
		require.ErrorAs(t, err, &mode, name)
		require.Equal(t, fileObject(t, src, c, "/x").Checksum, mode.File)

		_, err = ostreetest.Repo(t, ostree.ModeArchive).PullLocal(t.Context(), src, ostree.PullOptions{BareUserOnlyFiles: true})
		if name == "setuid" {
			require.ErrorAs(t, err, &mode)
			require.EqualValues(t, 0o4000, mode.Extra)
		} else {
			require.NoError(t, err, name)
		}
	}
	// A file that its owner must not read has another inode there, so no link.
	src, dst := ostreetest.Repo(t, ostree.ModeBareUser), ostreetest.Repo(t, ostree.ModeBareUserOnly)
	c := ostreetest.Commit(t, src, "main", ostreetest.Tree{"x": {Content: "x", Mode: 0o100044}})
	_, err := dst.PullLocal(t.Context(), src, ostree.PullOptions{})
	require.NoError(t, err)
	requireWhole(t, dst, c)
}

func TestPullLocalRefusesRefsOfOtherRemotes(t *testing.T) {
	t.Parallel()
	src, middle := ostreetest.Repo(t, ostree.ModeArchive), ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	_, err := middle.PullLocal(t.Context(), src, ostree.PullOptions{Remote: "origin"})
	require.NoError(t, err)
	dst := ostreetest.Repo(t, ostree.ModeArchive)
	_, err = dst.PullLocal(t.Context(), middle, ostree.PullOptions{})
	var invalid *ostree.InvalidRefError
	require.ErrorAs(t, err, &invalid)
	require.Equal(t, "origin:main", invalid.Ref)
	_, err = dst.PullLocal(t.Context(), middle, quick("missing"))
	require.ErrorIs(t, err, ostree.ErrRefNotFound)
	_, err = dst.PullLocal(t.Context(), middle, ostree.PullOptions{Refs: []ostree.PullRef{{Ref: "new", Commit: c}}})
	require.NoError(t, err)
	require.Equal(t, c, resolve(t, dst, "new"))
}

// A remote of a file URL is read like a local source and verified like a remote.
func TestPullFileRemote(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	dst := pullClient(t, ostree.ModeArchive, "file://"+src.Path(), ostree.RemoteOption{Key: "branches", Value: "main;"})
	result, err := dst.Pull(t.Context(), "origin", ostree.PullOptions{})
	require.NoError(t, err)
	require.True(t, result.Local)
	require.Equal(t, c, resolve(t, dst, "origin:main"))
	var st unix.Stat_t
	require.NoError(t, unix.Lstat(objectFile(dst, fileObject(t, dst, c, "/etc/name")), &st))
	require.EqualValues(t, 2, st.Nlink)

	addRemote(t, dst, "file://"+src.Path(), ostree.RemoteOption{Key: "sign-verify", Value: "ed25519"},
		ostree.RemoteOption{Key: "verification-ed25519-key", Value: "dGhlcmUgaXMgbm8gc3VjaCBrZXksIGl0IGlzIDMyLi4="})
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	var unverified *ostree.UnverifiedError
	require.ErrorAs(t, err, &unverified)
	require.Equal(t, c, unverified.Commit)
}

// What is attached to a commit may be added later, and comes with the next pull.
func TestPullRefreshesWhatIsAttached(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	server := serve(t, src)
	local, remote := ostreetest.Repo(t, ostree.ModeBareUser), pullClient(t, ostree.ModeBareUser, server.URL)
	pull := func() {
		_, err := local.PullLocal(t.Context(), src, quick("main"))
		require.NoError(t, err)
		_, err = remote.Pull(t.Context(), "origin", quick("main"))
		require.NoError(t, err)
	}
	note := func(r *ostree.Repo) string {
		m, err := r.DetachedMetadata(t.Context(), c)
		require.NoError(t, err)
		return m.Str("note")
	}
	pull()
	for _, text := range []string{"first", "second"} {
		update(t, src, func(w *ostree.Writer) error {
			return w.WriteDetachedMetadata(t.Context(), c, ostree.Metadata{{Key: "note", Value: gvariant.String(text)}})
		})
		pull()
		require.Equal(t, text, note(local))
		require.Equal(t, text, note(remote))
	}
	update(t, src, func(w *ostree.Writer) error { return w.WriteDetachedMetadata(t.Context(), c, nil) })
	pull()
	require.Empty(t, note(local)+note(remote))
}

func TestPullFromParentAndCaches(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	ostreetest.Commit(t, src, "main", variety("one"))
	server := serve(t, src)
	cache := pullClient(t, ostree.ModeBareUser, server.URL)
	_, err := cache.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	c := ostreetest.Commit(t, src, "main", variety("two"))
	server.asked("")

	dst := pullClient(t, ostree.ModeArchive, server.URL)
	opts := quick("main")
	opts.LocalCaches = []*ostree.Repo{cache}
	result, err := dst.Pull(t.Context(), "origin", opts)
	require.NoError(t, err)
	require.Equal(t, 2, result.FetchedContent)
	require.Equal(t, 7, result.ImportedContent)
	require.Len(t, server.asked(".filez"), 2)
	requireWhole(t, dst, c)

	// A commit that a parent repository has is only named.
	child := ostreetest.Repo(t, ostree.ModeArchive)
	require.NoError(t, child.SetConfigValue("core", "parent", dst.Path()))
	child = ostreetest.Open(t, child.Path())
	addRemote(t, child, server.URL)
	_, err = child.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
	require.Empty(t, server.asked("dirtree"))
	require.Empty(t, objectNames(t, child, ".filez"))
	require.Equal(t, c, resolve(t, child, "origin:main"))
}
