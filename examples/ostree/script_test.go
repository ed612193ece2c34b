package main

import (
	"bufio"
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// TestScripts runs testdata/*.txtar: command lines and what they must do. In
// them "ostree" is this program, built as it is used: under the race detector
// a program takes so long to start that the scripts would take minutes. A script whose first line is "# needs: TOOL..."
// runs where these programs are; "root" among them is the user.
func TestScripts(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.txtar")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	bin := t.TempDir()
	require.NoError(t, testenv.Build(t.Context(), filepath.Join(bin, "ostree"), "."))
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			for _, need := range needs(t, file) {
				if need == "root" {
					testenv.Need(t, testenv.Root)
					continue
				}
				testenv.Need(t, testenv.Tool(need))
			}
			testscript.Run(t, testscript.Params{
				Files: []string{file},
				Cmds:  map[string]func(*testscript.TestScript, bool, []string){"ostree": runProgram},
				Setup: func(env *testscript.Env) error {
					env.Setenv("PATH", bin+string(filepath.ListSeparator)+env.Getenv("PATH"))
					env.Setenv("OSTREE_GPG_HOME", env.WorkDir)
					env.Setenv("TZ", "UTC")
					return nil
				},
			})
		})
	}
}

// runProgram runs ostree, and fails the script if it does not end as expected.
func runProgram(ts *testscript.TestScript, fails bool, args []string) {
	err := ts.Exec("ostree", args...)
	switch {
	case err != nil && !fails:
		ts.Fatalf("ostree: %v", err)
	case err == nil && fails:
		ts.Fatalf("ostree was expected to fail")
	}
}

func needs(t *testing.T, file string) []string {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	scanner := bufio.NewScanner(bytes.NewReader(data))
	scanner.Scan()
	list, ok := strings.CutPrefix(scanner.Text(), "# needs:")
	if !ok {
		return nil
	}
	return strings.Fields(list)
}
