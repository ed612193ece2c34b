package assemble_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/pkg/apt"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/sandbox"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

func withScript(name, text string) apttest.Deb { return withNamed("bad", name, text) }

func withNamed(pkg, name, text string) apttest.Deb {
	return apttest.Deb{
		Package: pkg, Version: "1:2.0-1", Scripts: map[string]string{name: text},
		Files: []apttest.File{{Path: "usr/share/" + pkg + "/file", Content: "x"}},
	}
}

func TestFailingScripts(t *testing.T) {
	repo, b := minimal(t)
	triggers := withScript("postinst", `test "$1" != triggered || exit 9`)
	triggers.Control = map[string]string{"triggers": "interest-noawait bad-trigger\n"}
	activates := apttest.Deb{
		Package: "activates", Depends: "bad", Files: []apttest.File{{Path: "usr/share/activates", Content: "x"}},
		Control: map[string]string{"triggers": "activate-noawait bad-trigger\n"},
	}
	for _, c := range []struct {
		name   string
		debs   []apttest.Deb
		phase  string
		code   int
		signal syscall.Signal
		log    string
	}{
		{"preinst", []apttest.Deb{withScript("preinst", "echo some output\nexit 3")}, "preinst", 3, 0, "some output"},
		{"postinst", []apttest.Deb{withScript("postinst", "echo on stderr >&2\nexit 42")}, "postinst", 42, 0, "on stderr"},
		{"signal", []apttest.Deb{withScript("postinst", "kill -SEGV $$")}, "postinst", 139, syscall.SIGSEGV, ""},
		{"trigger", []apttest.Deb{triggers, activates}, "trigger", 9, 0, ""},
		{"deletes everything", []apttest.Deb{withScript("postinst", "echo oh no\nrm -rf --no-preserve-root / 2>/dev/null")}, "postinst", 1, 0, "oh no"},
	} {
		t.Run(c.name, func(t *testing.T) {
			logs := t.TempDir()
			_, err := layer(t, repo, b, func(in *assemble.Input) { in.LogDir = logs }, c.debs...)
			var script *assemble.ScriptError
			require.ErrorAs(t, err, &script)
			require.Equal(t, "bad", script.Package)
			require.Equal(t, c.phase, script.Phase)
			require.Equal(t, c.code, script.Code)
			require.Equal(t, c.signal, script.Signal)
			require.Contains(t, strings.Join(script.Log, "\n"), c.log)
			require.Equal(t, filepath.Join(logs, "bad.log"), script.LogPath)
			require.FileExists(t, script.LogPath)
			intact(t, repo)
		})
	}
}

func TestHangingScript(t *testing.T) {
	repo, b := minimal(t)
	for _, phase := range []string{"preinst", "postinst"} {
		t.Run(phase, func(t *testing.T) {
			_, err := layer(t, repo, b, func(in *assemble.Input) { in.ScriptTimeout = 3 * time.Second },
				withScript(phase, "echo waiting\ntrap '' TERM\nread answer </dev/zero & while :; do sleep 1; done"))
			var script *assemble.ScriptError
			require.ErrorAs(t, err, &script)
			require.Equal(t, "package bad: "+phase+": did not finish within 3s and was killed", err.Error())
			require.Contains(t, script.Log, "waiting")
			intact(t, repo)
		})
	}
}

// A script that deletes everything and says that all is well: whoever unpacks, the build fails at its package.
func TestContentedDestroyer(t *testing.T) {
	repo, b := minimal(t)
	for _, phase := range []string{"preinst", "postinst"} {
		for _, unpacker := range []assemble.UnpackMode{assemble.UnpackNative, assemble.UnpackDpkg} {
			t.Run(phase+" "+string(unpacker), func(t *testing.T) {
				_, err := layer(t, repo, b, func(in *assemble.Input) { in.Unpacker = unpacker },
					withScript(phase, "rm -rf --no-preserve-root / 2>/dev/null || true"))
				require.ErrorContains(t, err, "package bad: ")
				intact(t, repo)
			})
		}
	}
}

// A daemon that a script starts ends with it, and keeps nothing busy.
func TestDaemon(t *testing.T) {
	repo, b := minimal(t)
	mark := fmt.Sprintf("31%d", os.Getpid())
	_, err := layer(t, repo, b, nil, withScript("postinst", "setsid sleep "+mark+" >/dev/null 2>&1 &\nsetsid sleep "+mark+" &"))
	require.NoError(t, err)
	noProcess(t, "sleep\x00"+mark)
	intact(t, repo)
}

