package ostree_test

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func treeID(t *testing.T, r *ostree.Repo, c ostree.Checksum) ostree.TreeID {
	t.Helper()
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	return commit.Tree
}

// suiteTree is the one that libostree's own test-composefs.sh has the digest of.
func suiteTree() ostreetest.Tree {
	return ostreetest.Tree{
		"firstfile":            ostreetest.File("first\n"),
		"somelink":             ostreetest.Link("nosuchfile"),
		"baz/alink":            ostreetest.Link("nonexistent"),
		"baz/cow":              ostreetest.File("moo\n"),
		"baz/cowro":            ostreetest.File("mooro\n").Perm(0o600),
		"baz/saucer":           ostreetest.File("alien\n"),
		"baz/another/y":        ostreetest.File("x\n"),
		"baz/deeper/ohyeah":    ostreetest.File("hi\n"),
		"baz/deeper/ohyeahx":   ostreetest.File("hix\n").Perm(0o755),
		"baz/sub1/duplicate_a": ostreetest.File("SAME_CONTENT\n"),
		"baz/sub1/duplicate_b": ostreetest.File("SAME_CONTENT\n"),
		"baz/sub2/duplicate_c": ostreetest.File("SAME_CONTENT\n"),
	}
}

func TestComposefsIsTheSameInAllModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser, ostree.ModeBareUserOnly} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, mode)
			id := treeID(t, r, ostreetest.Commit(t, r, "", suiteTree()))
			var image bytes.Buffer
			digest, err := r.Composefs(t.Context(), id, &image, ostree.ComposefsOptions{})
			require.NoError(t, err)
			require.Equal(t, "be956966c70970ea23b1a8043bca58cfb0d011d490a35a7817b36d04c0210954", digest.String())
			again, err := composefs.FileDigest(&image)
			require.NoError(t, err)
			require.Equal(t, digest, again)
			other, err := r.Composefs(t.Context(), id, io.Discard, ostree.ComposefsOptions{NoVerity: true})
			require.NoError(t, err)
			require.NotEqual(t, digest, other)
		})
	}
}

func TestComposefsWhiteouts(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	image := func(tree ostreetest.Tree) []byte {
		var out bytes.Buffer
		_, err := r.Composefs(t.Context(), treeID(t, r, ostreetest.Commit(t, r, "", tree)), &out, ostree.ComposefsOptions{})
		require.NoError(t, err)
		return out.Bytes()
	}
	with := image(ostreetest.Tree{"d/.ostree-wh.gone": ostreetest.File("")})
	require.EqualValues(t, 1, with[12], "version of the format")
	require.Contains(t, string(with), "gone")
	require.NotContains(t, string(with), ".ostree-wh.")
	require.EqualValues(t, 0, image(ostreetest.Tree{"d/gone": ostreetest.File("")})[12])

	var node *composefs.NodeError
	id := treeID(t, r, ostreetest.Commit(t, r, "", ostreetest.Tree{"d/.ostree-wh.": ostreetest.File("")}))
	_, err := r.Composefs(t.Context(), id, io.Discard, ostree.ComposefsOptions{})
	require.ErrorAs(t, err, &node)
}

func TestComposefsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	id := treeID(t, r, ostreetest.Commit(t, r, "", suiteTree()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := r.Composefs(ctx, id, io.Discard, ostree.ComposefsOptions{})
	require.ErrorIs(t, err, context.Canceled)
}

func TestCheckoutComposefsComparesDigests(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	id := treeID(t, r, ostreetest.Commit(t, r, "", suiteTree()))
	commit := func(value func(composefs.Digest) gvariant.Value) (c ostree.Checksum) {
		require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
			digest, err := w.Composefs(t.Context(), id, io.Discard, ostree.ComposefsOptions{})
			require.NoError(t, err)
			var m ostree.Metadata
			m.SetComposefs(digest)
			m.Set(ostree.MetadataComposefs, value(digest))
			c, err = w.WriteCommit(t.Context(), ostree.Commit{Tree: id, Metadata: m, Timestamp: ostreetest.Timestamp()})
			return err
		}))
		return c
	}
	dst := filepath.Join(t.TempDir(), "image")
	good := commit(func(d composefs.Digest) gvariant.Value { return gvariant.Bytes(d[:]) })
	digest, err := r.CheckoutComposefs(t.Context(), good, dst, ostree.ComposefsOptions{})
	require.NoError(t, err)
	before, err := os.ReadFile(dst)
	require.NoError(t, err)

	bad := commit(func(d composefs.Digest) gvariant.Value { d[0]++; return gvariant.Bytes(d[:]) })
	_, err = r.CheckoutComposefs(t.Context(), bad, dst, ostree.ComposefsOptions{})
	var mismatch *ostree.ComposefsError
	require.ErrorAs(t, err, &mismatch)
	require.Equal(t, bad, mismatch.Commit)
	require.Equal(t, digest, mismatch.Got)
	require.NotEqual(t, digest, mismatch.Want)
	after, err := os.ReadFile(dst)
	require.NoError(t, err)
	require.Equal(t, before, after)

	var corrupt *ostree.CorruptError
	short := commit(func(d composefs.Digest) gvariant.Value { return gvariant.Bytes(d[:31]) })
	_, err = r.CheckoutComposefs(t.Context(), short, dst, ostree.ComposefsOptions{})
	require.ErrorAs(t, err, &corrupt)

	_, err = r.CheckoutComposefs(t.Context(), bad, dst, ostree.ComposefsOptions{NoVerity: true})
	require.NoError(t, err, "it is another image anyway")
	entries, err := os.ReadDir(filepath.Dir(dst))
	require.NoError(t, err)
	require.Len(t, entries, 1, "nothing is left beside it")
}

// Whether the test's file system has fs-verity is not known; both answers have
// consequences.
func TestVerityOfObjects(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		group, key, value string
		required          bool
	}{
		{"ex-integrity", "fsverity", "maybe", false},
		{"ex-integrity", "fsverity", "yes", true},
		{"ex-fsverity", "opportunistic", "true", false},
		{"ex-fsverity", "required", "true", true},
	} {
		t.Run(c.group+"."+c.key+"="+c.value, func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, ostree.ModeBareUserOnly)
			require.NoError(t, r.SetConfigValue(c.group, c.key, c.value))
			r = ostreetest.Open(t, r.Path())
			var file ostree.Checksum
			err := r.Update(t.Context(), func(w *ostree.Writer) error {
				var err error
				file, err = w.WriteFile(t.Context(), ostree.FileInfo{Mode: 0o100444}, strings.NewReader("content"))
				return err
			})
			if c.required && err != nil {
				require.ErrorIs(t, err, composefs.ErrUnsupported)
				require.ErrorContains(t, err, "ex-integrity.fsverity")
				return
			}
			require.NoError(t, err)
			_, content, err := r.OpenFile(t.Context(), file)
			require.NoError(t, err)
			defer content.Close()
			_, guarded, err := composefs.Measure(content.(*os.File))
			require.NoError(t, err)
			require.True(t, guarded || !c.required)
		})
	}
}
