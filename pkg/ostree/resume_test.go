package ostree_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

var errInterrupted = errors.New("interrupted")

// interrupt makes an update that stages a file and fails.
func interrupt(t *testing.T, r *ostree.Repo, content string) {
	t.Helper()
	err := r.UpdateWith(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), plain, text(content))
		require.NoError(t, err)
		return errInterrupted
	}, ostree.UpdateOptions{Resume: true})
	require.ErrorIs(t, err, errInterrupted)
}

func staged(t *testing.T, r *ostree.Repo, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(r.Path(), "tmp", pattern))
	require.NoError(t, err)
	return found
}

func TestUpdateResumes(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	interrupt(t, r, "one")
	dirs := staged(t, r, "staging-*")
	require.Len(t, dirs, 1, "the directory stays, its lock file goes")
	require.NoError(t, os.WriteFile(filepath.Join(dirs[0], "new-1"), []byte("half"), 0o600))

	update(t, r, func(*ostree.Writer) error { return nil })
	require.Equal(t, dirs, staged(t, r, "staging-*"), "an update that does not resume leaves it")

	require.NoError(t, r.UpdateWith(t.Context(), func(w *ostree.Writer) error {
		require.NoFileExists(t, filepath.Join(dirs[0], "new-1"))
		_, err := w.WriteFile(t.Context(), plain, text("one"))
		require.Zero(t, w.Stats().ContentWritten, "it is there already")
		return err
	}, ostree.UpdateOptions{Resume: true}))
	requireNoLeftovers(t, r)
	files, err := filepath.Glob(filepath.Join(r.Path(), "objects", "*", "*.file"))
	require.NoError(t, err)
	require.Len(t, files, 1)
}

func TestUpdateResumesOnlyWhatThisBootLeft(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	interrupt(t, r, "one")
	other, err := ostree.Open(r.Path(), ostree.Options{NoSync: true, BootID: "next-boot"})
	require.NoError(t, err)
	defer other.Close()
	require.NoError(t, other.UpdateWith(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), plain, text("one"))
		require.Equal(t, 1, w.Stats().ContentWritten)
		return err
	}, ostree.UpdateOptions{Resume: true}))
	requireNoLeftovers(t, r)
}

func TestWhatAKilledProcessLeftIsVerified(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	interrupt(t, r, "one")
	dir := staged(t, r, "staging-*")[0]
	require.NoError(t, os.WriteFile(dir+"-lock", nil, 0o600), "as if the process had been killed")
	c := goldenHello
	half := filepath.Join(dir, c[:2], c[2:]+".filez")
	require.NoError(t, os.MkdirAll(filepath.Dir(half), 0o775))
	require.NoError(t, os.WriteFile(half, []byte("half"), 0o644))
	require.NoError(t, r.UpdateWith(t.Context(), func(w *ostree.Writer) error {
		require.NoFileExists(t, half)
		_, err := w.WriteFile(t.Context(), plain, text("one"))
		require.Zero(t, w.Stats().ContentWritten, "what is right stays")
		return err
	}, ostree.UpdateOptions{Resume: true}))
	requireNoLeftovers(t, r)
}

func TestKeptStagingExpires(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	interrupt(t, r, "one")
	old := time.Now().Add(-25 * time.Hour)
	require.NoError(t, os.Chtimes(staged(t, r, "staging-*")[0], old, old))
	update(t, r, func(*ostree.Writer) error { return nil })
	requireNoLeftovers(t, r)
}

func TestFailedUpdateThatStagedNothingLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	err := r.UpdateWith(t.Context(), func(*ostree.Writer) error { return errInterrupted }, ostree.UpdateOptions{Resume: true})
	require.ErrorIs(t, err, errInterrupted)
	requireNoLeftovers(t, r)
}

func TestCompleteClearsTheMarkWithTheUpdate(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := writeGolden(t, r, goldenCommitValue(t))
	require.NoError(t, r.SetCommitState(t.Context(), c, ostree.CommitPartial))
	require.NoError(t, os.Symlink("x", filepath.Join(r.Path(), "transaction")))
	err := r.Update(t.Context(), func(w *ostree.Writer) error {
		w.Complete(c)
		return errInterrupted
	})
	require.ErrorIs(t, err, errInterrupted)
	partial, err := r.IsPartial(c)
	require.NoError(t, err)
	require.True(t, partial)
	update(t, r, func(w *ostree.Writer) error {
		w.Complete(c)
		return nil
	})
	partial, err = r.IsPartial(c)
	require.NoError(t, err)
	require.False(t, partial)
	_, err = os.Lstat(filepath.Join(r.Path(), "transaction"))
	require.ErrorIs(t, err, os.ErrNotExist, "no transaction is under way")
}

func TestWritingACommitRemovesItsTombstone(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	tombstone := filepath.Join(r.Path(), "objects", goldenCommit[:2], goldenCommit[2:]+".tombstone-commit")
	require.NoError(t, os.MkdirAll(filepath.Dir(tombstone), 0o755))
	require.NoError(t, os.WriteFile(tombstone, nil, 0o644))
	writeGolden(t, r, goldenCommitValue(t))
	require.NoFileExists(t, tombstone)
}

func TestInterruptionBeforePublishLeavesTheStagingDirectory(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "repo")
	var stop error
	opts := ostree.Options{NoSync: true, BootID: "one", BeforePublish: func() error { return stop }}
	r, err := ostree.Init(dir, ostree.ModeBareUser, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	stop = errInterrupted
	require.ErrorIs(t, r.Update(t.Context(), func(*ostree.Writer) error { return nil }), errInterrupted)
	require.Len(t, staged(t, r, "staging-one-*"), 1, "even an empty one")
	err = r.Update(t.Context(), func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), plain, text("one"))
		return err
	})
	require.ErrorIs(t, err, errInterrupted)
	require.Empty(t, staged(t, r, "../objects/*/*"), "nothing is visible")

	opts.BootID = "two"
	again, err := ostree.Open(dir, opts)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close()) })
	stop = nil
	update(t, again, func(*ostree.Writer) error { return nil })
	requireNoLeftovers(t, again)
}