// What scripts do to devices stays in the cage; there is no network, no host.
func TestCageWalls(t *testing.T) {
	repo, b := minimal(t)
	result, err := layer(t, repo, b, nil, withScript("postinst", `
echo x >/dev/leak
test -z "$(find /dev -type b)"
for device in mem kmsg kvm fuse; do test ! -e /dev/$device; done
if mknod /usr/share/bad/null c 1 3 2>/dev/null; then echo mknod works; exit 1; fi
perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => "192.0.2.1:80", Timeout => 2) ? 1 : 0)'
test "$(ls /sys | wc -l)" = 0
test ! -e /run/systemd
test "$(hostname)" = localhost
if read line; then exit 1; fi
echo x >/run/leak; echo x >/tmp/leak; echo x >/var/tmp/leak
if touch /run/apt-ostree/debs/leak 2>/dev/null; then exit 1; fi
perl -MIO::Socket::UNIX -MSocket -e 'IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => "/usr/share/bad/socket", Listen => 1) or die'
`))
	require.NoError(t, err)
	require.Equal(t, []string{"file"}, list(t, repo, result.Commit, "usr/share/bad"))
	intact(t, repo)
}

// Files of the base are hard links of objects. Whatever scripts and dpkg do to
// them, the objects stay.
func TestObjectsSurvive(t *testing.T) {
	repo, b := minimal(t)
	result, err := layer(t, repo, b, nil, withScript("postinst", `
for f in /bin/su /usr/bin/passwd /usr/bin/chsh; do chmod 0711 $f; done
for f in /etc/debian_version /usr/lib/os-release /usr/share/doc/*/copyright; do echo appended >>"$f"; done
chown 1:1 /usr/bin/chage; chgrp 12 /bin/cat; truncate -s 0 /bin/ls; ln /bin/cp /bin/cp2; echo x >>/bin/cp2
find /usr/share/perl* -type f -exec sed -i 's/a/b/' {} +
mv /usr/share/doc /usr/share/doc2
rm -rf /usr/share/locale
`))
	require.NoError(t, err)
	require.Empty(t, file(t, repo, result.Commit, "usr/bin/ls"))
	require.NotEmpty(t, file(t, repo, b.commit, "usr/bin/ls"))
	require.NotEmpty(t, file(t, repo, result.Commit, "usr/share/doc2/dpkg/copyright"))
	require.Empty(t, file(t, repo, result.Commit, "usr/share/doc/dpkg/copyright"))
	intact(t, repo)
}

// dpkg takes the set-id bits off a file before it replaces it, by chmod.
func TestSetuidUpgrade(t *testing.T) {
	repo, b := minimal(t)
	setuid := func(version string) apttest.Deb {
		return apttest.Deb{Package: "setuid", Version: version, Files: []apttest.File{{Path: "usr/bin/setuid", Mode: 0o4755, Content: version}}}
	}
	first, err := layer(t, repo, b, nil, setuid("1.0"))
	require.NoError(t, err)
	second, err := layer(t, repo, base{commit: first.Commit, installed: first.Packages}, nil, setuid("2.0"))
	require.NoError(t, err)
	require.Equal(t, "1.0", file(t, repo, first.Commit, "usr/bin/setuid"))
	require.Equal(t, "2.0", file(t, repo, second.Commit, "usr/bin/setuid"))
	require.Equal(t, "install ok installed 2.0", status(t, repo, second.Commit)["setuid"])
	intact(t, repo)
	// The same as if 1.0 had never been there.
	fresh, err := layer(t, repo, b, nil, setuid("2.0"))
	require.NoError(t, err)
	requireSameTree(t, repo, fresh.Tree, second.Tree)
}

func TestUpgradeReplacesDirectoryByFile(t *testing.T) {
	repo, b := minimal(t)
	first, err := layer(t, repo, b, nil, apttest.Deb{
		Package: "shape", Version: "1", Files: []apttest.File{{Path: "usr/share/shape/a", Content: "a"}, {Path: "usr/share/shape/sub/b", Content: "b"}},
	})
	require.NoError(t, err)
	second, err := layer(t, repo, base{commit: first.Commit, installed: first.Packages}, nil, apttest.Deb{
		Package: "shape", Version: "2", Files: []apttest.File{{Path: "usr/share/shape", Content: "now a file"}},
	})
	require.NoError(t, err)
	require.Equal(t, "now a file", file(t, repo, second.Commit, "usr/share/shape"))
	intact(t, repo)
}

