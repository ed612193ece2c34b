package ostree_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// damage changes one byte of an object.
func damage(t *testing.T, r *ostree.Repo, n ostree.ObjectName) {
	t.Helper()
	path := objectFile(r, n)
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	data[len(data)-3] ^= 1
	require.NoError(t, os.WriteFile(path, data, 0o644))
}

func treeObject(t *testing.T, r *ostree.Repo, c ostree.Checksum) ostree.ObjectName {
	t.Helper()
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	return ostree.ObjectName{Checksum: commit.Tree.Contents, Type: ostree.ObjectDirTree}
}

func state(t *testing.T, r *ostree.Repo, c ostree.Checksum) ostree.CommitState {
	t.Helper()
	s, err := r.CommitState(t.Context(), c)
	require.NoError(t, err)
	return s
}

func TestFsckMarksCommitsThatLackObjects(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	one := ostreetest.Commit(t, r, "one", ostreetest.Plain())
	two := ostreetest.Commit(t, r, "two", ostreetest.Tree{"y": ostreetest.File("y")})
	require.NoError(t, os.Remove(objectFile(r, fileObject(t, r, one, "/usr/bin/hello"))))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{})
	require.Error(t, err)
	require.Empty(t, report.Marked)
	require.Equal(t, ostree.CommitComplete, state(t, r, one))

	report, err = r.Fsck(t.Context(), ostree.FsckOptions{Mark: true})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.Equal(t, []ostree.Checksum{one}, report.Marked)
	require.Equal(t, ostree.CommitDamaged, state(t, r, one))
	require.Equal(t, ostree.CommitComplete, state(t, r, two))

	report, err = r.Fsck(t.Context(), ostree.FsckOptions{})
	var damaged *ostree.FsckError
	require.ErrorAs(t, err, &damaged)
	require.Empty(t, damaged.Problems)
	require.Equal(t, 1, damaged.Damaged)
	require.Equal(t, 1, report.Damaged)
	require.ErrorContains(t, err, "pull them again")
}

func TestFsckDeletesCorruptObjects(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		r := ostreetest.Repo(t, mode)
		c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
		file, dir := fileObject(t, r, c, "/usr/bin/hello"), treeObject(t, r, c)
		damage(t, r, file)
		report, err := r.Fsck(t.Context(), ostree.FsckOptions{Delete: true})
		require.Error(t, err)
		require.Len(t, report.Problems, 1)
		require.True(t, report.Problems[0].Deleted)
		var wrong *ostree.ChecksumError
		require.ErrorAs(t, err, &wrong)
		require.Equal(t, file, wrong.Object)
		require.NoFileExists(t, objectFile(r, file))
		require.FileExists(t, objectFile(r, dir))
		require.Equal(t, ostree.CommitDamaged, state(t, r, c))
	}
}

func TestFsckDoesNotFollowCorruptDirTrees(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	// The dirtree of another commit in its place is well formed and not what the name says.
	other := ostreetest.Commit(t, r, "other", ostreetest.Tree{"only": ostreetest.File("only")})
	data, err := os.ReadFile(objectFile(r, treeObject(t, r, other)))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(objectFile(r, treeObject(t, r, c)), data, 0o644))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{All: true})
	require.Error(t, err)
	require.Len(t, report.Problems, 1)
	require.Equal(t, []ostree.Checksum{c}, report.Problems[0].Commits)
}

// severalKindsOfDamage breaks a file, and loses a dirtree with a file below it.
func severalKindsOfDamage(t *testing.T, r *ostree.Repo, c ostree.Checksum) {
	t.Helper()
	below, dir := fileObject(t, r, c, "/usr/lib/a/twin"), treeObject(t, r, c)
	damage(t, r, fileObject(t, r, c, "/usr/bin/hello"))
	require.NoError(t, os.Remove(objectFile(r, below)))
	require.NoError(t, os.Remove(objectFile(r, dir)))
}

func TestFsckRepairsFromAnotherRepository(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, src, "main", ostreetest.Plain())
	r := ostreetest.Repo(t, ostree.ModeArchive)
	require.Equal(t, c, ostreetest.Commit(t, r, "main", ostreetest.Plain()))
	severalKindsOfDamage(t, r, c)
	require.NoError(t, r.SetCommitState(t.Context(), c, ostree.CommitDamaged))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{Repair: ostree.RepairFrom(src), Mark: true})
	require.NoError(t, err)
	require.Len(t, report.Repaired, 3)
	require.Equal(t, []ostree.Checksum{c}, report.Completed)
	require.Empty(t, report.Problems)
	require.Equal(t, ostree.CommitComplete, state(t, r, c))
	report, err = r.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Equal(t, 1, report.Commits)
}

