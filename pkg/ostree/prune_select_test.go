package ostree_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// twoBranches makes five old and three young commits on each of two refs, and
// one commit without a ref. Limit is between old and young.
func twoBranches(t *testing.T) (r *ostree.Repo, limit time.Time) {
	t.Helper()
	r = ostreetest.Repo(t, ostree.ModeArchive)
	old, young := time.Unix(500_000_000, 0), time.Unix(1_700_000_000, 0)
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		tree, err := ostreetest.Build(t.Context(), w, ostreetest.Tree{"a": ostreetest.File("a")})
		if err != nil {
			return err
		}
		id, err := w.WriteTree(t.Context(), tree)
		if err != nil {
			return err
		}
		for _, branch := range []string{"stable", "dev", ""} {
			var c ostree.Checksum
			for i := range 8 {
				when := old
				if i >= 5 {
					when = young
				}
				commit := ostree.Commit{Subject: fmt.Sprint(branch, i), Timestamp: when.Add(time.Duration(i) * time.Second), Tree: id, Parent: c}
				if c, err = w.WriteCommit(t.Context(), commit); err != nil {
					return err
				}
				if branch == "" {
					return nil
				}
			}
			if err := w.SetRef(ostree.Refspec{Ref: branch}, c); err != nil {
				return err
			}
		}
		return nil
	}))
	return r, time.Unix(1_000_000_000, 0)
}

func countCommits(t *testing.T, r *ostree.Repo) int {
	t.Helper()
	commits, err := r.Commits(t.Context())
	require.NoError(t, err)
	return len(commits)
}

func TestPruneSelectors(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	younger := "--keep-younger-than=@1000000000"
	for name, test := range map[string]struct {
		opts ostree.PruneOptions // KeepYoungerThan only says whether it is given
		args []string
		want int
	}{
		"younger":                    {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0)}, []string{younger}, 6},
		"younger, depth":             {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), Depth: 4}, []string{younger, "--depth=4"}, 6},
		"younger, retain all":        {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), RetainDepth: map[string]int{"stable": -1}}, []string{younger, "--retain-branch-depth=stable=-1"}, 11},
		"younger, retain 5":          {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), RetainDepth: map[string]int{"stable": 5}}, []string{younger, "--retain-branch-depth=stable=5"}, 9},
		"younger, retain 0":          {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), RetainDepth: map[string]int{"stable": 0}}, []string{younger, "--retain-branch-depth=stable=0"}, 6},
		"younger, only":              {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), OnlyRefs: []string{"stable"}, Depth: 4}, []string{younger, "--only-branch=stable", "--depth=4"}, 11},
		"younger, only, retain":      {ostree.PruneOptions{KeepYoungerThan: time.Unix(1, 0), OnlyRefs: []string{"stable"}, RetainDepth: map[string]int{"dev": 5}}, []string{younger, "--only-branch=stable", "--retain-branch-depth=dev=5"}, 9},
		"retain, depth":              {ostree.PruneOptions{RetainDepth: map[string]int{"stable": -1}}, []string{"--retain-branch-depth=stable=-1", "--depth=0"}, 9},
		"retain less than depth":     {ostree.PruneOptions{RetainDepth: map[string]int{"stable": 1}, Depth: 3}, []string{"--retain-branch-depth=stable=1", "--depth=3"}, 6},
		"retain of no ref":           {ostree.PruneOptions{RetainDepth: map[string]int{"nope": 0}, Depth: -1}, []string{"--retain-branch-depth=nope=0"}, 16},
		"only one":                   {ostree.PruneOptions{OnlyRefs: []string{"dev"}, Depth: 1}, []string{"--only-branch=dev", "--depth=1"}, 10},
		"only both":                  {ostree.PruneOptions{OnlyRefs: []string{"dev", "stable"}, Depth: 1}, []string{"--only-branch=dev", "--only-branch=stable", "--depth=1"}, 4},
		"only, retain the other":     {ostree.PruneOptions{OnlyRefs: []string{"dev"}, RetainDepth: map[string]int{"stable": 2}}, []string{"--only-branch=dev", "--depth=0", "--retain-branch-depth=stable=2"}, 4},
		"commits only, refs":         {ostree.PruneOptions{CommitsOnly: true, RefsOnly: true, Depth: 1}, []string{"--commit-only", "--refs-only", "--depth=1"}, 4},
		"commits only, younger":      {ostree.PruneOptions{CommitsOnly: true, KeepYoungerThan: time.Unix(1, 0)}, []string{"--commit-only", younger}, 6},
		"commits only, nothing gone": {ostree.PruneOptions{CommitsOnly: true}, []string{"--commit-only"}, 17},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours, limit := twoBranches(t)
			theirs, _ := twoBranches(t)
			if !test.opts.KeepYoungerThan.IsZero() {
				test.opts.KeepYoungerThan = limit
			}
			report, err := ours.Prune(t.Context(), test.opts)
			require.NoError(t, err)
			require.Equal(t, test.want, countCommits(t, ours))
			out := ostreetest.CLI(t, theirs, "prune", test.args...)
			require.Equal(t, objectsOf(t, theirs), objectsOf(t, ours))
			require.Contains(t, out, fmt.Sprintf("objects: %d", report.Total))
			if report.Deleted > 0 {
				require.Contains(t, out, fmt.Sprintf("Deleted %d objects", report.Deleted))
			}
		})
	}
}

