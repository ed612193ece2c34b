package ostree_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

func FuzzDirTree(f *testing.F) {
	for _, t := range []*ostree.DirTree{
		{},
		{Files: []ostree.DirTreeFile{{Name: "a", Checksum: ostree.Checksum{1}}, {Name: "b"}}},
		{Files: []ostree.DirTreeFile{{Name: "m"}}, Dirs: []ostree.DirTreeDir{{Name: "a"}, {Name: "z"}}},
	} {
		data, err := ostree.EncodeDirTree(t)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := ostree.DecodeDirTree(data)
		if err != nil {
			return
		}
		again, err := ostree.EncodeDirTree(tree)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, again), "one tree has one form")
	})
}

func FuzzDirMeta(f *testing.F) {
	for _, m := range []ostree.DirMeta{
		{Mode: 0o040755},
		{UID: 1, GID: 2, Mode: 0o042775, Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("x")}, {Name: "user.b", Value: nil}}},
	} {
		data, err := ostree.EncodeDirMeta(m)
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		// The attribute of bare-user files has the same form, with other modes.
		if _, err := ostree.DecodeOwnerMode(data); err != nil {
			return
		}
		meta, err := ostree.DecodeDirMeta(data)
		if err != nil {
			return
		}
		again, err := ostree.EncodeDirMeta(meta)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, again), "one directory has one form")
	})
}

func FuzzCommit(f *testing.F) {
	tree := ostree.TreeID{Contents: ostree.Checksum{1}, Meta: ostree.Checksum{2}}
	for _, c := range []ostree.Commit{{Tree: tree}, {Tree: tree, Subject: "s", Body: "b", Parent: ostree.Checksum{3}}} {
		data, err := ostree.EncodeCommit(c)
		if err != nil {
			c.Timestamp = goldenTime
			data, err = ostree.EncodeCommit(c)
		}
		require.NoError(f, err)
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := ostree.DecodeDetached(data); err == nil {
			return
		}
		commit, err := ostree.DecodeCommit(data)
		if err != nil {
			return
		}
		again, err := ostree.EncodeCommit(*commit)
		if err != nil {
			return // a key that occurs twice is read, but not written
		}
		same, err := ostree.DecodeCommit(again)
		require.NoError(t, err)
		require.Equal(t, commit, same)
	})
}

// FuzzArchivedFile reads a whole file object as a server may have sent it.
func FuzzArchivedFile(f *testing.F) {
	f.Add(append(ostree.AppendArchiveHeader(nil, ostree.FileInfo{Mode: 0o100644, Size: 6}), 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00))
	f.Add(append(ostree.AppendArchiveHeader(nil, ostree.FileInfo{Mode: 0o100644}), 3, 0))
	f.Add(ostree.AppendArchiveHeader(nil, ostree.FileInfo{Mode: 0o120777, Target: "x", Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("1")}}}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0})
	r := newRepo(f, ostree.ModeArchive)
	c := ostree.Checksum{0xab}
	dir := filepath.Join(r.Path(), "objects", "ab")
	require.NoError(f, os.Mkdir(dir, 0o755))
	object := filepath.Join(dir, c.String()[2:]+".filez")
	f.Fuzz(func(t *testing.T, data []byte) {
		require.NoError(t, os.WriteFile(object, data, 0o644))
		fi, content, err := r.OpenFile(t.Context(), c)
		if err != nil {
			require.ErrorAs(t, err, new(*ostree.CorruptError))
			return
		}
		n, err := io.Copy(io.Discard, content)
		require.NoError(t, content.Close())
		var corrupt *ostree.CorruptError
		require.True(t, err == nil && n == fi.Size || errors.As(err, &corrupt))
		header, err := ostree.ReadArchiveHeader(bytes.NewReader(data))
		require.NoError(t, err)
		require.Equal(t, fi, header)
		require.True(t, bytes.HasPrefix(data[8:], ostree.AppendArchiveHeader(nil, fi)[8:]), "one header has one form")
	})
}

func FuzzConfig(f *testing.F) {
	f.Add([]byte("[core]\nrepo_version=1\nmode=bare-user\nmin-free-space-size=5GB\nlock-timeout-secs=-1\n[archive]\nzlib-level=9\n"))
	f.Add([]byte("[core]\nrepo_version=1\nfsync=0\nmin-free-space-percent=7\ntmp-expiry-secs=99999999999999\n"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		_ = ostree.ReadSettings(data) // must not panic
	})
}

func FuzzRefspec(f *testing.F) {
	for _, s := range []string{"main", "o:a/b", ":", "a//b", "../x", "o:"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := ostree.ParseRefspec(s)
		if err != nil {
			return
		}
		require.Equal(t, s, ref.String())
		require.True(t, filepath.IsLocal(filepath.Join("refs", ref.Remote, ref.Ref)))
		require.Equal(t, filepath.Clean(ref.Ref), ref.Ref)
	})
}
