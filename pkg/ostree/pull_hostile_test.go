package ostree_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// A server that changes one object of any kind gets none of it stored.
func TestPullRefusesChangedObjects(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	commit, err := src.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	server := serve(t, src)
	changes := map[string]func([]byte) []byte{
		"cut":      func(data []byte) []byte { return data[:len(data)-1] },
		"longer":   func(data []byte) []byte { return append(bytes.Clone(data), 0) },
		"empty":    func([]byte) []byte { return nil },
		"bit":      func(data []byte) []byte { data = bytes.Clone(data); data[len(data)/2] ^= 4; return data },
		"nonsense": func(data []byte) []byte { return bytes.Repeat([]byte{0xff}, len(data)) },
	}
	for _, object := range []ostree.ObjectName{
		{Checksum: c, Type: ostree.ObjectCommit},
		{Checksum: commit.Tree.Contents, Type: ostree.ObjectDirTree},
		{Checksum: commit.Tree.Meta, Type: ostree.ObjectDirMeta},
		fileObject(t, src, c, "/etc/name"),
		fileObject(t, src, c, "/usr/large"),
		fileObject(t, src, c, "/usr/bin/alias"),
	} {
		file := objectFile(src, object)
		data, err := os.ReadFile(file)
		require.NoError(t, err)
		for name, change := range changes {
			server.answer(func(w http.ResponseWriter, path string) bool {
				if !strings.HasSuffix(file, path) {
					return false
				}
				_, _ = w.Write(change(data)) // the client may have gone
				return true
			})
			for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
				dst := pullClient(t, mode, server.URL)
				_, err := dst.Pull(t.Context(), "origin", quick("main"))
				var corrupt *ostree.CorruptError
				require.ErrorAs(t, err, &corrupt, "%s %s", object, name)
				require.ErrorContains(t, err, object.String())
				require.Empty(t, objectsOf(t, dst))
				_, err = dst.Resolve(t.Context(), "origin:main")
				require.ErrorIs(t, err, ostree.ErrRefNotFound)
			}
		}
	}
	server.answer(nil)
	dst := pullClient(t, ostree.ModeArchive, server.URL)
	_, err = dst.Pull(t.Context(), "origin", quick("main"))
	require.NoError(t, err)
}

// Who trusts a server mirrors what it has, and reads nothing of it.
func TestPullHTTPTrusted(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", variety("one"))
	require.NoError(t, os.WriteFile(objectFile(src, fileObject(t, src, c, "/etc/name")), []byte("bad"), 0o644))
	server := serve(t, src)
	for _, mirror := range []bool{false, true} {
		dst := pullClient(t, ostree.ModeArchive, server.URL)
		opts := quick("main")
		opts.HTTPTrusted, opts.Mirror = true, mirror
		_, err := dst.Pull(t.Context(), "origin", opts)
		if !mirror {
			require.Error(t, err)
			continue
		}
		require.NoError(t, err)
		_, err = dst.Fsck(t.Context(), ostree.FsckOptions{})
		require.Error(t, err)
		opts.Untrusted = true
		dst = pullClient(t, ostree.ModeArchive, server.URL)
		_, err = dst.Pull(t.Context(), "origin", opts)
		require.Error(t, err)
	}
}

func TestPullRefusesModes(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, src, "main", ostreetest.Tree{"x": {Content: "x", Mode: 0o104755}})
	server := serve(t, src)
	for mode, only := range map[ostree.Mode]bool{ostree.ModeArchive: true, ostree.ModeBareUser: true, ostree.ModeBareUserOnly: false} {
		dst := pullClient(t, mode, server.URL)
		opts := quick("main")
		opts.BareUserOnlyFiles, opts.Mirror, opts.HTTPTrusted = only, true, true
		_, err := dst.Pull(t.Context(), "origin", opts)
		var bad *ostree.FileModeError
		require.ErrorAs(t, err, &bad)
		require.Equal(t, fileObject(t, src, c, "/x").Checksum, bad.File)
		require.EqualValues(t, 0o4000, bad.Extra)
		require.Empty(t, objectsOf(t, dst))
	}
}

// An invented repository: objects that a server makes up, with right checksums.
type invented struct {
	files map[string][]byte
}

