package e2e_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestDisturbed changes a system while others want to, while it is told to stop, while it is killed
// and while its disk fills up. The parts share a system: composing it takes most of the time.
func TestDisturbed(t *testing.T) {
	needAll(t)
	s := newSystem(t)
	base := s.status().Deployments[0].Checksum

	t.Run("two changes at once", func(t *testing.T) { s.with(t).twoChanges() })
	s.run("install", "tree", "hello", "bc", "dc", "pv", "git") // the packages are in the cache from here on
	s.run("uninstall", "--all")
	s.run("install", "-C", "tree", "hello")
	s.run("uninstall", "--all")
	t.Run("interrupted", func(t *testing.T) { s.with(t).interrupted() })
	t.Run("killed", func(t *testing.T) { s.with(t).killed() })
	t.Run("full disk", func(t *testing.T) { s.with(t).fullDisk() })

	require.Equal(t, base, s.status().Deployments[0].Checksum)
	run(t, "ostree", "fsck", "--repo="+s.repo)
	s.checkPeerStatus(t)
}

// with is the system in a part of a test.
func (s *system) with(t *testing.T) *system {
	part := *s
	part.t = t
	return &part
}

// start begins a change.
func (s *system) start(command string, args ...string) *process {
	s.t.Helper()
	return start(s.t, append([]string{command, "--sysroot=" + s.path}, args...)...)
}

// moment is a state of a change that can be seen from outside.
type moment struct {
	name string
	is   func(s *system) bool
}

func moments(deployed int) []moment {
	return []moment{
		{"planning", func(s *system) bool { return exists(filepath.Join(s.path, "ostree/lock")) }},
		{"checking out", func(s *system) bool { return glob(s.repo, "extensions/apt-ostree/*/lower/usr") }},
		{"running scripts", func(s *system) bool { return glob(s.repo, "extensions/apt-ostree/*/upper/usr") }},
		{"committing", func(s *system) bool { // which it does with nothing mounted
			return glob(s.repo, "extensions/apt-ostree/*/upper/usr") && !glob(s.repo, "extensions/apt-ostree/*/root/usr") && glob(s.repo, "tmp/staging-*")
		}},
		{"deploying", func(s *system) bool {
			found, err := filepath.Glob(filepath.Join(s.path, "ostree/deploy/debian/deploy/*.0"))
			return err == nil && len(found) > deployed
		}},
	}
}

// deployed counts the checked out deployments.
func (s *system) deployed() int {
	s.t.Helper()
	found, err := filepath.Glob(filepath.Join(s.path, "ostree/deploy/debian/deploy/*.0"))
	require.NoError(s.t, err)
	return len(found)
}

// checkNothingLeft looks for traces of a change that was given up.
func (s *system) checkNothingLeft() {
	s.t.Helper()
	require.Empty(s.t, mounts(s.t, s.path))
	require.False(s.t, glob(s.repo, "extensions/apt-ostree/assemble-*"), "scratch")
	require.False(s.t, glob(s.repo, "tmp/staging-*"), "staging")
	require.NoFileExists(s.t, filepath.Join(s.path, "ostree/lock"))
}

// twoChanges starts a second change while one is under way: it is refused at once and told why.
func (s *system) twoChanges() {
	first := s.start("install", "cowsay")
	first.until("it holds the lock", func() bool { return exists(filepath.Join(s.path, "ostree/lock")) })
	begin := time.Now()
	second := s.try("install", "sl")
	require.Less(s.t, time.Since(begin), 5*time.Second)
	require.Equal(s.t, 1, second.code)
	require.Contains(s.t, second.stderr, "process "+strconv.Itoa(first.cmd.Process.Pid)+" (apt-ostree install")
	require.Contains(s.t, second.stderr, "is changing this system")
	require.Empty(s.t, second.stdout)
	s.status() // needs no lock
	out := first.wait()
	require.Zero(s.t, out.code, out.stderr)
	require.Equal(s.t, []string{"cowsay"}, s.status().Deployments[0].Packages)
	s.run("install", "sl")
	s.run("uninstall", "--all")
	s.checkNothingLeft()
}

// interrupted presses Ctrl-C: the change ends with 130 and leaves nothing.
func (s *system) interrupted() {
	before := s.status()
	for _, m := range moments(s.deployed())[:4] {
		change := s.start("install", "-C", "bc", "dc")
		change.until(m.name, func() bool { return m.is(s) })
		change.interrupt()
		out := change.wait()
		require.Equal(s.t, 130, out.code, "%s: %s", m.name, out.stderr)
		require.Regexp(s.t, `(?m)^error: canceled(: [A-Z][a-z ]+)?$`, out.stderr)
		require.NotContains(s.t, out.stdout, "queued for next boot")
		require.Equal(s.t, before, s.status(), m.name)
		s.checkNothingLeft()
	}
}

