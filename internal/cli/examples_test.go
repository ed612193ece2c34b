package cli_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
)

// queries are the commands whose examples are run as they are. Those that have --dry-run are run with
// it, the others are only parsed: what they do is for the integration tests.
var queries = []string{"status", "history", "why", "why-not", "provides", "diff", "list", "version", "info", "search"}

// TestExamples runs the examples of the man pages on a system that has what they name.
func TestExamples(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	archive := apttest.New(t, apttest.Options{Architectures: []string{"amd64"}, Contents: true})
	archive.Add(
		apttest.Deb{Package: "nginx", Files: []apttest.File{{Path: "usr/bin/tool"}}}, apttest.Deb{Package: "git"}, apttest.Deb{Package: "rival", Conflicts: "tool"},
	)
	archive.Publish()
	list, err := m.sysroot().Deployments(t.Context())
	require.NoError(t, err)
	dir := list[0].Path + "/etc/apt/sources.list.d"
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.WriteFile(dir+"/test.sources", source.Format([]source.Source{archive.Source()}), 0o644))
	m.must("deploy", "stable") // something to preview

	count := 0
	for _, c := range allCommands(cli.Command()) {
		for line := range strings.Lines(c.Example) {
			count++
			args := example(t, line)
			parses(t, line, args)
			switch {
			case c.Flags().Lookup("dry-run") != nil:
				args = append(args, "--dry-run")
			case !slices.Contains(queries, c.Name()):
				continue
			}
			o := m.run(args...)
			require.Contains(t, []int{0, 77}, o.code, "%s: %s%s", line, o.stdout, o.stderr)
		}
	}
	require.Greater(t, count, 5)
}

// TestDocumentedCommands parses every command line in the documents.
func TestDocumentedCommands(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../docs/*.md")
	require.NoError(t, err)
	count := 0
	for _, name := range append(files, "../../README.md") {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		fenced := false
		for line := range strings.Lines(string(text)) {
			fenced = fenced != strings.HasPrefix(line, "```")
			if line = strings.TrimPrefix(strings.TrimSpace(line), "# "); fenced && strings.HasPrefix(line, "apt-ostree ") && !strings.Contains(line, "…") {
				count++
				parses(t, name+": "+line, example(t, line))
			}
		}
	}
	require.Greater(t, count, 3)
}

func allCommands(c *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{c}
	for _, sub := range c.Commands() {
		all = append(all, allCommands(sub)...)
	}
	return all
}

// example splits a command line as a shell does: quotes, and comments.
func example(t *testing.T, line string) []string {
	t.Helper()
	line, _, _ = strings.Cut(strings.TrimSpace(line), " # ")
	var words []string
	word, quoted := "", false
	for _, r := range line + " " {
		switch {
		case r == '\'':
			quoted = !quoted
		case r == ' ' && !quoted:
			if word != "" {
				words = append(words, word)
			}
			word = ""
		default:
			word += string(r)
		}
	}
	require.False(t, quoted, line)
	require.Equal(t, "apt-ostree", words[0], line)
	return words[1:]
}

// parses finds the command of a line and lets it check options and arguments.
func parses(t *testing.T, line string, args []string) {
	t.Helper()
	c, rest, err := cli.Command().Find(args)
	require.NoError(t, err, line)
	require.True(t, c.Runnable(), line)
	require.NoError(t, c.ParseFlags(rest), line)
	require.NoError(t, c.ValidateArgs(c.Flags().Args()), line)
}
