package examples_test

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
)

// TestArchiveExamples runs testdata/archive/*.txtar, in which $ARCHIVE is an archive and $KEY the file of
// its key.
func TestArchiveExamples(t *testing.T) {
	t.Parallel()
	a := apttest.New(t, apttest.Options{})
	a.Add(
		apttest.Deb{Package: "hello", Version: "2.10-3", Architecture: "amd64", Depends: "lib", Files: []apttest.File{
			{Path: "usr/bin/hello", Mode: 0o755, Content: "#!/bin/sh\n"}, {Path: "etc/hello.conf", Content: "x\n"},
		}},
		apttest.Deb{Package: "lib"},
	)
	a.Publish()
	key := a.Key.Write(t, t.TempDir(), "key.gpg")
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "archive"),
		Setup: func(env *testscript.Env) error {
			env.Setenv("ARCHIVE", a.URL)
			env.Setenv("KEY", key)
			env.Setenv("PATH", programs+string(filepath.ListSeparator)+env.Getenv("PATH"))
			return nil
		},
	})
}
