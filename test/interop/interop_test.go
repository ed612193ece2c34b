// Package interop holds examples/ostree against the ostree of the machine on ten real trees, made
// from packages of the machine's own archive and a handful of awkward files: each commits what the
// other would, and reads, checks and pulls what the other wrote.
package interop_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
)

// ours is the program under test, built once.
var ours = program{name: "ours"}

// theirs is the peer.
var theirs = program{name: "peer", path: "ostree"}

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	if os.Getenv("APT_OSTREE_INTEGRATION") != "1" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "apt-ostree-interop-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }() // a temporary directory
	ours.path = filepath.Join(dir, "ostree")
	if err := testenv.Build(context.Background(), ours.path, "../../examples/ostree"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// A program is one of the two ostree commands.
type program struct{ name, path string }

// try runs a command of the program and returns what it prints, errors included.
func (p program) try(t *testing.T, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), p.path, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8", "SOURCE_DATE_EPOCH=1750000000", "OSTREE_GPG_HOME="+t.TempDir())
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if err != nil {
		return stdout.String() + stderr.String(), fmt.Errorf("%s: ostree %s: %w: %s", p.name, strings.Join(args, " "), err, stderr.String())
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

func (p program) run(t *testing.T, args ...string) string {
	t.Helper()
	out, err := p.try(t, args...)
	require.NoError(t, err)
	return out
}

func TestRealTrees(t *testing.T) {
	t.Parallel()
	testenv.Integration(t, testenv.Root, testenv.UserXattrs, testenv.Tool("ostree"), testenv.Tool("dpkg-deb"), testenv.Tool("gpg"))
	key := makeKey(t)
	debs := download(t)
	for _, set := range packageSets() {
		t.Run(set.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			tree := filepath.Join(dir, "tree")
			unpack(t, debs, set.packages, tree)
			refuseDevice(t, tree)
			decorate(t, tree)
			for _, mode := range []string{"bare", "archive", "bare-user", "bare-user-only"} {
				compareMode(t, filepath.Join(dir, mode), mode, tree)
			}
			comparePulls(t, key, filepath.Join(dir, "pulls"), tree, set.scratch)
		})
	}
}

// compareMode commits a tree with both programs into a repository of its own each, which the other
// then reads.
func compareMode(t *testing.T, dir, mode, tree string) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o755))
	sums := map[program]string{}
	for writer, reader := range map[program]program{ours: theirs, theirs: ours} {
		repo := filepath.Join(dir, writer.name)
		writer.run(t, "init", "--repo="+repo, "--mode="+mode)
		sums[writer] = writer.run(t, "commit", "--repo="+repo, "--branch=tree", "--subject=real", "--tree=dir="+tree)
		reader.run(t, "fsck", "--quiet", "--repo="+repo)
		require.Equal(t, writer.run(t, "ls", "--repo="+repo, "-RCX", "tree"), reader.run(t, "ls", "--repo="+repo, "-RCX", "tree"))
	}
	require.Equal(t, sums[theirs], sums[ours], "commit into %s", mode)
}

// refuseDevice checks that neither program commits what OSTree has no object for.
func refuseDevice(t *testing.T, tree string) {
	t.Helper()
	device := filepath.Join(tree, "a-device")
	makeDevice(t, device)
	repo := filepath.Join(t.TempDir(), "repo")
	theirs.run(t, "init", "--repo="+repo, "--mode=bare")
	for _, p := range []program{ours, theirs} {
		_, err := p.try(t, "commit", "--repo="+repo, "--branch=device", "--tree=dir="+tree)
		require.ErrorContains(t, err, "a-device")
	}
	require.NoError(t, os.Remove(device))
}

// comparePulls lets each program pull from a repository that the other wrote and signed, with and
// without static deltas, over HTTP.
func comparePulls(t *testing.T, key signingKey, dir, tree string, scratch bool) {
	t.Helper()
	require.NoError(t, os.Mkdir(dir, 0o755))
	next := filepath.Join(dir, "tree")
	upgrade(t, tree, next)
	for writer, reader := range map[program]program{ours: theirs, theirs: ours} {
		repo := filepath.Join(dir, writer.name)
		first, second := publish(t, writer, repo, key, scratch, tree, next)
		server := httptest.NewServer(http.FileServer(http.Dir(repo)))
		for mode, option := range map[string]string{"bare": "--disable-static-deltas", "bare-user": "--require-static-deltas"} {
			local := filepath.Join(dir, reader.name+"-"+mode)
			reader.run(t, "init", "--repo="+local, "--mode="+mode)
			reader.run(t, "remote", "add", "--repo="+local, "--set=gpg-verify-summary=true", "--gpg-import="+key.public, "origin", server.URL)
			pull := []string{"pull", "--repo=" + local, "origin"}
			if mode == "bare" || scratch {
				reader.run(t, append(pull, option, "tree@"+first)...)
			} else {
				reader.run(t, append(pull, "tree@"+first)...)
			}
			reader.run(t, append(pull, option, "tree")...)
			require.Equal(t, second, writer.run(t, "rev-parse", "--repo="+local, "origin:tree"))
			writer.run(t, "fsck", "--quiet", "--repo="+local)
		}
		server.Close()
	}
}

// publish makes an archive repository with two signed commits, static deltas to both and a signed
// summary.
func publish(t *testing.T, p program, repo string, key signingKey, scratch bool, trees ...string) (first, second string) {
	t.Helper()
	p.run(t, "init", "--repo="+repo, "--mode=archive")
	var commits []string
	for _, tree := range trees {
		commits = append(commits, p.run(t, "commit", "--repo="+repo, "--branch=tree", "--tree=dir="+tree, "--gpg-homedir="+key.home, "--gpg-sign="+key.id))
	}
	if scratch {
		p.run(t, "static-delta", "generate", "--repo="+repo, "--empty", "--to="+commits[0])
	}
	p.run(t, "static-delta", "generate", "--repo="+repo, "--from="+commits[0], "--to="+commits[1])
	p.run(t, "summary", "--update", "--repo="+repo, "--gpg-homedir="+key.home, "--gpg-sign="+key.id)
	return commits[0], commits[1]
}