// killed ends changes with SIGKILL. The system stays what it was or becomes what it was to be, and
// the next change removes what is left.
func (s *system) killed() {
	before := s.status()
	for _, m := range moments(s.deployed()) {
		change := s.start("install", "-C", "bc")
		change.until(m.name, func() bool { return m.is(s) })
		change.kill()
		require.Equal(s.t, before, s.status(), m.name)
		run(s.t, "ostree", "admin", "status", "--sysroot="+s.path)
		run(s.t, "ostree", "fsck", "-q", "--repo="+s.repo)

		s.run("install", "-C", "bc", "--idempotent")
		s.checkNothingLeft()
		require.False(s.t, programsIn(s.t, s.path), "%s: scripts go on", m.name)
		require.Equal(s.t, []string{"bc"}, s.status().Deployments[0].Packages, m.name)
		s.run("uninstall", "--all")
		s.run("install", "-C", "tree", "hello") // pushes what was assembled out of the list
		s.run("uninstall", "--all")
		require.Equal(s.t, before.Deployments[0].Checksum, s.status().Deployments[0].Checksum, m.name)
		before = s.status()
	}
	change := s.start("install", "-C", "bc")
	change.until("running scripts", func() bool { return moments(0)[2].is(s) })
	change.kill()
	s.run("install", "-C", "hello", "tree") // which needs no assembling
	s.checkNothingLeft()
	s.run("uninstall", "--all")
}

// programsIn says whether programs run with their root below a directory.
func programsIn(t *testing.T, dir string) bool {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	require.NoError(t, err)
	for _, l := range lines {
		text, err := os.ReadFile(l)
		if err == nil && strings.Contains(string(text), "bwrap") && strings.Contains(string(text), dir) {
			return true
		}
	}
	return false
}

// fullDisk moves the system to a file system of its own. A change is refused where space is short, and given up when
// somebody else takes what is left while scripts run.
func (s *system) fullDisk() {
	t := s.t
	disk := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", disk, "tmpfs", 0, "size=2G"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(disk, 0)) })
	run(t, "cp", "-a", s.path, disk)
	small := &system{t: t, path: filepath.Join(disk, filepath.Base(s.path))}
	small.repo = filepath.Join(small.path, "ostree/repo")
	before := small.status()
	given := func(out outcome, message string) {
		t.Helper()
		require.Equal(t, 1, out.code)
		require.Regexp(t, message, out.stderr)
		require.Contains(t, out.stderr, "hint: remove old deployments and cached packages")
		require.Equal(t, before, small.status())
		small.checkNothingLeft()
		run(t, "ostree", "fsck", "-q", "--repo="+small.repo)
	}

	var st syscall.Statfs_t
	require.NoError(t, syscall.Statfs(disk, &st))
	used := (int64(st.Blocks) - int64(st.Bfree)) * st.Bsize
	require.NoError(t, unix.Mount("", disk, "", unix.MS_REMOUNT, "size="+strconv.FormatInt(used+1<<20, 10)))
	given(small.try("install", "-C", "git"), `lacks [0-9.]+ MB \([0-9.]+ MB are needed, [0-9.]+ MB are free\)`)
	require.NoError(t, unix.Mount("", disk, "", unix.MS_REMOUNT, "size=2G"))

	change := small.start("install", "-C", "git")
	change.until("running scripts", func() bool { return moments(0)[2].is(small) })
	filler := filepath.Join(disk, "filler")
	require.ErrorIs(t, fill(filler), syscall.ENOSPC)
	// Where it stops depends on how far it had come: in a script, in the commit, or before the deployment.
	given(change.wait(), "(?i)no space left on device|needs [0-9]+ bytes more than core.min-free-space-percent=3 leaves|lacks [0-9.]+ MB")
	require.NoError(t, os.Remove(filler))
	small.run("install", "-C", "git")
}

// fill writes a file until it cannot.
func fill(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	block := make([]byte, 64<<10)
	for err == nil {
		_, err = f.Write(block)
	}
	return errors.Join(err, f.Close())
}

// TestTwoComposes runs two composes with one cache: the second is refused and told why. The first
// is then interrupted, and leaves neither a ref nor anything else.
func TestTwoComposes(t *testing.T) {
	needAll(t)
	cache, repo := cacheDir(t), filepath.Join(t.TempDir(), "repo")
	args := []string{"compose", "tree", "--repo=" + repo, "--cachedir=" + cache}
	first := start(t, args...)
	work := filepath.Join(cache, "pkgcache") // where it assembles
	first.until("scripts run", func() bool { return glob(work, "extensions/apt-ostree/*/root/usr/bin/dpkg") })
	second := try(t, "apt-ostree", args...)
	require.Equal(t, 1, second.code)
	require.Contains(t, second.stderr, "locked by process "+strconv.Itoa(first.cmd.Process.Pid)+" (compose) since")
	require.Empty(t, second.stdout)

	first.interrupt()
	out := first.wait()
	require.Equal(t, 130, out.code, out.stderr)
	require.Empty(t, mounts(t, cache))
	require.False(t, glob(work, "extensions/apt-ostree/assemble-*"), "scratch")
	require.False(t, glob(work, "tmp/staging-*"), "staging")
	require.False(t, glob(repo, "tmp/*"), "staging")
	require.Empty(t, run(t, "ostree", "refs", "--repo="+repo))
}
