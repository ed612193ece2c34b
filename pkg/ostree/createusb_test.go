package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

const apps = "org.example.Apps"

// publisher is a repository of a collection with the refs a and b.
func publisher(t *testing.T) *ostree.Repo {
	t.Helper()
	r := configured(t, ostree.ModeArchive, map[string]string{"core/collection-id": apps})
	for _, ref := range []string{"a", "b"} {
		commitBound(t, r, ref, ostreetest.Tree{"file": ostreetest.File(ref)})
	}
	return r
}

// commitBound commits to a ref of the repository's collection.
func commitBound(t *testing.T, r *ostree.Repo, ref string, tree ostreetest.Tree) ostree.Checksum {
	t.Helper()
	var c ostree.Checksum
	ctx := t.Context()
	require.NoError(t, r.Update(ctx, func(w *ostree.Writer) error {
		built, err := ostreetest.Build(ctx, w, tree)
		if err != nil {
			return err
		}
		commit := ostree.Commit{Timestamp: ostreetest.Timestamp(), Metadata: ostree.Metadata{
			{Key: ostree.MetadataRefBinding, Value: gvariant.Strings([]string{ref})},
			{Key: ostree.MetadataCollectionBinding, Value: gvariant.String(apps)},
		}}
		if commit.Tree, err = w.WriteTree(ctx, built); err != nil {
			return err
		}
		if c, err = w.WriteCommit(ctx, commit); err != nil {
			return err
		}
		return w.SetRef(ostree.Refspec{Ref: ref}, c)
	}))
	return c
}

func TestCreateUSB(t *testing.T) {
	t.Parallel()
	src, volume := publisher(t), t.TempDir()
	for _, ref := range []string{"a", "b"} { // the second one is added to the first
		_, err := src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Collection: apps, Ref: ref}}, ostree.USBOptions{})
		require.NoError(t, err)
	}
	require.NoDirExists(t, filepath.Join(volume, ".ostree/repos.d"))
	usb := ostreetest.Open(t, filepath.Join(volume, ".ostree/repo"))
	require.Equal(t, ostree.ModeArchive, usb.Mode())
	s := readSummary(t, usb)
	for _, ref := range []string{"a", "b"} {
		c, err := src.Resolve(t.Context(), ref)
		require.NoError(t, err)
		found, ok := s.LookupCollection(apps, ref)
		require.True(t, ok)
		require.Equal(t, c, found.Commit)
		require.Equal(t, ostreetest.List(t, src, c), ostreetest.List(t, usb, c))
	}
}

func TestCreateUSBElsewhere(t *testing.T) {
	t.Parallel()
	src, volume := publisher(t), t.TempDir()
	opts := ostree.USBOptions{Path: "deep/place"}
	for range 2 {
		_, err := src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Collection: apps, Ref: "a"}}, opts)
		require.NoError(t, err)
	}
	links, err := os.ReadDir(filepath.Join(volume, ".ostree/repos.d"))
	require.NoError(t, err)
	require.Len(t, links, 1, "one link, also after the second time")
	target, err := os.Readlink(filepath.Join(volume, ".ostree/repos.d", links[0].Name()))
	require.NoError(t, err)
	require.Equal(t, "../../deep/place", target)
}

func TestCreateUSBStaysInTheVolume(t *testing.T) {
	t.Parallel()
	src, volume := publisher(t), t.TempDir()
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(volume, "out")))
	for _, path := range []string{"../outside", "out/repo", "/tmp/absolute"} {
		_, err := src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Collection: apps, Ref: "a"}}, ostree.USBOptions{Path: path})
		var wrong *ostree.USBPathError
		require.ErrorAs(t, err, &wrong, path)
	}
	_, err := src.CreateUSB(t.Context(), filepath.Dir(src.Path()), []ostree.PullRef{{Collection: apps, Ref: "a"}}, ostree.USBOptions{Path: filepath.Base(src.Path())})
	var wrong *ostree.USBPathError
	require.ErrorAs(t, err, &wrong)
	require.True(t, wrong.Source)
	_, err = src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Ref: "a"}}, ostree.USBOptions{})
	require.Error(t, err, "without a collection nobody would find it")
	_, err = src.CreateUSB(t.Context(), volume, []ostree.PullRef{{Collection: apps, Ref: "c"}}, ostree.USBOptions{})
	require.ErrorIs(t, err, ostree.ErrRefNotFound)
}
