package assemble_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// TestForks: what a script leaves behind, however much, ends with it.
func TestForks(t *testing.T) {
	repo, b := minimal(t)
	mark := "32" + strconv.Itoa(os.Getpid())
	_, err := layer(t, repo, b, nil,
		withScript("preinst", "for i in $(seq 200); do sleep "+mark+" & done"),
		withNamed("worse", "postinst", "for i in $(seq 200); do (setsid sleep "+mark+" &) & done"))
	require.NoError(t, err)
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, p := range processes {
		if command, err := os.ReadFile(p); err == nil {
			require.NotContains(t, string(command), "sleep\x00"+mark)
		}
	}
	intact(t, repo)
}

// TestInstallingScript: a script that wants to install packages finds dpkg's database locked, whoever
// unpacks, and the tree is not made.
func TestInstallingScript(t *testing.T) {
	repo, b := minimal(t)
	for _, script := range []string{"preinst", "postinst"} {
		for _, unpacker := range []assemble.UnpackMode{assemble.UnpackNative, assemble.UnpackDpkg} {
			t.Run(script+" "+string(unpacker), func(t *testing.T) {
				_, err := layer(t, repo, b, func(in *assemble.Input) { in.Unpacker = unpacker }, withScript(script, "dpkg --configure -a"))
				var failed *assemble.ScriptError
				require.ErrorAs(t, err, &failed)
				require.Equal(t, script, failed.Phase)
				require.Equal(t, 2, failed.Code, "dpkg says that the database is locked")
			})
		}
	}
	intact(t, repo)
}
