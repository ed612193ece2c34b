package e2e_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

const ref = "debian/bookworm/amd64/minimal"

// system is a sysroot with the embedded Debian deployed.
type system struct {
	t    *testing.T
	path string
	repo string
}

func newSystem(t *testing.T) *system {
	t.Helper()
	s := &system{t: t, path: filepath.Join(t.TempDir(), "sysroot")}
	s.repo = filepath.Join(s.path, "ostree/repo")
	run(t, "sysroot-init", s.path)
	run(t, "stateroot-init", s.path, "debian")
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(s.path)) }) // deployments are immutable
	run(t, "apt-ostree", "compose", "tree", "--repo="+s.repo, "--cachedir="+cacheDir(t))
	s.run("deploy", "--stateroot=debian", ref)
	return s
}

func (s *system) run(command string, args ...string) string {
	s.t.Helper()
	return run(s.t, "apt-ostree", append([]string{command, "--sysroot=" + s.path}, args...)...)
}

func (s *system) try(command string, args ...string) outcome {
	s.t.Helper()
	return try(s.t, "apt-ostree", append([]string{command, "--sysroot=" + s.path}, args...)...)
}

func (s *system) status() txn.Status {
	s.t.Helper()
	var status txn.Status
	require.NoError(s.t, json.Unmarshal([]byte(s.run("status", "--json")), &status))
	return status
}

// inside runs a program in a deployment.
func (s *system) inside(args ...string) outcome {
	s.t.Helper()
	return try(s.t, "run-in-deployment", append([]string{s.path, "--"}, args...)...)
}

// packages lists what is installed in a commit.
func (s *system) packages(commit string) []string {
	s.t.Helper()
	return strings.Split(line(run(s.t, "apt-ostree", "db", "list", "--repo="+s.repo, commit)), "\n")[1:]
}

// TestMainJob is the way of a user, with each step held against the peers.
func TestMainJob(t *testing.T) {
	needAll(t)
	s := newSystem(t)

	t.Run("the commit is clean", func(t *testing.T) {
		run(t, "ostree", "fsck", "--repo="+s.repo)
		list := run(t, "ostree", "ls", "-R", "--repo="+s.repo, ref)
		for _, want := range []string{"/usr/etc/passwd\n", "/usr/lib/sysimage/dpkg/status\n", "/vmlinuz\n", "/initramfs.img\n", " /home -> var/home\n"} {
			require.True(t, strings.Contains(list, want), want)
		}
		require.False(t, regexp.MustCompile(`(?m)^\S+ \d+ \d+ +\d+ /(etc|var)/`).MatchString(list), "files in /etc or /var")
		require.False(t, strings.Contains(list, "ssh_host_"), "host keys")
	})
	t.Run("dpkg is content with the deployment", func(t *testing.T) { s.checkDpkg(t) })
	t.Run("ostree admin reads the sysroot", func(t *testing.T) { s.checkPeerStatus(t) })

	base := s.status().Deployments[0].Checksum
	basePackages := s.packages(base)
	s.run("install", "nginx", "postgresql", "git")
	t.Run("layered", func(t *testing.T) {
		status := s.status()
		require.Len(t, status.Deployments, 2)
		require.Equal(t, []string{"git", "nginx", "postgresql"}, status.Deployments[0].Packages)
		require.Equal(t, base, status.Deployments[0].BaseChecksum)
		require.Equal(t, base, status.Deployments[1].Checksum)
		require.Contains(t, s.inside("git", "--version").stdout, "git version")
		require.Contains(t, s.inside("/usr/sbin/nginx", "-v").stderr, "nginx version")
		require.Contains(t, s.run("db", "diff"), "\n  git_")
		s.checkDpkg(t)
		s.checkPeerStatus(t)
		run(t, "ostree", "fsck", "--repo="+s.repo)
	})
	t.Run("uninstalled again", func(t *testing.T) {
		s.run("uninstall", "--all")
		require.Equal(t, base, s.status().Deployments[0].Checksum)
		require.Equal(t, basePackages, s.packages(s.status().Deployments[0].Checksum))
		s.run("install", "git")
		s.run("uninstall", "git")
		require.Equal(t, base, s.status().Deployments[0].Checksum)
	})
	t.Run("twenty steps", func(t *testing.T) { s.twentySteps(t) })
}

// checkDpkg asks the deployment's own dpkg about the deployment.
func (s *system) checkDpkg(t *testing.T) {
	t.Helper()
	const admin = "--admindir=/usr/lib/sysimage/dpkg"
	audit := s.inside("dpkg", admin, "--audit")
	require.Zero(t, audit.code, audit.stderr)
	require.Empty(t, audit.stdout)
	states := s.inside("dpkg-query", admin, "-W", "-f", "${Status}\n")
	require.Zero(t, states.code, states.stderr)
	lines := strings.Split(line(states.stdout), "\n")
	slices.Sort(lines)
	require.Equal(t, []string{"install ok installed"}, slices.Compact(lines))
	for l := range strings.SplitSeq(line(s.inside("dpkg", admin, "-V").stdout), "\n") {
		if !explained(t, l) {
			t.Errorf("dpkg -V: %q has no reason in testdata/verify.txt", l)
		}
	}
}

