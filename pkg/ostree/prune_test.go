package ostree_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// history makes a repository with refs, parents, a remote ref, a mirror and a
// commit without any ref.
func history(t *testing.T, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	r := ostreetest.Repo(t, mode)
	for i := range 4 {
		tree := ostreetest.Plain().With(ostreetest.Tree{fmt.Sprintf("v%d/f", i): ostreetest.File(fmt.Sprint(i))})
		ostreetest.Commit(t, r, "main", tree)
	}
	ostreetest.Commit(t, r, "", ostreetest.Tree{"lost/x": ostreetest.File("lost")})
	for name, dir := range map[string]string{"remote": "refs/remotes/origin", "mirror": "refs/mirrors/org.example.C"} {
		c := ostreetest.Commit(t, r, "", ostreetest.Tree{name: ostreetest.File(name)})
		full := filepath.Join(r.Path(), dir)
		require.NoError(t, os.MkdirAll(full, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(full, name), []byte(c.String()+"\n"), 0o644))
	}
	return r
}

// objectsOf lists the object files of a repository.
func objectsOf(t *testing.T, r *ostree.Repo) []string {
	t.Helper()
	var files []string
	root := filepath.Join(r.Path(), "objects")
	require.NoError(t, filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files = append(files, p[len(root):])
		}
		return err
	}))
	slices.Sort(files)
	return files
}

func TestPruneRemovesWhatOstreeRemoves(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	for _, test := range []struct {
		name string
		opts ostree.PruneOptions
		args []string
	}{
		{"all commits", ostree.PruneOptions{}, []string{"--depth=0"}},
		{"refs", ostree.PruneOptions{RefsOnly: true}, []string{"--refs-only", "--depth=0"}},
		{"refs and a parent", ostree.PruneOptions{RefsOnly: true, Depth: 1}, []string{"--refs-only", "--depth=1"}},
		{"refs and all parents", ostree.PruneOptions{RefsOnly: true, Depth: -1}, []string{"--refs-only"}},
	} {
		for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
			t.Run(test.name+" "+mode.String(), func(t *testing.T) {
				t.Parallel()
				ours, theirs := history(t, mode), history(t, mode)
				before := objectsOf(t, ours)
				require.Equal(t, before, objectsOf(t, theirs))
				ostreetest.CLI(t, theirs, "prune", test.args...)

				dry := test.opts
				dry.DryRun = true
				plan, err := ours.Prune(t.Context(), dry)
				require.NoError(t, err)
				require.Equal(t, before, objectsOf(t, ours))
				report, err := ours.Prune(t.Context(), test.opts)
				require.NoError(t, err)
				require.Equal(t, plan, report)
				after := objectsOf(t, ours)
				require.Equal(t, objectsOf(t, theirs), after)
				require.Equal(t, len(before), report.Total)
				require.Equal(t, len(before)-len(after), report.Deleted)
				require.Equal(t, report.Deleted > 0, report.Freed > 0)
				_, err = ours.Fsck(t.Context(), ostree.FsckOptions{})
				require.NoError(t, err)
			})
		}
	}
}

func TestPruneRemovesWhatBelongsToACommit(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	kept := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	gone := ostreetest.Commit(t, r, "", ostreetest.Tree{"x": ostreetest.File("x")})
	var paths []string
	for _, c := range []ostree.Checksum{kept, gone} {
		detached := objectFile(r, ostree.ObjectName{Checksum: c, Type: ostree.ObjectCommitMeta})
		require.NoError(t, os.WriteFile(detached, nil, 0o644))
		partial := filepath.Join(r.Path(), "state", c.String()+".commitpartial")
		require.NoError(t, os.WriteFile(partial, nil, 0o644))
		delta := filepath.Join(r.Path(), "deltas", deltaName(c)[:2], deltaName(c)[2:])
		require.NoError(t, os.MkdirAll(delta, 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(delta, "superblock"), nil, 0o644))
		paths = append(paths, detached, partial, delta)
	}
	_, err := r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.NoError(t, err)
	for i, path := range paths {
		_, err := os.Lstat(path)
		require.Equal(t, i < 3, err == nil, path)
	}
}

func TestPruneRemovesNothingIfAnythingIsUnclear(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	c := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	ostreetest.Commit(t, r, "", ostreetest.Tree{"x": ostreetest.File("x")})
	commit, err := r.LoadCommit(t.Context(), c)
	require.NoError(t, err)
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: commit.Tree.Contents, Type: ostree.ObjectDirTree})))
	before := objectsOf(t, r)
	_, err = r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.ErrorContains(t, err, "commit "+c.String())
	require.Equal(t, before, objectsOf(t, r))
}

func TestPruneWaitsForWriters(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	other, err := ostree.Open(r.Path(), ostree.Options{LockTimeout: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, other.Close()) })
	require.NoError(t, r.Update(t.Context(), func(*ostree.Writer) error {
		_, err := other.Prune(t.Context(), ostree.PruneOptions{})
		require.ErrorIs(t, err, ostree.ErrLocked)
		return nil
	}))
}
