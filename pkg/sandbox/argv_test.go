package sandbox_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
)

var update = flag.Bool("update", false, "write the golden files")

// fakeBwrap is a program that succeeds, so that New is content and Argv can be
// asked on a machine without bubblewrap.
func fakeBwrap(t *testing.T) *sandbox.Bwrap {
	t.Helper()
	path := filepath.Join(t.TempDir(), "bwrap")
	testenv.WriteProgram(t, path, []byte("#!/bin/sh\n"), 0o755)
	b, err := sandbox.New(t.Context(), sandbox.Options{Path: path})
	require.NoError(t, err)
	return b
}

func TestArgv(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Root) // for others there is a user namespace more
	pipe, err := os.Open(os.DevNull)
	require.NoError(t, err)
	defer pipe.Close()
	for name, spec := range map[string]sandbox.Spec{
		"minimal": {Root: "/srv/tree", Argv: []string{"true"}},
		"script": {
			Root:   "/srv/tree",
			Argv:   []string{"dpkg", "--configure", "--pending"},
			Env:    sandbox.DefaultEnv(time.Unix(1700000000, 0)),
			Mounts: []sandbox.Mount{{Kind: sandbox.Data, Target: "/usr/sbin/policy-rc.d", Data: []byte("#!/bin/sh\nexit 101\n"), Mode: 0o755}},
		},
		"everything": {
			Root: "/srv/tree", Argv: []string{"sh", "-c", "a b"}, Env: []string{"A=b=c", "E="}, Dir: "/var",
			Network: true, Capabilities: []string{"CAP_CHOWN"}, Hostname: "builder", ReadOnlyRoot: true,
			ExtraFiles: []*os.File{pipe},
			Mounts: []sandbox.Mount{
				{Kind: sandbox.Bind, Source: "/a", Target: "/b"},
				{Kind: sandbox.Data, Target: "/c"},
				{Kind: sandbox.ROBind, Source: "/d", Target: "/e"},
				{Kind: sandbox.Tmpfs, Target: "/f"},
				{Kind: sandbox.Tmpfs, Target: "/var/tmp", Mode: 0o777 | os.ModeSticky},
				{Kind: sandbox.Data, Target: "/g", Mode: 0o400},
			},
		},
		"no-capabilities": {Root: "/srv/tree", Argv: []string{"true"}, Capabilities: []string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			argv, err := fakeBwrap(t).Argv(spec)
			require.NoError(t, err)
			// One option a line: that is how a person reads it.
			got := strings.ReplaceAll(strings.Join(argv[1:], " "), " --", "\n--") + "\n"
			golden := filepath.Join("testdata", "argv", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(golden, []byte(got), 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err)
			require.Equal(t, string(want), got)
		})
	}
}

func TestArgvRefuses(t *testing.T) {
	t.Parallel()
	b := fakeBwrap(t)
	ok := sandbox.Spec{Root: "/srv/tree", Argv: []string{"true"}}
	_, err := b.Argv(ok)
	require.NoError(t, err)
	for reason, change := range map[string]func(*sandbox.Spec){
		"root \"tree\": not an absolute path":           func(s *sandbox.Spec) { s.Root = "tree" },
		"no program":                                    func(s *sandbox.Spec) { s.Argv = nil },
		"NUL byte":                                      func(s *sandbox.Spec) { s.Argv = []string{"a\x00b"} },
		"directory \"x\": not an absolute path":         func(s *sandbox.Spec) { s.Dir = "x" },
		"environment \"NOVALUE\": not of the form":      func(s *sandbox.Spec) { s.Env = []string{"NOVALUE"} },
		"environment \"=x\": not of the form":           func(s *sandbox.Spec) { s.Env = []string{"=x"} },
		"over \"x\": want an absolute path":             func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Kind: sandbox.Tmpfs, Target: "x"}} },
		"over \"/..\": want an absolute path below /":   func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Kind: sandbox.Tmpfs, Target: "/.."}} },
		"over /x: source \"\" is not an absolute path":  func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Kind: sandbox.Bind, Target: "/x"}} },
		"over /x: unknown kind 9":                       func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Kind: 9, Target: "/x"}} },
		"over /x: source \"y\" is not an absolute path": func(s *sandbox.Spec) { s.Mounts = []sandbox.Mount{{Kind: sandbox.ROBind, Source: "y", Target: "/x"}} },
	} {
		spec := ok
		change(&spec)
		_, err := b.Argv(spec)
		require.ErrorContains(t, err, reason)
		require.ErrorContains(t, b.Run(t.Context(), spec), reason)
	}
}

func TestDefaultsAreFresh(t *testing.T) {
	t.Parallel()
	require.Len(t, sandbox.DefaultCapabilities(), 10)
	sandbox.DefaultCapabilities()[0] = "CAP_SYS_ADMIN"
	require.NotContains(t, sandbox.DefaultCapabilities(), "CAP_SYS_ADMIN")
	require.Contains(t, sandbox.DefaultEnv(time.Unix(42, 0)), "SOURCE_DATE_EPOCH=42")
}
