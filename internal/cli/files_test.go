package cli_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
)

// TestSplitFiles tells files from packages as apt does, which knows suites after a slash.
func TestSplitFiles(t *testing.T) {
	t.Parallel()
	packages, files := cli.SplitFiles([]string{"a", "a/suite", "a:i386=1", "./a", "/a", "../a.deb", "a.deb", "dir/a.deb", "file:///a", "https://archive.example/a.deb"})
	require.Equal(t, []string{"a", "a/suite", "a:i386=1"}, packages)
	require.Len(t, files, 7)
}

func TestFromSuite(t *testing.T) {
	t.Parallel()
	got, err := cli.FromSuite([]string{"a", "b:i386"}, "repo=backports")
	require.NoError(t, err)
	require.Equal(t, []string{"a/backports", "b:i386/backports"}, got)
	got, err = cli.FromSuite([]string{"a/x"}, "")
	require.NoError(t, err)
	require.Equal(t, []string{"a/x"}, got)
	for from, packages := range map[string][]string{"backports": {"a"}, "repo=": {"a"}, "repo=x": {"a/y"}, "repo=z": nil} {
		_, err := cli.FromSuite(packages, from)
		require.Error(t, err, from)
	}
}

func TestOverrideArguments(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"override"}, {"override", "replace"}, {"override", "remove"}, {"override", "reset"}, {"override", "reset", "-a", "x"}, {"override", "nothing"}, {"reset", "x"},
		{"install", "-A", "--reboot", "x"}, {"install", "-A", "--download-only", "x"}, {"install", "-A", "--sysroot=/nowhere", "x"},
	} {
		out := run(t, args...)
		require.Equal(t, 1, out.code, args)
		require.NotEmpty(t, out.stderr, args)
	}
}
