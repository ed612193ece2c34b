// Package examples_test runs the examples and compares what they print.
package examples_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// programs holds the examples, built once.
var programs string

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "examples-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary directory
	programs = dir
	build := exec.CommandContext(context.Background(), "go", "build", "-o", dir, "./read-commit", "./commit-directory", "./pull-commit", "./edsp-solver", "./explain-dependencies", "./read-deb", "./mirror-suite")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		return 1
	}
	return m.Run()
}

// TestExamples runs testdata/*.txtar, in which $URL is a server of the working directory.
func TestExamples(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			server := httptest.NewServer(http.FileServer(http.Dir(env.WorkDir)))
			env.Defer(server.Close)
			env.Setenv("URL", server.URL)
			env.Setenv("PATH", programs+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}
