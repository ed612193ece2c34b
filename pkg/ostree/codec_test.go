package ostree_test

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
)

// Checksums of a small tree, made with the ostree tool:
//
//	a.txt "hello\n" 0644, l -> a.txt, d/empty 0644, directories 0755, all 0:0
//	SOURCE_DATE_EPOCH=1700000000 ostree commit -b main -s subj -m body \
//	  --add-metadata-string=version=1 --owner-uid=0 --owner-gid=0 --no-xattrs
const (
	goldenCommit   = "a20387a6d9b55e2fb0d1fc7beacc59661852e02067a90c50766a5da65734b51a"
	goldenHello    = "44f778e59f0a4748d6b0c90a47347212a231c4ad1e8f7ea5c5dffc7749153a6b"
	goldenEmpty    = "cc700d46f407c6c5ab2d5dde474366a928b7398277e61162e7f8ec06f469f07e"
	goldenLink     = "f379a4b359f3e8deb971eef3e40a492fec37696c0169a600789f0bc62c43b535"
	goldenDirMeta  = "446a0ef11b7cc167f3b603e585c7eeeeb675faa412d5ec73f62988eb0b6c5488"
	goldenRootTree = "13ad735ab91769b0f3bd8d1caf25706ce6ae2351b4d22b13a515536d3cfc51be"
	goldenSubTree  = "81ea3e94a64fcb26ef505be1e7fa22c9fc2289eb87053f0e2eae1daf7a1e3257"
)

var goldenTime = time.Unix(1700000000, 0).UTC()

func sum(t testing.TB, s string) ostree.Checksum {
	t.Helper()
	c, err := ostree.ParseChecksum(s)
	require.NoError(t, err)
	return c
}

func hashed(t *testing.T, data []byte, err error) string {
	t.Helper()
	require.NoError(t, err)
	c := sha256.Sum256(data)
	return hex.EncodeToString(c[:])
}

func goldenTrees(t *testing.T) (root, d *ostree.DirTree) {
	t.Helper()
	d = &ostree.DirTree{Files: []ostree.DirTreeFile{{Name: "empty", Checksum: sum(t, goldenEmpty)}}}
	root = &ostree.DirTree{
		Files: []ostree.DirTreeFile{{Name: "a.txt", Checksum: sum(t, goldenHello)}, {Name: "l", Checksum: sum(t, goldenLink)}},
		Dirs:  []ostree.DirTreeDir{{Name: "d", Tree: ostree.TreeID{Contents: sum(t, goldenSubTree), Meta: sum(t, goldenDirMeta)}}},
	}
	return root, d
}

func goldenCommitValue(t testing.TB) ostree.Commit {
	t.Helper()
	return ostree.Commit{
		Metadata: ostree.Metadata{
			{Key: "version", Value: gvariant.String("1")},
			{Key: "ostree.ref-binding", Value: gvariant.Strings([]string{"main"})},
		},
		Subject:   "subj",
		Body:      "body",
		Timestamp: goldenTime,
		Tree:      ostree.TreeID{Contents: sum(t, goldenRootTree), Meta: sum(t, goldenDirMeta)},
	}
}

func TestGoldenMetadataObjects(t *testing.T) {
	t.Parallel()
	meta, err := ostree.EncodeDirMeta(ostree.DirMeta{Mode: 0o040755})
	require.Equal(t, goldenDirMeta, hashed(t, meta, err))
	require.Equal(t, "0000000000000000000041ed", hex.EncodeToString(meta))

	root, d := goldenTrees(t)
	data, err := ostree.EncodeDirTree(d)
	require.Equal(t, goldenSubTree, hashed(t, data, err))
	data, err = ostree.EncodeDirTree(root)
	require.Equal(t, goldenRootTree, hashed(t, data, err))
	back, err := ostree.DecodeDirTree(data)
	require.NoError(t, err)
	require.Equal(t, root, back)

	commit := goldenCommitValue(t)
	data, err = ostree.EncodeCommit(commit)
	require.Equal(t, goldenCommit, hashed(t, data, err))
	require.Len(t, data, 142)
	decoded, err := ostree.DecodeCommit(data)
	require.NoError(t, err)
	require.Equal(t, commit.Subject, decoded.Subject)
	require.Equal(t, commit.Timestamp, decoded.Timestamp)
	require.Equal(t, commit.Tree, decoded.Tree)
	require.Equal(t, "1", decoded.Metadata.Str("version"))
	again, err := ostree.EncodeCommit(*decoded)
	require.NoError(t, err)
	require.Equal(t, data, again)
}