// libostree takes a depth of 0 for none given.
func TestPruneRetainsJustTheCommitOfARef(t *testing.T) {
	t.Parallel()
	r, _ := twoBranches(t)
	_, err := r.Prune(t.Context(), ostree.PruneOptions{RetainDepth: map[string]int{"stable": 0}, Depth: 1})
	require.NoError(t, err)
	require.Equal(t, 3, countCommits(t, r))
}

func TestPruneOfARefThatIsNone(t *testing.T) {
	t.Parallel()
	r, _ := twoBranches(t)
	_, err := r.Prune(t.Context(), ostree.PruneOptions{OnlyRefs: []string{"nope"}})
	var notFound *ostree.RefNotFoundError
	require.ErrorAs(t, err, &notFound)
	require.Equal(t, "nope", notFound.Rev)
	require.Equal(t, 17, countCommits(t, r))
}

// libostree forgets refs in collections here.
func TestPruneSelectorsKeepMirrors(t *testing.T) {
	t.Parallel()
	r, limit := twoBranches(t)
	mirrored := ostreetest.Commit(t, r, "", ostreetest.Tree{"m": ostreetest.File("m")})
	require.NoError(t, r.Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetCollectionRef(ostree.CollectionRef{Collection: "org.example.C", Ref: "m"}, mirrored)
	}))
	_, err := r.Prune(t.Context(), ostree.PruneOptions{KeepYoungerThan: limit, OnlyRefs: []string{"dev"}})
	require.NoError(t, err)
	_, err = r.LoadCommit(t.Context(), mirrored)
	require.NoError(t, err)
}

func TestPruneOfRefWithoutCommit(t *testing.T) {
	t.Parallel()
	r, limit := twoBranches(t)
	stable, err := r.Resolve(t.Context(), "stable")
	require.NoError(t, err)
	require.NoError(t, os.Remove(objectFile(r, ostree.ObjectName{Checksum: stable, Type: ostree.ObjectCommit})))
	_, err = r.Prune(t.Context(), ostree.PruneOptions{KeepYoungerThan: limit, OnlyRefs: []string{"stable"}})
	require.NoError(t, err)
	require.Equal(t, 8, countCommits(t, r))
}

func TestPruneWritesTombstones(t *testing.T) {
	t.Parallel()
	r, _ := twoBranches(t)
	require.NoError(t, r.EnableTombstones())
	report, err := r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.NoError(t, err)
	require.Equal(t, 15, report.Deleted)
	tombstones := 0
	for _, path := range objectsOf(t, r) {
		if strings.HasSuffix(path, ".tombstone-commit") {
			tombstones++
		}
	}
	require.Equal(t, 15, tombstones)
}

