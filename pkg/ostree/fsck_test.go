package ostree_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

func TestFsckClean(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root)
	for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeBareUser, ostree.ModeArchive} {
		r := ostreetest.Repo(t, mode)
		ostreetest.Commit(t, r, "main", ostreetest.Full())
		ostreetest.Commit(t, r, "main", ostreetest.Full().Without("etc/passwd"))
		var last ostree.FsckProgress
		report, err := r.Fsck(t.Context(), ostree.FsckOptions{Progress: func(p ostree.FsckProgress) {
			if p.Phase == last.Phase {
				require.Greater(t, p.Done, last.Done)
			} else {
				require.Greater(t, p.Phase, last.Phase)
			}
			last = p
		}})
		require.NoError(t, err)
		require.Equal(t, 2, report.Commits)
		require.Zero(t, report.Partial)
		require.Equal(t, report.Objects, last.Done)
		require.Equal(t, last.Total, last.Done)
		require.Greater(t, report.Bytes, int64(300_000))
	}
}

// objectFile is where an object of a repository is on disk.
func objectFile(r *ostree.Repo, n ostree.ObjectName) string {
	ext := n.Type.String()
	if r.Mode() == ostree.ModeArchive && !n.Type.IsMeta() {
		ext += "z"
	}
	c := n.Checksum.String()
	return filepath.Join(r.Path(), "objects", c[:2], c[2:]+"."+ext)
}

// fileObject is the object of a path in a commit.
func fileObject(t *testing.T, r *ostree.Repo, c ostree.Checksum, path string) ostree.ObjectName {
	t.Helper()
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	tree, err := r.LoadTree(t.Context(), commit.Tree)
	require.NoError(t, err)
	e, err := tree.Lookup(path)
	require.NoError(t, err)
	return ostree.ObjectName{Checksum: e.File, Type: ostree.ObjectFile}
}

func TestFsckFindsDamage(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.UserXattrs, testenv.Tool("ostree"))
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			r := ostreetest.Repo(t, mode)
			one := ostreetest.Commit(t, r, "one", ostreetest.Plain())
			two := ostreetest.Commit(t, r, "two", ostreetest.Plain().With(ostreetest.Tree{"x": ostreetest.File("x")}))
			three := ostreetest.Commit(t, r, "three", ostreetest.Tree{"y": ostreetest.File("y")})
			damaged := fileObject(t, r, one, "/usr/bin/hello")
			path := objectFile(r, damaged)
			data, err := os.ReadFile(path)
			require.NoError(t, err)
			data[len(data)-3] ^= 1
			require.NoError(t, os.WriteFile(path, data, 0o644))

			report, err := r.Fsck(t.Context(), ostree.FsckOptions{All: true})
			var damage *ostree.FsckError
			require.ErrorAs(t, err, &damage)
			require.Len(t, report.Problems, 1)
			require.Equal(t, damage.Problems, report.Problems)
			require.Equal(t, damaged, report.Problems[0].Object)
			require.ElementsMatch(t, []ostree.Checksum{one, two}, report.Problems[0].Commits)
			var corrupt *ostree.CorruptError
			require.ErrorAs(t, err, &corrupt)
			for _, text := range []string{damaged.String(), one.String(), two.String(), "is corrupt"} {
				require.ErrorContains(t, err, text)
			}
			require.NotContains(t, err.Error(), three.String())

			out, err := ostreetest.TryCLI(t, r, "fsck")
			require.Error(t, err)
			require.Contains(t, out, damaged.Checksum.String())
		})
	}
}

func TestFsckFindsMissingObjects(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	file := fileObject(t, r, c, "/usr/bin/hello")
	require.NoError(t, os.Remove(objectFile(r, file)))
	_, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)

	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	tree := ostree.ObjectName{Checksum: commit.Tree.Contents, Type: ostree.ObjectDirTree}
	require.NoError(t, os.Remove(objectFile(r, tree)))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{All: true})
	require.Error(t, err)
	require.Equal(t, tree, report.Problems[0].Object)
	require.Equal(t, []ostree.Checksum{c}, report.Problems[0].Commits)
}

func TestFsckRefToNothing(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommit})))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.Equal(t, "heads/main", report.Problems[0].Ref)
}

func TestFsckPassesOverPartialCommits(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	require.NoError(t, os.Remove(objectFile(r, fileObject(t, r, c, "/usr/bin/hello"))))
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "state", c.String()+".commitpartial"), nil, 0o644))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, report.Partial)
	require.Zero(t, report.Commits)
}