// explained says whether a line of `dpkg -V` is one that the layout of an image brings with it.
func explained(t *testing.T, verify string) bool {
	t.Helper()
	if verify == "" {
		return true
	}
	list, err := os.ReadFile("testdata/verify.txt")
	require.NoError(t, err)
	fields := strings.Fields(verify)
	for l := range strings.Lines(string(list)) {
		pattern, _, ok := strings.Cut(l, " ")
		if !ok || pattern == "#" {
			continue
		}
		if ok, err := regexp.MatchString("^"+pattern+"$", fields[len(fields)-1]); ok && err == nil {
			return true
		}
	}
	return false
}

// checkPeerStatus compares what libostree's tool sees with what ours says.
func (s *system) checkPeerStatus(t *testing.T) {
	t.Helper()
	peer := run(t, "ostree", "admin", "status", "--sysroot="+s.path)
	found := regexp.MustCompile(`(?m)^[* ] (\S+) ([0-9a-f]{64})\.(\d+)(?: .*)?\n(?:    Version: (.*)\n)?    origin(?: refspec)?: (.*)$`).FindAllStringSubmatch(peer, -1)
	status := s.status()
	require.Len(t, found, len(status.Deployments), peer)
	text := s.run("status", "--verbose")
	for i, d := range status.Deployments {
		require.Equal(t, d.Osname, found[i][1])
		require.Equal(t, d.Checksum, found[i][2])
		require.Equal(t, fmt.Sprint(d.Serial), found[i][3])
		require.Equal(t, d.Version, found[i][4])
		if d.BaseChecksum == "" { // of layered ones libostree does not know the origin
			require.Equal(t, d.Origin, found[i][5])
		}
		require.Contains(t, text, d.Checksum)
	}
}

// twentySteps changes the system back and forth; afterwards nothing must be left over.
func (s *system) twentySteps(t *testing.T) {
	t.Helper()
	steps := [][]string{
		{"install", "hello"}, {"install", "cowsay"}, {"uninstall", "hello"}, {"rollback"}, {"upgrade"},
		{"install", "tree", "--idempotent"}, {"rollback"}, {"rollback"}, {"uninstall", "tree"}, {"install", "hello", "--idempotent"},
		{"upgrade"}, {"uninstall", "--all"}, {"install", "tree", "hello"}, {"rollback"}, {"install", "sl"},
		{"uninstall", "sl", "--install=tree"}, {"upgrade"}, {"rollback"}, {"rollback"}, {"uninstall", "--all"},
	}
	require.Len(t, steps, 20)
	for _, step := range steps {
		out := s.try(step[0], step[1:]...)
		require.Zero(t, out.code, "%v\n%s%s", step, out.stdout, out.stderr)
		s.checkPeerStatus(t)
	}
	run(t, "ostree", "fsck", "--repo="+s.repo)
	run(t, "ostree", "admin", "cleanup", "--sysroot="+s.path)
	prune := run(t, "ostree", "prune", "--repo="+s.repo, "--refs-only", "--depth=0", "--no-prune")
	require.Contains(t, prune, "No unreachable objects")
	left, err := filepath.Glob(filepath.Join(s.repo, "extensions/apt-ostree/[^.]*"))
	require.NoError(t, err)
	require.Empty(t, left, "scratch of finished runs")
}

// TestReproducible composes the same treefile again from warm and cold caches, with the requests
// in another order.
func TestReproducible(t *testing.T) {
	needAll(t)
	tree := filepath.Join(t.TempDir(), "tree.yaml")
	shuffled := filepath.Join(t.TempDir(), "shuffled.yaml")
	text := run(t, "apt-ostree", "compose", "tree", "--print-only")
	var fields map[string]any
	require.NoError(t, json.Unmarshal([]byte(text), &fields))
	packages, ok := fields["packages"].([]any)
	require.True(t, ok)
	require.NoError(t, os.WriteFile(tree, []byte(text), 0o644))
	slices.Reverse(packages)
	fields["packages"] = packages
	reversed, err := json.Marshal(fields)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(shuffled, reversed, 0o644))

	commit := func(file, cache string) string {
		repo := filepath.Join(t.TempDir(), "repo")
		run(t, "apt-ostree", "compose", "tree", file, "--repo="+repo, "--cachedir="+cache)
		return line(run(t, "ostree", "rev-parse", "--repo="+repo, ref))
	}
	first := commit(tree, cacheDir(t))
	require.Equal(t, first, commit(shuffled, cacheDir(t)), "warm cache, other order")
	require.Equal(t, first, commit(tree, filepath.Join(t.TempDir(), "cold")), "cold cache")
}

// TestComposeUnchanged composes twice into one repository: the second run writes nothing.
func TestComposeUnchanged(t *testing.T) {
	needAll(t)
	dir := t.TempDir()
	args := []string{"compose", "tree", "--repo=" + dir + "/repo", "--cachedir=" + cacheDir(t), "--write-composejson-to=" + dir + "/compose.json"}
	run(t, "apt-ostree", args...)
	first := line(run(t, "ostree", "rev-parse", "--repo="+dir+"/repo", ref))
	require.Contains(t, run(t, "apt-ostree", args...), "No apparent changes since previous commit")
	require.Equal(t, first, line(run(t, "ostree", "rev-parse", "--repo="+dir+"/repo", ref)))
	document, err := os.ReadFile(dir + "/compose.json")
	require.NoError(t, err)
	require.Contains(t, string(document), first)
}