func TestDeleteCommit(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	ours, _ := twoBranches(t)
	theirs, _ := twoBranches(t)
	head, err := ours.Resolve(t.Context(), "stable")
	require.NoError(t, err)
	var inUse *ostree.CommitInUseError
	require.ErrorAs(t, ours.DeleteCommit(t.Context(), head), &inUse)
	require.Equal(t, ostree.Refspec{Ref: "stable"}, inUse.Ref)
	require.ErrorIs(t, ours.DeleteCommit(t.Context(), ostree.Checksum{1}), ostree.ErrObjectNotFound)
	value, ok := ours.ConfigValue("core", "tombstone-commits")
	require.False(t, ok, value)

	parent, err := ours.Resolve(t.Context(), "stable^")
	require.NoError(t, err)
	require.NoError(t, ours.SetCommitState(t.Context(), parent, ostree.CommitPartial))
	require.NoError(t, ours.DeleteCommit(t.Context(), parent))
	require.Equal(t, ostree.CommitComplete, state(t, ours, parent))
	ostreetest.CLI(t, theirs, "prune", "--delete-commit="+parent.String())
	require.Equal(t, objectsOf(t, theirs), objectsOf(t, ours))
	tombstone := ostree.ObjectName{Checksum: parent, Type: ostree.ObjectTombstone}
	want, err := os.ReadFile(objectFile(theirs, tombstone))
	require.NoError(t, err)
	got, err := os.ReadFile(objectFile(ours, tombstone))
	require.NoError(t, err)
	require.Equal(t, want, got)

	require.NoError(t, ours.Update(t.Context(), func(w *ostree.Writer) error {
		return w.SetCollectionRef(ostree.CollectionRef{Collection: "org.example.C", Ref: "m"}, head)
	}))
	require.NoError(t, ours.Update(t.Context(), func(w *ostree.Writer) error { return w.DeleteRef(ostree.Refspec{Ref: "stable"}) }))
	require.ErrorAs(t, ours.DeleteCommit(t.Context(), head), &inUse)
	require.Equal(t, "org.example.C", inUse.CollectionRef.Collection)
}

// touchAll makes files, with their directories.
func touchAll(t *testing.T, root string, paths ...string) {
	t.Helper()
	for _, path := range paths {
		full := filepath.Join(root, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(full), 0o755))
		require.NoError(t, os.WriteFile(full, nil, 0o644))
	}
}

func exists(t *testing.T, path string) bool {
	t.Helper()
	_, err := os.Lstat(path)
	if err != nil {
		require.ErrorIs(t, err, fs.ErrNotExist)
	}
	return err == nil
}

func TestPruneRemovesWhatNobodyNeeds(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	kept := ostreetest.Commit(t, r, "main", ostreetest.Tree{"x": ostreetest.File("x")})
	gone := ostreetest.Commit(t, r, "", ostreetest.Tree{"y": ostreetest.File("y")})
	link := func(c ostree.Checksum, path string, name byte) string {
		target := objectFile(r, fileObject(t, r, c, path))
		link := objectFile(r, ostree.ObjectName{Checksum: ostree.Checksum{name}, Type: ostree.ObjectPayloadLink})
		require.NoError(t, os.MkdirAll(filepath.Dir(link), 0o755))
		require.NoError(t, os.Symlink("../"+target[len(filepath.Join(r.Path(), "objects"))+1:], link))
		return link
	}
	keptLink, goneLink := link(kept, "/x", 1), link(gone, "/y", 2)
	require.NoError(t, r.SetConfigValue(`remote "known"`, "url", "http://archive.example/"))
	require.NoError(t, r.SetConfigValue("core", "payload-link-threshold", "1"))
	index := func(c ostree.Checksum) string {
		return "delta-indexes/" + deltaName(c)[:2] + "/" + deltaName(c)[2:] + ".index"
	}
	touchAll(t, r.Path(), index(kept), index(gone), "deltas/xx/not-a-delta", "delta-indexes/strange",
		"tmp/cache/summaries/known", "tmp/cache/summaries/known.sig", "tmp/cache/summaries/lost", "tmp/cache/summaries/lost.sig")

	r = ostreetest.Open(t, r.Path())
	_, err := r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true, DryRun: true})
	require.NoError(t, err)
	require.True(t, exists(t, goneLink))
	_, err = r.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.NoError(t, err)
	for path, want := range map[string]bool{
		keptLink: true, goneLink: false,
		filepath.Join(r.Path(), index(kept)):                 true,
		filepath.Join(r.Path(), index(gone)):                 false,
		filepath.Join(r.Path(), "deltas/xx/not-a-delta"):     true,
		filepath.Join(r.Path(), "delta-indexes/strange"):     true,
		filepath.Join(r.Path(), "tmp/cache/summaries/known"): true, filepath.Join(r.Path(), "tmp/cache/summaries/known.sig"): true,
		filepath.Join(r.Path(), "tmp/cache/summaries/lost"): false, filepath.Join(r.Path(), "tmp/cache/summaries/lost.sig"): false,
	} {
		require.Equal(t, want, exists(t, path), path)
	}
}

