package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/cli"
	"github.com/apt-ostree/apt-ostree/internal/clidoc"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, clidoc.Write(cli.Command(), dir, time.Unix(0, 0)))
	return dir
}

// TestManPages has a page for every command that is shown, with every option and example of it.
func TestManPages(t *testing.T) {
	t.Parallel()
	dir := written(t)
	var check func(c *cobra.Command)
	check = func(c *cobra.Command) {
		text, err := os.ReadFile(filepath.Join(dir, "man/man1", strings.ReplaceAll(c.CommandPath(), " ", "-")+".1"))
		require.NoError(t, err)
		page := strings.ReplaceAll(string(text), `\-`, "-")
		for line := range strings.Lines(c.LocalNonPersistentFlags().FlagUsages()) {
			for word := range strings.FieldsSeq(line) {
				if name, ok := strings.CutPrefix(word, "--"); ok {
					name, _, _ = strings.Cut(name, "[")
					require.Contains(t, page, "--"+strings.TrimRight(name, ","), c.CommandPath())
				}
			}
		}
		for line := range strings.Lines(c.Example) {
			require.Contains(t, page, strings.TrimSpace(line))
		}
		for _, sub := range c.Commands() {
			if sub.IsAvailableCommand() {
				check(sub)
			}
		}
	}
	check(cli.Command())
}

// TestManPagesAreValid has mandoc or groff read them, without a word of complaint.
func TestManPagesAreValid(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("man"))
	pages, err := filepath.Glob(filepath.Join(written(t), "man/man1/*.1"))
	require.NoError(t, err)
	require.NotEmpty(t, pages)
	for _, page := range pages {
		cmd := exec.CommandContext(t.Context(), "man", "--warnings", "-l", page)
		cmd.Env = append(os.Environ(), "MANPAGER=cat", "MANWIDTH=80", "LC_ALL=C.UTF-8")
		var complaints strings.Builder
		cmd.Stderr = &complaints
		out, err := cmd.Output()
		require.NoError(t, err, page)
		require.Empty(t, complaints.String(), page)
		require.Contains(t, string(out), "SYNOPSIS", page)
	}
}

// TestCompletions has each shell read its file.
func TestCompletions(t *testing.T) {
	t.Parallel()
	dir := written(t)
	for shell, file := range map[string]string{
		"bash": "bash-completion/completions/apt-ostree", "zsh": "zsh/site-functions/_apt-ostree", "fish": "fish/vendor_completions.d/apt-ostree.fish",
	} {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			testenv.Need(t, testenv.Tool(shell))
			out, err := exec.CommandContext(t.Context(), shell, "-n", filepath.Join(dir, file)).CombinedOutput()
			require.NoError(t, err, string(out))
			require.Empty(t, string(out))
		})
	}
}
