// Package examples_test runs the examples and compares what they print.
package examples_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// programs holds the examples, built once.
var programs string

func TestMain(m *testing.M) {
	os.Exit(testenv.RunWith(m, &programs, "./read-commit", "./commit-directory", "./pull-commit", "./edsp-solver", "./explain-dependencies", "./read-deb", "./mirror-suite"))
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
