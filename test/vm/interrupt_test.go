package vm_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/txn"
)

// packages are the two that are layered in turn, in an archive where they get newer.
type packages struct {
	archive *apttest.Archive
	number  int
	version string // the newest
}

// publish adds a newer version of both.
func (p *packages) publish() {
	p.number++
	p.version = fmt.Sprintf("1.%d", p.number)
	p.archive.Add(probe(p.version), apttest.Deb{Package: "other", Version: p.version, Files: []apttest.File{{Path: "usr/share/other", Content: p.version}}})
	p.archive.Publish()
}

// changes are those to interrupt: of what is layered, to newer versions, at shutdown, and of what
// is kept. The first two are interrupted while they stage or while that is finalized.
func (p *packages) changes(install time.Duration) []*interrupted {
	becomesOther := func(s *system, booted txn.DeploymentStatus, pkg string) {
		require.Equal(s.t, []string{other(pkg)}, booted.Packages)
	}
	then := " && " + strings.Join(finalize, " ")
	return []*interrupted{
		{
			name: "install", took: install, prepare: (*system).deployOther,
			argv: func(pkg string) []string {
				return []string{"sh", "-c", "apt-ostree uninstall " + pkg + " --install=" + other(pkg) + then}
			},
			done: becomesOther,
		},
		{
			name: "upgrade", took: install,
			prepare: func(s *system) { s.deployOther(); p.publish() },
			argv:    func(string) []string { return []string{"sh", "-c", "apt-ostree upgrade" + then} },
			done: func(s *system, booted txn.DeploymentStatus, pkg string) {
				require.Equal(s.t, []string{pkg}, booted.Packages)
				require.Equal(s.t, p.version, s.run("dpkg-query", "-W", "-f", "${Version}", pkg))
			},
		},
		{
			name: "finalize", took: install / 3,
			prepare: func(s *system) { s.stageOther() },
			argv:    func(string) []string { return finalize },
			done:    becomesOther,
		},
		{
			// The pending deployment goes, and with it what only that needs of /boot and of the repository.
			name: "cleanup", took: install / 3, prepare: (*system).deployOther,
			argv: func(string) []string { return []string{"ostree-example", "admin", "undeploy", "0"} },
			done: becomesOther,
		},
	}
}

// checkDisk copies the root file system out of an overlay of a disk, lets e2fsck replay its journal as
// the kernel does, and then wants it and libostree to find nothing.
func checkDisk(t *testing.T, base, overlay string) {
	t.Helper()
	tool := func(name string, args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
		require.NoError(t, err, "%s %v: %s", name, args, out)
		return strings.TrimSpace(string(out))
	}
	sector, err := strconv.ParseInt(tool("partx", "--nr", "3", "-r", "-g", "-o", "START", base), 10, 64)
	require.NoError(t, err)
	root, mount := filepath.Join(t.TempDir(), "root"), t.TempDir()
	defer func() { require.NoError(t, os.Remove(root)) }() // there may be many
	tool("qemu-img", "convert", "-O", "raw", "--image-opts", fmt.Sprintf("driver=raw,offset=%d,file.driver=qcow2,file.file.filename=%s", sector*512, overlay), root)
	tool("e2fsck", "-E", "journal_only", "-p", root)
	tool("e2fsck", "-f", "-n", root)
	tool("mount", "-o", "ro,loop", root, mount)
	defer func() {
		require.NoError(t, exec.CommandContext(context.WithoutCancel(t.Context()), "umount", mount).Run())
	}()
	tool("ostree", "fsck", "--quiet", "--repo="+mount+"/ostree/repo")
}

// TestUninterrupted is what the power cuts are compared with: each change, left alone, leads to the new
// system.
func TestUninterrupted(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"))
	archive := apttest.New(t, apttest.Options{})
	p := &packages{archive: archive}
	p.publish()
	s := container(t, archive)
	s.run("apt-ostree", "install", "probe")
	s.run(finalize...)
	for _, c := range p.changes(0) {
		c.prepare(s)
		before := s.pendingDefault()
		pkg := before.Packages[0]
		s.run(c.argv(pkg)...)
		s.reboot()
		booted := s.checkBooted(0)
		require.NotEqual(t, before.Checksum, booted.Checksum, c.name)
		c.done(s, booted, pkg)
	}
}