func TestGoldenFileHeaders(t *testing.T) {
	t.Parallel()
	hello := ostree.FileInfo{Mode: 0o100644, Size: 6}
	require.Equal(t, goldenHello, hashed(t, append(ostree.AppendHeader(nil, hello), "hello\n"...), nil))
	require.Equal(t, goldenEmpty, hashed(t, ostree.AppendHeader(nil, ostree.FileInfo{Mode: 0o100644}), nil))
	link := ostree.FileInfo{Mode: 0o120777, Target: "a.txt"}
	require.Equal(t, goldenLink, hashed(t, ostree.AppendHeader(nil, link), nil))

	require.Equal(t, bytesOf(t, "0000001a 00000000 0000000000000006 00000000 00000000 000081a4 00000000 00 19"), ostree.AppendArchiveHeader(nil, hello))
	header := ostree.AppendArchiveHeader(nil, link)
	require.Equal(t, bytesOf(t, "0000001f 00000000 0000000000000000 00000000 00000000 0000a1ff 00000000 612e74787400 1e"), header)
	back, err := ostree.ReadArchiveHeader(strings.NewReader(string(header)))
	require.NoError(t, err)
	require.Equal(t, link, back)
}

func TestGoldenXattrs(t *testing.T) {
	t.Parallel()
	fi := ostree.FileInfo{Mode: 0o100644, Xattrs: []ostree.Xattr{
		{Name: "user.a", Value: []byte("xyz")}, {Name: "user.b", Value: []byte("1")},
	}}
	header := ostree.AppendArchiveHeader(nil, fi)
	tail := bytesOf(t, "00 757365722e6100 78797a 07 757365722e6200 31 07 0b 14 19")
	require.Equal(t, tail, header[len(header)-len(tail):])
	back, err := ostree.ReadArchiveHeader(strings.NewReader(string(header)))
	require.NoError(t, err)
	require.Equal(t, fi, back)

	meta := ostree.DirMeta{UID: 1, GID: 2, Mode: 0o041777, Xattrs: []ostree.Xattr{fi.Xattrs[1], fi.Xattrs[0]}}
	data, err := ostree.EncodeDirMeta(meta)
	require.NoError(t, err)
	decoded, err := ostree.DecodeDirMeta(data)
	require.NoError(t, err)
	require.Equal(t, fi.Xattrs, decoded.Xattrs, "attributes are sorted when they are written")
}

func bytesOf(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	require.NoError(t, err)
	return b
}

func TestInvalidObjectsAreNotWritten(t *testing.T) {
	t.Parallel()
	c := sum(t, goldenHello)
	for _, names := range [][]string{{""}, {"."}, {".."}, {"a/b"}, {"a\x00"}, {"\xff"}, {"b", "a"}, {"a", "a"}} {
		tree := &ostree.DirTree{}
		for _, n := range names {
			tree.Files = append(tree.Files, ostree.DirTreeFile{Name: n, Checksum: c})
		}
		_, err := ostree.EncodeDirTree(tree)
		require.Error(t, err, "%q", names)
	}
	_, err := ostree.EncodeDirTree(&ostree.DirTree{
		Files: []ostree.DirTreeFile{{Name: "x"}},
		Dirs:  []ostree.DirTreeDir{{Name: "a"}, {Name: "x"}},
	})
	require.ErrorContains(t, err, "both a file and a directory")
	_, err = ostree.EncodeDirMeta(ostree.DirMeta{Mode: 0o100644})
	require.Error(t, err)

	for name, change := range map[string]func(*ostree.Commit){
		"no tree":       func(c *ostree.Commit) { c.Tree = ostree.TreeID{} },
		"NUL":           func(c *ostree.Commit) { c.Subject = "a\x00" },
		"not UTF-8":     func(c *ostree.Commit) { c.Body = "\xff" },
		"empty key":     func(c *ostree.Commit) { c.Metadata = ostree.Metadata{{Value: gvariant.Byte(1)}} },
		"no value":      func(c *ostree.Commit) { c.Metadata = ostree.Metadata{{Key: "x"}} },
		"key twice":     func(c *ostree.Commit) { c.Metadata = append(c.Metadata, c.Metadata[0]) },
		"time":          func(c *ostree.Commit) { c.Timestamp = time.Unix(-1<<61, 0) },
		"invalid value": func(c *ostree.Commit) { c.Metadata[0].Value = gvariant.String("\xff") },
	} {
		commit := goldenCommitValue(t)
		change(&commit)
		_, err := ostree.EncodeCommit(commit)
		require.Error(t, err, name)
	}
}
