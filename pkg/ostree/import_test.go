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

func TestImportCommit(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"))
	modes := []ostree.Mode{ostree.ModeBare, ostree.ModeBareUser, ostree.ModeArchive}
	for _, from := range modes {
		for _, to := range modes {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				t.Parallel()
				src, dst := ostreetest.Repo(t, from), ostreetest.Repo(t, to)
				ostreetest.Commit(t, src, "main", ostreetest.Plain())
				c := ostreetest.Commit(t, src, "main", ostreetest.Full())
				note := ostree.Metadata{{Key: "note", Value: gvariant.String("attached")}}
				require.NoError(t, src.Update(t.Context(), func(w *ostree.Writer) error {
					return w.WriteDetachedMetadata(t.Context(), c, note)
				}))

				require.NoError(t, ostree.ImportCommit(t.Context(), dst, src, c))
				require.Equal(t, ostreetest.List(t, src, c), ostreetest.List(t, dst, c))
				report, err := dst.Fsck(t.Context(), ostree.FsckOptions{})
				require.NoError(t, err)
				require.Equal(t, 1, report.Commits)
				require.Contains(t, ostreetest.CLI(t, dst, "fsck"), "no errors found")
				detached, err := dst.DetachedMetadata(t.Context(), c)
				require.NoError(t, err)
				require.Equal(t, "attached", detached.Str("note"))

				var st unix.Stat_t
				require.NoError(t, unix.Lstat(objectFile(dst, fileObject(t, dst, c, "/etc/passwd")), &st))
				require.Equal(t, from == to, st.Nlink == 2)

				require.NoError(t, dst.Update(t.Context(), func(w *ostree.Writer) error { // again: nothing to do
					defer func() { require.Zero(t, w.Stats().ContentWritten) }()
					return w.ImportCommit(t.Context(), src, c)
				}))
			})
		}
	}
}

func TestImportCommitIsAllOrNothing(t *testing.T) {
	t.Parallel()
	src, dst := ostreetest.Repo(t, ostree.ModeArchive), ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, src, "main", ostreetest.Plain())
	path := objectFile(src, fileObject(t, src, c, "/usr/bin/hello"))
	other, err := os.ReadFile(objectFile(src, fileObject(t, src, c, "/etc/passwd")))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, other, 0o644))
	var corrupt *ostree.CorruptError
	require.ErrorAs(t, ostree.ImportCommit(t.Context(), dst, src, c), &corrupt)
	require.Empty(t, objectsOf(t, dst))

	require.NoError(t, os.Remove(path))
	require.ErrorIs(t, ostree.ImportCommit(t.Context(), dst, src, c), ostree.ErrObjectNotFound)
	require.ErrorIs(t, ostree.ImportCommit(t.Context(), dst, src, ostree.Checksum{1}), ostree.ErrObjectNotFound)
	require.Empty(t, objectsOf(t, dst))
}
