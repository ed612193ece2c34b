package etcmerge_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// build makes a tree out of lines "d MODE PATH", "f MODE PATH CONTENT", "l PATH TARGET", "p PATH".
func build(t testing.TB, dir, tree string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755))
	modes := map[string]os.FileMode{}
	for line := range strings.SplitSeq(strings.TrimSpace(tree), "\n") {
		f := append(strings.Fields(line), "", "", "")
		switch f[0] {
		case "d":
			name := filepath.Join(dir, f[2])
			require.NoError(t, os.MkdirAll(name, 0o755))
			modes[name] = mode(t, f[1])
		case "f":
			name := filepath.Join(dir, f[2])
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.WriteFile(name, []byte(f[3]), 0o600))
			modes[name] = mode(t, f[1])
		case "l":
			name := filepath.Join(dir, f[1])
			require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
			require.NoError(t, os.Symlink(f[2], name))
		case "p":
			require.NoError(t, syscall.Mkfifo(filepath.Join(dir, f[1]), 0o600))
		}
	}
	for name, m := range modes {
		require.NoError(t, os.Chmod(name, m))
	}
	return dir
}

func mode(t testing.TB, octal string) os.FileMode {
	n, err := strconv.ParseUint(octal, 8, 32)
	require.NoError(t, err)
	return os.FileMode(n)
}

// list is the reverse of build, with owners when they are asked for.
func list(t testing.TB, dir string, owners bool) string {
	t.Helper()
	var lines []string
	require.NoError(t, filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == dir {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		require.NoError(t, err)
		info, err := e.Info()
		require.NoError(t, err)
		line := ""
		switch info.Mode().Type() {
		case fs.ModeDir:
			line = fmt.Sprintf("d %o %s", info.Mode().Perm(), rel)
		case fs.ModeSymlink:
			target, err := os.Readlink(name)
			require.NoError(t, err)
			line = fmt.Sprintf("l %s %s", rel, target)
		case fs.ModeNamedPipe:
			line = "p " + rel
		default:
			data, err := os.ReadFile(name)
			require.NoError(t, err)
			line = strings.TrimSpace(fmt.Sprintf("f %o %s %s", info.Mode().Perm(), rel, data))
		}
		if owners {
			st := info.Sys().(*syscall.Stat_t)
			line += fmt.Sprintf(" owner=%d:%d", st.Uid, st.Gid)
		}
		lines = append(lines, line)
		return nil
	}))
	return strings.Join(lines, "\n")
}
