package assemble_test

import (
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

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
	noProcess(t, "sleep\x00"+mark)
	intact(t, repo)
}

// noProcess fails if one has the text in its command line.
func noProcess(t *testing.T, text string) {
	t.Helper()
	processes, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, p := range processes {
		if command, err := os.ReadFile(p); err == nil {
			require.NotContains(t, string(command), text)
		}
	}
}

// TestForkChain: processes of which each leaves a child in a session of its own and ends at once cannot be caught
// one by one. They end with the script, or with its time.
func TestForkChain(t *testing.T) {
	repo, b := minimal(t)
	mark := "chain" + strconv.Itoa(os.Getpid())
	chain := `cat >/usr/share/chain <<'END'
#!/bin/sh
sleep 0.05
setsid "$0" "$1" >/dev/null 2>&1 &
END
chmod 755 /usr/share/chain
for i in 1 2 3 4; do /usr/share/chain ` + mark + ` & done
`
	for _, phase := range []string{"preinst", "postinst"} {
		_, err := layer(t, repo, b, nil, withScript(phase, chain))
		require.NoError(t, err)
		noProcess(t, mark)
		_, err = layer(t, repo, b, func(in *assemble.Input) { in.ScriptTimeout = 3 * time.Second }, withScript(phase, chain+"sleep 600"))
		var script *assemble.ScriptError
		require.ErrorAs(t, err, &script)
		require.Equal(t, phase, script.Phase)
		require.Equal(t, 3*time.Second, script.Timeout)
		noProcess(t, mark)
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