func TestPruneDeltas(t *testing.T) {
	t.Parallel()
	r, _ := twoBranches(t)
	stable, err := r.Resolve(t.Context(), "stable")
	require.NoError(t, err)
	dev, err := r.Resolve(t.Context(), "dev")
	require.NoError(t, err)
	path := func(c ostree.Checksum) string { return "deltas/" + deltaName(c)[:2] + "/" + deltaName(c)[2:] }
	touchAll(t, r.Path(), path(stable)+"/superblock", path(dev)+"/superblock")
	require.NoError(t, r.PruneDeltas(t.Context(), stable))
	require.False(t, exists(t, filepath.Join(r.Path(), path(stable))))
	require.True(t, exists(t, filepath.Join(r.Path(), path(dev))))
	require.Equal(t, 17, countCommits(t, r))
}

func TestPruneOfPartialCommits(t *testing.T) {
	t.Parallel()
	r := ostreetest.Repo(t, ostree.ModeBareUser)
	whole := ostreetest.Commit(t, r, "main", ostreetest.Plain())
	partial := ostreetest.Commit(t, r, "part", ostreetest.Plain().With(ostreetest.Tree{"x": ostreetest.File("x")}))
	require.NoError(t, os.Remove(objectFile(r, treeObject(t, r, partial))))
	_, err := r.Prune(t.Context(), ostree.PruneOptions{})
	require.ErrorIs(t, err, ostree.ErrObjectNotFound)
	require.ErrorContains(t, err, "commit "+partial.String())
	require.NoError(t, r.SetCommitState(t.Context(), partial, ostree.CommitPartial))
	_, err = r.Prune(t.Context(), ostree.PruneOptions{})
	require.NoError(t, err)
	_, err = r.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Equal(t, ostree.CommitComplete, state(t, r, whole))
}

func TestPruneOfAChildRepository(t *testing.T) {
	t.Parallel()
	parent := ostreetest.Repo(t, ostree.ModeBareUser)
	ostreetest.Commit(t, parent, "base", ostreetest.Plain())
	dir := filepath.Join(t.TempDir(), "child")
	child, err := ostree.Init(dir, ostree.ModeBareUser, ostree.Options{NoSync: true})
	require.NoError(t, err)
	require.NoError(t, child.SetConfigValue("core", "parent", parent.Path()))
	require.NoError(t, child.Close())
	child = ostreetest.Open(t, dir)
	// Its tree is in the parent except for what is new.
	c := ostreetest.Commit(t, child, "main", ostreetest.Plain().With(ostreetest.Tree{"new": ostreetest.File("new")}))
	before, inParent := objectsOf(t, child), objectsOf(t, parent)
	_, err = child.Prune(t.Context(), ostree.PruneOptions{RefsOnly: true})
	require.NoError(t, err)
	require.Equal(t, before, objectsOf(t, child))
	require.Equal(t, inParent, objectsOf(t, parent))
	report, err := child.Fsck(t.Context(), ostree.FsckOptions{})
	require.NoError(t, err)
	require.Greater(t, report.Objects, len(before))
	damage(t, parent, fileObject(t, child, c, "/usr/bin/hello"))
	_, err = child.Fsck(t.Context(), ostree.FsckOptions{})
	require.Error(t, err)
}
