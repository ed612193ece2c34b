package step_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/txn/step"
)

func TestLockNamesItsHolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	clock := func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }
	first, err := step.Lock(t.Context(), path, "install nginx", step.LockOptions{Clock: clock})
	require.NoError(t, err)

	_, err = step.Lock(t.Context(), path, "upgrade", step.LockOptions{})
	var busy *step.BusyError
	require.ErrorAs(t, err, &busy)
	require.Equal(t, step.Holder{PID: os.Getpid(), What: "install nginx", Since: clock()}, busy.Holder)
	require.ErrorContains(t, err, path)
	require.ErrorContains(t, err, "(install nginx) since 03:04:05")

	require.NoError(t, first.Unlock())
	require.Error(t, first.Unlock())
	second, err := step.Lock(t.Context(), path, "upgrade", step.LockOptions{})
	require.NoError(t, err)
	require.NoError(t, second.Unlock())
}

func TestLockWaits(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := step.Lock(t.Context(), path, "first", step.LockOptions{})
	require.NoError(t, err)

	_, err = step.Lock(t.Context(), path, "impatient", step.LockOptions{Wait: time.Millisecond})
	require.ErrorAs(t, err, new(*step.BusyError))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = step.Lock(ctx, path, "cancelled", step.LockOptions{Wait: time.Hour})
	require.ErrorIs(t, err, context.Canceled)

	released := make(chan error, 1)
	go func() {
		time.Sleep(20 * time.Millisecond)
		released <- first.Unlock()
	}()
	second, err := step.Lock(t.Context(), path, "patient", step.LockOptions{Wait: time.Hour})
	require.NoError(t, err)
	require.NoError(t, <-released)
	require.NoError(t, second.Unlock())
}

// TestLockFileOfTheDead finds a name of a process that is no more, as after a
// crash; the kernel has taken the lock back.
func TestLockFileOfTheDead(t *testing.T) {
	t.Parallel()
	for _, content := range []string{`{"pid": 2147483646, "what": "gone"}`, "not JSON", ""} {
		path := filepath.Join(t.TempDir(), "lock")
		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		lock, err := step.Lock(t.Context(), path, "next", step.LockOptions{})
		require.NoError(t, err)

		require.NoError(t, os.WriteFile(path, []byte(content), 0o644))
		_, err = step.Lock(t.Context(), path, "third", step.LockOptions{})
		require.EqualError(t, err, path+": locked by another process")
		require.NoError(t, lock.Unlock())
	}
}

func TestLockInAMissingDirectory(t *testing.T) {
	t.Parallel()
	_, err := step.Lock(t.Context(), filepath.Join(t.TempDir(), "no", "lock"), "x", step.LockOptions{})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// TestUnlockWithACopy gives a lock back of whose file there is a copy, as a child has one between fork and
// exec: of a program that another goroutine starts.
func TestUnlockWithACopy(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	first, err := step.Lock(t.Context(), path, "first", step.LockOptions{})
	require.NoError(t, err)
	files, err := os.ReadDir("/proc/self/fd")
	require.NoError(t, err)
	copied := -1
	for _, f := range files {
		if target, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && target == path {
			number, err := strconv.Atoi(f.Name())
			require.NoError(t, err)
			copied, err = unix.Dup(number)
			require.NoError(t, err)
		}
	}
	require.NotEqual(t, -1, copied)
	defer func() { require.NoError(t, unix.Close(copied)) }()
	require.NoError(t, first.Unlock())
	second, err := step.Lock(t.Context(), path, "second", step.LockOptions{})
	require.NoError(t, err)
	require.NoError(t, second.Unlock())
}
