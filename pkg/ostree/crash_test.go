package ostree_test

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

const crashEnv = "OSTREE_TEST_CRASH_REPO"

// TestCrashHelper is no test: it is the process that TestKilledProcess kills in
// the middle of an update.
func TestCrashHelper(t *testing.T) {
	path := os.Getenv(crashEnv)
	if path == "" {
		return
	}
	r, err := ostree.Open(path, fastOptions)
	require.NoError(t, err)
	update(t, r, func(w *ostree.Writer) error {
		_, err := w.WriteFile(t.Context(), plain, text("left behind"))
		require.NoError(t, err)
		stream, _ := io.Pipe()
		_, err = os.Stdout.WriteString("ready\n")
		require.NoError(t, err)
		_, err = w.WriteFile(t.Context(), plain, io.MultiReader(bytes.NewReader(make([]byte, 1<<20)), stream))
		return err
	})
}

func TestKilledProcess(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeBareUser)
	writeGolden(t, r, goldenCommitValue(t))
	before := listing(t, r.Path())

	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashHelper$")
	cmd.Env = append(os.Environ(), crashEnv+"="+r.Path())
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	require.NoError(t, err)
	require.Equal(t, "ready\n", line)

	writeGolden(t, r, goldenCommitValue(t))
	staged, err := filepath.Glob(filepath.Join(r.Path(), "tmp", "staging-*", "*", "*.file"))
	require.NoError(t, err)
	require.Len(t, staged, 1, "what a living process has staged stays")

	require.NoError(t, cmd.Process.Kill())
	require.Error(t, cmd.Wait())
	require.NotEqual(t, before, listing(t, r.Path()))
	writeGolden(t, r, goldenCommitValue(t))
	require.Equal(t, before, listing(t, r.Path()), "what a dead process has staged goes")
}

func TestOldTemporaryFilesAreRemoved(t *testing.T) {
	t.Parallel()
	r := newRepo(t, ostree.ModeArchive)
	old := time.Now().Add(-25 * time.Hour)
	for _, name := range []string{"old/x", "new/x", "cache/x", "staging-otherboot-AAAAAA/ab/x"} {
		file := filepath.Join(r.Path(), "tmp", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, nil, 0o644))
		if name != "new/x" {
			require.NoError(t, os.Chtimes(filepath.Dir(file), old, old))
		}
	}
	require.NoError(t, os.WriteFile(filepath.Join(r.Path(), "tmp/staging-otherboot-BBBBBB-lock"), nil, 0o600))
	writeGolden(t, r, goldenCommitValue(t))
	names, err := filepath.Glob(filepath.Join(r.Path(), "tmp", "*"))
	require.NoError(t, err)
	require.Equal(t, []string{filepath.Join(r.Path(), "tmp/cache"), filepath.Join(r.Path(), "tmp/new")}, names)
}

func TestFreeSpaceIsKept(t *testing.T) {
	t.Parallel()
	for _, mode := range writableModes {
		r := reopen(t, newRepo(t, mode), "min-free-space-size=1000000TB\n")
		before := listing(t, r.Path())
		for _, size := range []int{1, 1 << 20} {
			err := r.Update(t.Context(), func(w *ostree.Writer) error {
				_, err := w.WriteFile(t.Context(), plain, io.MultiReader(bytes.NewReader(make([]byte, size))))
				return err
			})
			var space *ostree.SpaceError
			require.ErrorAs(t, err, &space)
			require.ErrorIs(t, err, ostree.ErrNoSpace)
			require.ErrorContains(t, err, r.Path())
			require.ErrorContains(t, err, "min-free-space-size")
			require.Equal(t, before, listing(t, r.Path()))
		}
		update(t, r, func(w *ostree.Writer) error { // neither metadata nor empty files count
			_, err := w.WriteFile(t.Context(), plain, nil)
			return err
		})
	}
}

// smallDisk mounts a file system of a few megabytes.
func smallDisk(t *testing.T) string {
	t.Helper()
	testenv.Need(t, testenv.Root)
	dir := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, "size=4m,nr_inodes=300"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// syncedRepo makes a repository that syncs, on a disk where that is quick.
func syncedRepo(t *testing.T, path string, mode ostree.Mode) *ostree.Repo {
	t.Helper()
	r, err := ostree.Init(path, mode, ostree.Options{})
	require.NoError(t, err)
	require.NoError(t, r.SetConfigValue("core", "min-free-space-percent", "0"))
	require.NoError(t, r.Close())
	r, err = ostree.Open(path, ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, r.Close()) })
	return r
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, mode := range []ostree.Mode{ostree.ModeBare, ostree.ModeArchive} {
		r := syncedRepo(t, filepath.Join(smallDisk(t), "repo"), mode)
		writeGolden(t, r, goldenCommitValue(t))
		before := listing(t, r.Path())

		noise := make([]byte, 6<<20)
		for i, state := 0, uint32(1); i < len(noise); i++ {
			state = state*1664525 + 1013904223
			noise[i] = byte(state >> 24)
		}
		for name, write := range map[string]func(w *ostree.Writer) error{
			"large": func(w *ostree.Writer) error {
				_, err := w.WriteFile(t.Context(), plain, bytes.NewReader(noise))
				return err
			},
			"small": func(w *ostree.Writer) error {
				for rest := noise; len(rest) >= 60<<10; rest = rest[60<<10:] {
					if _, err := w.WriteFile(t.Context(), plain, bytes.NewReader(rest[:60<<10])); err != nil {
						return err
					}
				}
				return errors.New("it all fitted")
			},
			"inodes": func(w *ostree.Writer) error {
				for i := range 300 {
					if _, err := w.WriteFile(t.Context(), ostree.FileInfo{UID: uint32(i), Mode: 0o100644}, text("x")); err != nil {
						return err
					}
				}
				return errors.New("it all fitted")
			},
		} {
			err := r.Update(t.Context(), write)
			require.ErrorIs(t, err, unix.ENOSPC, name)
			require.ErrorContains(t, err, "write file object to "+r.Path(), name)
			require.Equal(t, before, listing(t, r.Path()), name)
		}
		writeGolden(t, r, goldenCommitValue(t))
	}
}