func (i *invented) add(data []byte, ext string) ostree.Checksum {
	c := ostree.Checksum(sha256.Sum256(data))
	text := hex.EncodeToString(c[:])
	i.files["objects/"+text[:2]+"/"+text[2:]+ext] = data
	return c
}

func (i *invented) answer(w http.ResponseWriter, path string) bool {
	data, ok := i.files[path]
	if !ok {
		return false
	}
	_, _ = w.Write(data) // the client may have gone
	return true
}

func newInvented(t *testing.T) (*invented, *pullServer) {
	t.Helper()
	src := ostreetest.Repo(t, ostree.ModeArchive)
	i := &invented{files: map[string][]byte{}}
	server := serve(t, src)
	server.answer(i.answer)
	return i, server
}

func (i *invented) commit(t *testing.T, tree ostree.TreeID) {
	t.Helper()
	data, err := ostree.EncodeCommit(ostree.Commit{Timestamp: ostreetest.Timestamp(), Tree: tree})
	require.NoError(t, err)
	i.files["refs/heads/main"] = []byte(i.add(data, ".commit").String() + "\n")
}

func (i *invented) dirMeta(t *testing.T) ostree.Checksum {
	t.Helper()
	data, err := ostree.EncodeDirMeta(ostree.DirMeta{Mode: 0o040755})
	require.NoError(t, err)
	return i.add(data, ".dirmeta")
}

func TestPullRefusesNames(t *testing.T) {
	t.Parallel()
	entry := func(name string) gvariant.Value {
		return gvariant.Tuple(gvariant.String(name), gvariant.Bytes(make([]byte, 32)))
	}
	for _, names := range [][]string{{"../etc/passwd"}, {".."}, {"."}, {""}, {"a/b"}, {"b", "a"}, {"a", "a"}, {"/"}} {
		i, server := newInvented(t)
		files := make([]gvariant.Value, len(names))
		for n, name := range names {
			files[n] = entry(name)
		}
		data := gvariant.Tuple(gvariant.Array("(say)", files...), gvariant.Array("(sayay)")).Data()
		i.commit(t, ostree.TreeID{Contents: i.add(data, ".dirtree"), Meta: i.dirMeta(t)})
		dst := pullClient(t, ostree.ModeArchive, server.URL)
		_, err := dst.Pull(t.Context(), "origin", quick("main"))
		var corrupt *ostree.CorruptError
		require.ErrorAs(t, err, &corrupt, "%q", names)
		require.Empty(t, objectsOf(t, dst))
		staged, err := dst.Has(t.Context(), ostree.ObjectName{Checksum: sha256.Sum256(data), Type: ostree.ObjectDirTree})
		require.NoError(t, err)
		require.False(t, staged)
	}
}

func TestPullRefusesEndlessTrees(t *testing.T) {
	t.Parallel()
	i := &invented{files: map[string][]byte{}}
	meta := i.dirMeta(t)
	data, err := ostree.EncodeDirTree(&ostree.DirTree{})
	require.NoError(t, err)
	id := ostree.TreeID{Contents: i.add(data, ".dirtree"), Meta: meta}
	for range ostree.MaxTreeDepth + 1 {
		data, err := ostree.EncodeDirTree(&ostree.DirTree{Dirs: []ostree.DirTreeDir{{Name: "d", Tree: id}}})
		require.NoError(t, err)
		id.Contents = i.add(data, ".dirtree")
	}
	i.commit(t, id)
	src, dst := ostreetest.Repo(t, ostree.ModeArchive), ostreetest.Repo(t, ostree.ModeArchive)
	for path, data := range i.files {
		file := filepath.Join(src.Path(), path)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, data, 0o644))
	}
	_, err = dst.PullLocal(t.Context(), src, quick("main"))
	require.ErrorContains(t, err, "inside each other")
	require.Empty(t, objectsOf(t, dst))
}

