package cli_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
)

// journalChild names the variable that makes this test the program that writes to the journal.
const journalChild = "APT_OSTREE_TEST_JOURNAL"

// TestJournal listens where journald does, in a mount namespace whose /run is its own.
func TestJournal(t *testing.T) {
	testenv.Need(t, testenv.Root)
	if run := os.Getenv(journalChild); run != "" {
		require.NoError(t, unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""))
		require.NoError(t, unix.Mount(run, "/run", "", unix.MS_BIND, ""))
		cli.Journal(history.Record{ID: "x", Title: "upgrade", End: history.End{Outcome: history.Failed, Error: "a\nb"}})
		return
	}
	run := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(run, "systemd/journal"), 0o755))
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(run, "systemd/journal/socket"), Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, socket.Close()) })
	child := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.run=^TestJournal$")
	child.Env = append(os.Environ(), journalChild+"="+run)
	child.SysProcAttr = &syscall.SysProcAttr{Unshareflags: unix.CLONE_NEWNS}
	out, err := child.CombinedOutput()
	require.NoError(t, err, string(out))

	buffer := make([]byte, 4096)
	n, err := socket.Read(buffer)
	require.NoError(t, err)
	text := string(buffer[:n])
	require.Contains(t, text, "MESSAGE=Transaction failed: upgrade: a\n")
	require.Contains(t, text, "PRIORITY=3\n")
	require.Contains(t, text, "TRANSACTION_ERROR\n\x03\x00\x00\x00\x00\x00\x00\x00a\nb\n", "binary form of what has lines")
}
