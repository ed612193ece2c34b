package document_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/test/document"
)

func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	return path
}

func TestBlocks(t *testing.T) {
	t.Parallel()
	blocks, err := document.Blocks(write(t, "# One\n\n```sh\na --x   # why\n\n  b\n```\n## Two\n```text\n# no heading\n```\n"))
	require.NoError(t, err)
	require.Equal(t, []document.Block{
		{Section: "One", Language: "sh", Text: "a --x   # why\n\n  b\n"}, {Section: "Two", Language: "text", Text: "# no heading\n"},
	}, blocks)
	require.Equal(t, []string{"a --x", "b"}, document.Lines(blocks[0].Text))
	_, err = document.Blocks(write(t, "```\nx\n"))
	require.ErrorContains(t, err, "not closed")
}

func TestSession(t *testing.T) {
	t.Parallel()
	steps, err := document.Session(write(t, "# two\n% false\n= 1\n\n$ echo a b\n> ^a\n> b$\n@\n"))
	require.NoError(t, err)
	require.Len(t, steps, 2)
	require.NoError(t, steps[0].Check(1, ""))
	require.ErrorContains(t, steps[0].Check(0, "text"), "x:2: false: exit code 0, not 1: text")
	require.True(t, steps[1].Example && steps[1].Reboots && !steps[0].Example)
	require.NoError(t, steps[1].Check(0, "x\na b\n"))
	require.ErrorContains(t, steps[1].Check(0, "b a\n"), `no "(?m)^a" in b a`)
	for _, text := range []string{"> x\n", "$ x\n> (\n", "$ x\n= x\n", "$ x\n? x\n"} {
		_, err := document.Session(write(t, text))
		require.ErrorContains(t, err, "x:", text)
	}
}