// History without an end stops when the space does that the repository may use.
func TestPullKeepsSpaceFree(t *testing.T) {
	t.Parallel()
	i, server := newInvented(t)
	meta := i.dirMeta(t)
	data, err := ostree.EncodeDirTree(&ostree.DirTree{})
	require.NoError(t, err)
	tree := ostree.TreeID{Contents: i.add(data, ".dirtree"), Meta: meta}
	var parent ostree.Checksum
	for n := range 400 {
		commit := ostree.Commit{Parent: parent, Timestamp: ostreetest.Timestamp(), Tree: tree, Body: strings.Repeat("x", 60000+n)}
		data, err := ostree.EncodeCommit(commit)
		require.NoError(t, err)
		parent = i.add(data, ".commit")
	}
	i.files["refs/heads/main"] = []byte(parent.String())
	path := smallDisk(t) + "/repo"
	dst, err := ostree.Init(path, ostree.ModeArchive, ostree.Options{NoSync: true})
	require.NoError(t, err)
	require.NoError(t, dst.SetConfigValue("core", "min-free-space-size", "1MB"))
	require.NoError(t, dst.Close())
	dst = ostreetest.Open(t, path)
	addRemote(t, dst, server.URL)
	opts := quick("main")
	opts.Depth = -1
	_, err = dst.Pull(t.Context(), "origin", opts)
	require.ErrorIs(t, err, ostree.ErrNoSpace)
	require.Empty(t, objectsOf(t, dst))
}

func TestPullRefusesOversizedMetadata(t *testing.T) {
	t.Parallel()
	i, server := newInvented(t)
	big, err := ostree.EncodeCommit(ostree.Commit{
		Timestamp: ostreetest.Timestamp(), Body: strings.Repeat("x", 17<<20),
		Tree: ostree.TreeID{Contents: ostree.Checksum{1}, Meta: ostree.Checksum{1}},
	})
	require.NoError(t, err)
	i.files["refs/heads/main"] = []byte(i.add(big, ".commit").String())
	dst := pullClient(t, ostree.ModeArchive, server.URL)
	pull := func(limit int64) error {
		opts := quick("main")
		opts.MaxMetadataSize, opts.CommitOnly = limit, true
		_, err := dst.Pull(t.Context(), "origin", opts)
		return err
	}
	var failed *ostree.FetchError
	require.ErrorAs(t, pull(0), &failed)
	require.Equal(t, ostree.FetchTooLarge, failed.Reason)
	require.ErrorAs(t, pull(1000), &failed)
	require.Equal(t, ostree.FetchTooLarge, failed.Reason)
	require.NoError(t, pull(20<<20))
}

func TestPullRefusesRefsThatAreNone(t *testing.T) {
	t.Parallel()
	i, server := newInvented(t)
	dst := pullClient(t, ostree.ModeArchive, server.URL)
	for _, text := range []string{"", "<html>\n" + strings.Repeat("not found ", 100), strings.Repeat("g", 64), "../../x"} {
		i.files["refs/heads/main"] = []byte(text)
		_, err := dst.Pull(t.Context(), "origin", quick("main"))
		var content *ostree.RefContentError
		require.ErrorAs(t, err, &content)
		require.LessOrEqual(t, len(content.Content), 64)
	}
	i.files["config"] = []byte("[core\n")
	_, err := dst.Pull(t.Context(), "origin", quick("main"))
	var corrupt *ostree.CorruptError
	require.ErrorAs(t, err, &corrupt)
}

// What stands in a .filez comes from anywhere.
func FuzzFetchedFile(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x00\x00\x00\x1a\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x06" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\x81\xa4\x00\x00\x00\x00\x00\x19\xcb\x48\xcd\xc9\xc9\xe7\x02\x00"))
	f.Add([]byte("\x00\x00\x00\x1f\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" + "\x00\x00\x00\x00\x00\x00\x00\x00" +
		"\x00\x00\xa1\xff\x00\x00\x00\x00a.txt\x00\x1e"))
	r := ostreetest.Repo(f, ostree.ModeArchive)
	f.Fuzz(func(t *testing.T, data []byte) {
		fi, content, err := ostree.ReadArchived(r, data)
		if err != nil {
			return
		}
		require.LessOrEqual(t, fi.Size, int64(len(content)))
		again, _, err := ostree.ReadArchived(r, append(data, 0))
		require.Error(t, err, "%v: something follows its end", again)
	})
}
