package ostree_test

import (
	"crypto/sha256"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestWriteNamedRefusesOtherContent(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	fi := ostree.FileInfo{Mode: unix.S_IFREG | 0o644}
	var c ostree.Checksum
	update(t, r, func(w *ostree.Writer) (err error) {
		c, err = w.WriteFile(t.Context(), fi, strings.NewReader("a"))
		return err
	})
	// One that is there is not read.
	update(t, r, func(w *ostree.Writer) error { return w.WriteNamed(t.Context(), c, fi, failing{}) })

	other := ostreetest.Repo(t, ostree.ModeBareUser)
	for _, content := range []string{"b", strings.Repeat("b", 1<<20)} {
		err := other.Update(t.Context(), func(w *ostree.Writer) error { return w.WriteNamed(t.Context(), c, fi, strings.NewReader(content)) })
		var wrong *ostree.ChecksumError
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, c, wrong.Object.Checksum)
	}
	update(t, other, func(w *ostree.Writer) error { return w.WriteNamed(t.Context(), c, fi, strings.NewReader("a")) })
	has, err := other.Has(t.Context(), ostree.ObjectName{Checksum: c, Type: ostree.ObjectFile})
	require.NoError(t, err)
	require.True(t, has)
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestWriteMetadataRefusesWhatIsNone(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	junk := []byte("junk")
	for _, kind := range []ostree.ObjectType{ostree.ObjectCommit, ostree.ObjectDirTree, ostree.ObjectDirMeta, ostree.ObjectTombstone} {
		err := r.Update(t.Context(), func(w *ostree.Writer) error {
			return w.WriteMetadata(t.Context(), ostree.ObjectName{Checksum: sha256.Sum256(junk), Type: kind}, junk)
		})
		require.Error(t, err, kind)
		err = r.Update(t.Context(), func(w *ostree.Writer) error {
			return w.WriteMetadata(t.Context(), ostree.ObjectName{Type: kind}, junk)
		})
		var wrong *ostree.ChecksumError
		require.ErrorAs(t, err, &wrong, kind)
	}
}

func TestMissingFindsWhatATreeLacks(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "test", ostreetest.Tree{"usr/bin/a": ostreetest.File("a"), "usr/b": ostreetest.Link("a")})
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	objects, err := r.Reachable(t.Context(), 0, c)
	require.NoError(t, err)
	update(t, r, func(w *ostree.Writer) error {
		lost, err := w.Missing(t.Context(), commit.Tree)
		require.Nil(t, lost)
		return err
	})
	other := ostreetest.Repo(t, ostree.ModeBareUser)
	// Objects arrive in any order; until the last one something is missing.
	delete(objects, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})
	update(t, other, func(w *ostree.Writer) error {
		for name := range objects {
			lost, err := w.Missing(t.Context(), commit.Tree)
			require.NoError(t, err)
			require.NotNil(t, lost)
			require.NoError(t, copyObject(t, r, w, name))
		}
		lost, err := w.Missing(t.Context(), commit.Tree)
		require.Nil(t, lost)
		return err
	})
}

func copyObject(t testing.TB, from *ostree.Repo, w *ostree.Writer, name ostree.ObjectName) error {
	t.Helper()
	if name.Type != ostree.ObjectFile {
		v, err := from.LoadVariant(t.Context(), name)
		require.NoError(t, err)
		return w.WriteMetadata(t.Context(), name, v.Data())
	}
	fi, content, err := from.OpenFile(t.Context(), name.Checksum)
	require.NoError(t, err)
	defer content.Close()
	return w.WriteNamed(t.Context(), name.Checksum, fi, content)
}

func TestXattrsEncodeAsAValue(t *testing.T) {
	t.Parallel()
	attrs := []ostree.Xattr{{Name: "security.x", Value: []byte("1")}, {Name: "user.y", Value: []byte{0}}}
	back, err := ostree.DecodeXattrs(ostree.EncodeXattrs(attrs))
	require.NoError(t, err)
	require.Equal(t, attrs, back)
	none, err := ostree.DecodeXattrs(ostree.EncodeXattrs(nil))
	require.NoError(t, err)
	require.Empty(t, none)
	_, err = ostree.DecodeXattrs([]byte("junk"))
	require.Error(t, err)
}