func TestFsckKeepsWhatItCannotRepair(t *testing.T) {
	t.Parallel()
	src := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, src, "main", ostreetest.Plain())
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	ostreetest.Commit(t, r, "main", ostreetest.Plain())
	lost, corrupt := fileObject(t, r, c, "/usr/bin/hello"), fileObject(t, r, c, "/usr/lib/a/twin")
	damage(t, r, corrupt)
	damage(t, src, corrupt) // no better
	require.NoError(t, os.Remove(objectFile(r, lost)))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{Repair: ostree.RepairFrom(src), Mark: true})
	require.Error(t, err)
	require.Equal(t, []ostree.ObjectName{lost}, report.Repaired)
	require.Len(t, report.Problems, 1)
	require.Equal(t, corrupt, report.Problems[0].Object)
	require.Equal(t, []ostree.Checksum{c}, report.Problems[0].Commits)
	require.FileExists(t, objectFile(r, corrupt))
}

func TestFsckRepairsFromRemote(t *testing.T) {
	t.Parallel()
	archive := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, archive, "main", ostreetest.Full().With(ostreetest.Plain()))
	server := httptest.NewServer(http.FileServer(http.Dir(archive.Path())))
	t.Cleanup(server.Close)
	for name, url := range map[string]string{"http": server.URL, "file": "file://" + archive.Path()} {
		r := ostreetest.Repo(t, ostree.ModeBareUser)
		require.NoError(t, r.SetConfigValue(`remote "`+name+`"`, "url", url))
		require.NoError(t, ostree.ImportCommit(t.Context(), r, archive, c))
		link := fileObject(t, r, c, "/usr/bin/hi")
		severalKindsOfDamage(t, r, c)
		require.NoError(t, os.Remove(objectFile(r, link)))
		repair, closeRemote, err := r.RepairFromRemote(t.Context(), name, ostree.FetchOptions{})
		require.NoError(t, err)
		report, err := r.Fsck(t.Context(), ostree.FsckOptions{Repair: repair})
		require.NoError(t, err)
		require.NoError(t, closeRemote())
		require.Len(t, report.Repaired, 4, name)
		_, err = r.Fsck(t.Context(), ostree.FsckOptions{})
		require.NoError(t, err)
	}
}

func TestFsckTakesNothingWrongFromRemote(t *testing.T) {
	t.Parallel()
	archive := ostreetest.Repo(t, ostree.ModeArchive)
	c := ostreetest.Commit(t, archive, "main", ostreetest.Plain())
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	require.NoError(t, ostree.ImportCommit(t.Context(), r, archive, c))
	for _, n := range []ostree.ObjectName{fileObject(t, r, c, "/usr/bin/hello"), fileObject(t, r, c, "/usr/lib/a/twin"), treeObject(t, r, c)} {
		damage(t, archive, n)
		require.NoError(t, os.Remove(objectFile(r, n)))
	}
	server := httptest.NewServer(http.FileServer(http.Dir(archive.Path())))
	t.Cleanup(server.Close)
	require.NoError(t, r.SetConfigValue(`remote "origin"`, "url", server.URL))
	repair, closeRemote, err := r.RepairFromRemote(t.Context(), "origin", ostree.FetchOptions{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, closeRemote()) })
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{Repair: repair})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.Empty(t, report.Repaired)
}

// libostree 2022.7 deletes the commit whose parent is missing and writes a
// tombstone for that; its manual and we mean the parent.
func TestFsckWritesTombstonesOfMissingParents(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeArchive)
	parent := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	ostreetest.Commit(t, r, "main", ostreetest.Plain().Without("usr/bin/hello"))
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: parent, Type: ostree.ObjectCommit})))
	report, err := r.Fsck(t.Context(), ostree.FsckOptions{Tombstones: true})
	require.NoError(t, err)
	require.Equal(t, []ostree.Checksum{parent}, report.Tombstones)
	ok, err := r.HasTombstone(t.Context(), parent)
	require.NoError(t, err)
	require.True(t, ok)
	value, _ := r.ConfigValue("core", "tombstone-commits")
	require.Equal(t, "true", value)

	// Once is enough, and the commit that comes back takes it away.
	report, err = r.Fsck(t.Context(), ostree.FsckOptions{Tombstones: true})
	require.NoError(t, err)
	require.Empty(t, report.Tombstones)
	require.Equal(t, parent, ostreetest.Commit(t, r, "", ostreetest.Plain()))
	ok, err = r.HasTombstone(t.Context(), parent)
	require.NoError(t, err)
	require.False(t, ok)
}
