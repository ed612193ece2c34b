package ostree_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// fastOptions leave out syncing, which tests do not need.
var fastOptions = ostree.Options{NoSync: true, BootID: "test-boot"}

func newRepo(t testing.TB, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	r, err := ostree.Init(filepath.Join(t.TempDir(), "repo"), mode, fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

// reopen opens a repository again after its configuration was changed.
func reopen(t *testing.T, r *ostree.Repo, config string) *ostree.Repo {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(r.Path(), "config"), os.O_APPEND|os.O_WRONLY, 0)
	require.NoError(t, err)
	_, err = f.WriteString(config)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	again, err := ostree.Open(r.Path(), fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, again.Close()) })
	return again
}

func TestInitLayout(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	config, err := os.ReadFile(filepath.Join(r.Path(), "config"))
	require.NoError(t, err)
	require.Equal(t, "[core]\nrepo_version=1\nmode=bare-user\n", string(config))
	for _, dir := range []string{"objects", "tmp", "extensions", "state", "refs/heads", "refs/mirrors", "refs/remotes"} {
		require.DirExists(t, filepath.Join(r.Path(), dir))
	}

	again, err := ostree.Init(r.Path(), ostree.ModeArchive, ostree.Options{})
	require.NoError(t, err)
	require.Equal(t, ostree.ModeBareUser, again.Mode(), "a repository keeps its mode")
	require.NoError(t, again.Close())
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	_, err := ostree.Open(t.TempDir(), ostree.Options{})
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "not a repository")

	for text, message := range map[string]string{
		"[core]\nmode=bare\n":                                       "repo_version",
		"[core]\nrepo_version=2\n":                                  "repo_version",
		"[core]\nrepo_version=1\nmode=foo\n":                        `"foo"`,
		"[core]\nrepo_version=1\narchive=true\n":                    "core.archive",
		"[core]\nrepo_version=1\nfsync=maybe\n":                     "fsync",
		"[core]\nrepo_version=1\nlock-timeout-secs=x\n":             "lock-timeout-secs",
		"[core]\nrepo_version=1\nmin-free-space-percent=100\n":      "min-free-space-percent",
		"[core]\nrepo_version=1\nmin-free-space-size=10\n":          "min-free-space-size",
		"[core]\nrepo_version=1\nmin-free-space-size=99999999999TB": "min-free-space-size",
		"[core]\nrepo_version=1\nparent=/nonexistent\n":             "parent",
		"[core]\nrepo_version=1\nparent=.\n":                        "parents",
		"mode=bare\n":                                               "config",
	} {
		dir := t.TempDir()
		require.NoError(t, os.Mkdir(filepath.Join(dir, "objects"), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o644))
		_, err := ostree.Open(dir, ostree.Options{})
		require.ErrorContains(t, err, message, text)
	}
}

func TestConfigValue(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.SetConfigValue("sysroot", "bootloader", "none"))
	require.Error(t, r.SetConfigValue("core", "mode", "nonsense"), "a configuration that cannot be opened is not written")
	require.Error(t, r.SetConfigValue("a]", "b", "c"))
	value, ok := reopen(t, r, "").ConfigValue("sysroot", "bootloader")
	require.True(t, ok)
	require.Equal(t, "none", value)
}

func TestLocks(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	first, err := r.Lock(t.Context(), ostree.Shared)
	require.NoError(t, err)
	second, err := r.Lock(t.Context(), ostree.Shared)
	require.NoError(t, err, "shared locks go together")

	impatient, err := ostree.Open(r.Path(), ostree.Options{LockTimeout: 20 * time.Millisecond})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, impatient.Close()) })
	_, err = impatient.Lock(t.Context(), ostree.Exclusive)
	var locked *ostree.LockedError
	require.ErrorAs(t, err, &locked)
	require.ErrorIs(t, err, ostree.ErrLocked)
	require.Equal(t, ostree.Exclusive, locked.Mode)

	require.NoError(t, first())
	require.NoError(t, second())
	exclusive, err := impatient.Lock(t.Context(), ostree.Exclusive)
	require.NoError(t, err)
	err = impatient.Update(t.Context(), func(*ostree.Writer) error { return nil })
	require.ErrorIs(t, err, ostree.ErrLocked, "an update waits for an exclusive lock")
	require.NoError(t, exclusive())
}

func TestWaitingForALockEndsWithTheContext(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	unlock, err := r.Lock(t.Context(), ostree.Exclusive)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, err = r.Lock(ctx, ostree.Shared)
	require.ErrorIs(t, err, context.DeadlineExceeded)
	time.AfterFunc(20*time.Millisecond, func() { assert.NoError(t, unlock()) })
	again, err := r.Lock(t.Context(), ostree.Shared)
	require.NoError(t, err, "it comes when the other is done")
	require.NoError(t, again())
}

func TestPartialCommits(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	c := sum(t, goldenCommit)
	partial, err := r.IsPartial(c)
	require.NoError(t, err)
	require.False(t, partial)
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "state", goldenCommit+".commitpartial"), nil, 0o644))
	partial, err = r.IsPartial(c)
	require.NoError(t, err)
	require.True(t, partial)
}

// TestSplitXattrs reads a repository as container layers hold it.
func TestSplitXattrs(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	want := ostree.FileInfo{Mode: 0o100644, Size: 1, Xattrs: []ostree.Xattr{{Name: "user.a", Value: []byte("1")}}}
	var c ostree.Checksum
	update(t, r, func(w *ostree.Writer) error {
		var err error
		c, err = w.WriteFile(t.Context(), want, text("x"))
		return err
	})
	object := filepath.Join(r.Path(), "objects", c.String()[:2], c.String()[2:]+".file")
	require.NoError(t, os.Chmod(object, 0o644))
	meta, err := ostree.EncodeDirMeta(ostree.DirMeta{Mode: 0o040755, Xattrs: want.Xattrs})
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(object+"-xattrs-link", meta[12:], 0o644))
	require.NoError(t, r.SetConfigValue("core", "mode", "bare-split-xattrs"))
	split, err := ostree.Open(r.Path(), fastOptions)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, split.Close()) })
	fi, err := split.FileInfo(t.Context(), c)
	require.NoError(t, err)
	want.UID, want.GID = uint32(os.Getuid()), uint32(os.Getgid())
	require.Equal(t, want, fi)
	err = split.Update(t.Context(), func(*ostree.Writer) error { return nil })
	require.ErrorContains(t, err, "only be read")
}

func TestPerObjectSync(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	require.NoError(t, r.SetConfigValue("core", "per-object-fsync", "true"))
	synced, err := ostree.Open(r.Path(), ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, synced.Close()) })
	require.Equal(t, goldenCommit, writeGolden(t, synced, goldenCommitValue(t)).String())
	requireNoLeftovers(t, synced)
}

func removeObject(t *testing.T, r *ostree.Repo, checksum, ext string) {
	t.Helper()
	require.NoError(t, os.Remove(filepath.Join(r.Path(), "objects", checksum[:2], checksum[2:]+"."+ext)))
}
