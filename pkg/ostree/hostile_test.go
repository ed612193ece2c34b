package ostree_test

import (
	"crypto/sha256"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// TestHostileNamesNeverReachTheDisk puts directories into a repository whose
// entries would leave the destination of a checkout.
func TestHostileNamesNeverReachTheDisk(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"..", ".", "", "../evil", "/evil", "a/b", "evil\x00", "\xff"} {
		for _, asDir := range []bool{false, true} {
			r := ostreetest.Repo(t, ostree.ModeBareUser)
			c := hostileCommit(t, r, name, asDir)
			dir := t.TempDir()
			dst := filepath.Join(dir, "a/b/dst")
			require.NoError(t, os.MkdirAll(filepath.Dir(dst), 0o755))

			for _, opts := range []ostree.CheckoutOptions{{}, {UserMode: true}, {UserMode: true, Union: ostree.UnionFiles, Whiteouts: true}} {
				var corrupt *ostree.CorruptError
				require.ErrorAs(t, r.Checkout(t.Context(), c, dst, opts), &corrupt, "%q", name)
				require.NoDirExists(t, dst)
			}
			_, err := r.FS(t.Context(), c)
			require.Error(t, err)
			_, err = r.Fsck(t.Context(), ostree.FsckOptions{})
			require.Error(t, err)
			entries, err := os.ReadDir(filepath.Join(dir, "a"))
			require.NoError(t, err)
			require.Len(t, entries, 1)
		}
	}
}

// hostileCommit writes a commit whose root has one entry of the given name.
func hostileCommit(t *testing.T, r *ostree.Repo, name string, asDir bool) ostree.Checksum {
	t.Helper()
	good, err := r.LoadCommit(t.Context(), ostreetest.Commit(t, r, "", ostreetest.Tree{"f": ostreetest.File("payload")}))
	require.NoError(t, err)
	files, dirs := gvariant.Array("(say)"), gvariant.Array("(sayay)")
	// The name is raw bytes, since a string that breaks the rules cannot be made.
	if asDir {
		entry := gvariant.Tuple(rawString(name), gvariant.Bytes(good.Tree.Contents[:]), gvariant.Bytes(good.Tree.Meta[:]))
		dirs = gvariant.Array(entry.Type(), entry)
	} else {
		entry := gvariant.Tuple(rawString(name), gvariant.Bytes(good.Tree.Contents[:]))
		files = gvariant.Array(entry.Type(), entry)
	}
	contents := putObject(t, r, ostree.ObjectDirTree, gvariant.Tuple(files, dirs).Data())
	data, err := ostree.EncodeCommit(ostree.Commit{Timestamp: ostreetest.Timestamp(), Tree: ostree.TreeID{Contents: contents, Meta: good.Tree.Meta}})
	require.NoError(t, err)
	return putObject(t, r, ostree.ObjectCommit, data)
}

func rawString(s string) gvariant.Value { return gvariant.Bytes(append([]byte(s), 0)) }

// putObject writes a metadata object without looking at it.
func putObject(t *testing.T, r *ostree.Repo, typ ostree.ObjectType, data []byte) ostree.Checksum {
	t.Helper()
	c := ostree.Checksum(sha256.Sum256(data))
	path := objectFile(r, ostree.ObjectName{Checksum: c, Type: typ})
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return c
}
