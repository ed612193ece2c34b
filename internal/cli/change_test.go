package cli_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
)

// TestChangesAskForWritableMounts before they open anything; commands that only look do not.
func TestChangesAskForWritableMounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args []string
		asks bool
	}{
		{[]string{"install", "x"}, true},
		{[]string{"uninstall", "x"}, true},
		{[]string{"upgrade"}, true},
		{[]string{"deploy", "x"}, true},
		{[]string{"rollback"}, true},
		{[]string{"override", "remove", "x"}, true},
		{[]string{"override", "reset", "x"}, true},
		{[]string{"reset"}, true},
		{[]string{"apply-live"}, true},
		{[]string{"status"}, false},
		{[]string{"db", "list"}, false},
	} {
		var asked []string
		var stdout, stderr bytes.Buffer
		code := cli.Main(t.Context(), append(c.args, "--sysroot=/nowhere/at/all"), cli.Env{
			Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
			Writable: func(sysroot string) error {
				asked = append(asked, sysroot)
				return errors.New("no namespace")
			},
		})
		require.Equal(t, 1, code, c.args)
		if !c.asks {
			require.Empty(t, asked, c.args)
			continue
		}
		require.Equal(t, []string{"/nowhere/at/all"}, asked, c.args)
		require.Contains(t, stderr.String(), "no namespace")
	}
}

// TestUnpackerIsNamed: a name that means nothing is refused with those that do, before anything is
// opened.
func TestUnpackerIsNamed(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"install", "x", "--sysroot=/nowhere/at/all"},
		{"compose", "tree", "--repo=/nowhere/at/all"},
	} {
		var stdout, stderr bytes.Buffer
		code := cli.Main(t.Context(), append(args, "--unpacker=tar"), cli.Env{
			Out: &stdout, Err: &stderr, Getenv: func(string) string { return "" },
		})
		require.Equal(t, 1, code, args)
		require.Equal(t, "error: --unpacker=tar: neither native nor dpkg\n", stderr.String())
		require.Empty(t, stdout.String())
	}
}