func TestFileConflict(t *testing.T) {
	repo, b := minimal(t)
	_, err := layer(t, repo, b, nil, apttest.Deb{Package: "thief", Files: []apttest.File{{Path: "bin/cat", Mode: 0o755, Content: "x"}}})
	var pkg *assemble.PackageError
	require.ErrorAs(t, err, &pkg)
	require.Equal(t, "thief", pkg.Package)
	require.Equal(t, "unpack", pkg.Action)
	require.Contains(t, pkg.Message, "trying to overwrite '/bin/cat', which is also in package coreutils")
	intact(t, repo)
}

func TestHashMismatch(t *testing.T) {
	repo, b := minimal(t)
	_, err := layer(t, repo, b, func(in *assemble.Input) {
		for p := range in.Debs {
			p.SHA256 = strings.Repeat("0", 64)
		}
	}, withScript("postinst", "true"))
	var mismatch *apt.HashMismatchError
	require.ErrorAs(t, err, &mismatch)
	require.ErrorContains(t, err, "import bad=1:2.0-1:all: ")
	intact(t, repo)
}

func TestCancelledBuild(t *testing.T) {
	repo, b := minimal(t)
	ctx, cancel := context.WithCancel(t.Context())
	runner := jail(t)
	_, err := layer(t, repo, b, func(in *assemble.Input) {
		in.Runner = runnerFunc(func(_ context.Context, spec sandbox.Spec) error {
			time.AfterFunc(500*time.Millisecond, cancel)
			return runner.Run(ctx, spec)
		})
	}, withScript("preinst", "sleep 60"))
	require.ErrorIs(t, err, context.Canceled)
	intact(t, repo)
}

type runnerFunc func(context.Context, sandbox.Spec) error

func (f runnerFunc) Run(ctx context.Context, spec sandbox.Spec) error { return f(ctx, spec) }

// The disk is full: a tmpfs that has room for the base and not for the package.
func TestDiskFull(t *testing.T) {
	repo, b := minimal(t)
	work := t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", work, "tmpfs", 0, "size=600m"))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(work, unix.MNT_DETACH)) })
	for _, phase := range []string{"preinst", "postinst"} {
		_, err := layer(t, repo, b, func(in *assemble.Input) { in.WorkDir = work },
			withScript(phase, "head -c 700M /dev/zero >/usr/share/huge"))
		require.ErrorIs(t, err, syscall.ENOSPC, phase)
		var script *assemble.ScriptError
		require.ErrorAs(t, err, &script)
		require.Equal(t, phase, script.Phase)
		intact(t, repo)
		left, err := filepath.Glob(filepath.Join(work, "assemble-*"))
		require.NoError(t, err)
		require.Empty(t, left)
	}
}

// Kill the whole process in the middle: the next build cleans up and works.
func TestKill(t *testing.T) {
	repo, b := minimal(t)
	deb := withScript("postinst", "echo x >>/bin/cat\necho x >/usr/share/bad/started\nsleep 600").Write(t, t.TempDir())
	self, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), self, "-test.run=^TestKilledChild$", "-test.v")
	child.Env = append(os.Environ(), "ASSEMBLE_CHILD="+strings.Join([]string{repo.Path(), b.commit.String(), deb}, " "))
	require.NoError(t, child.Start())
	started := filepath.Join(assemble.ScratchDir(repo.Path()), "assemble-*", "root", "usr/share/bad/started")
	require.Eventually(t, func() bool {
		found, err := filepath.Glob(started)
		return err == nil && len(found) == 1
	}, time.Minute, 50*time.Millisecond)
	require.NoError(t, child.Process.Kill())
	require.Error(t, child.Wait())

	_, err = layer(t, repo, b, nil, withScript("postinst", "true"))
	require.NoError(t, err)
	intact(t, repo)
}

// TestKilledChild is what TestKill kills.
func TestKilledChild(t *testing.T) {
	args := strings.Fields(os.Getenv("ASSEMBLE_CHILD"))
	if len(args) != 3 {
		return
	}
	repo, err := ostree.Open(args[0], ostree.Options{})
	require.NoError(t, err)
	defer func() { require.NoError(t, repo.Close()) }()
	commit, err := ostree.ParseChecksum(args[1])
	require.NoError(t, err)
	s := set{}
	s.add(t, args[2])
	_, err = assemble.Build(t.Context(), assemble.Input{
		Repo: repo, Base: commit, Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t),
	})
	require.NoError(t, err)
}
