package vm_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/apt/apttest"
	"github.com/apt-ostree/apt-ostree/pkg/apt/source"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/history"
	"github.com/apt-ostree/apt-ostree/test/vm"
)

// daemonSystem is a system that has what `make install` installs in /usr, and changes itself by its daemon.
type daemonSystem struct {
	*system
	sysroot string // on this machine
	archive *apttest.Archive
}

// TestDaemonInContainer has the daemon of a running system do what the commands are for, and looks for
// the effect with the tools of others, before and after reboots. The parts go on from each other.
func TestDaemonInContainer(t *testing.T) {
	t.Parallel()
	need(t)
	testenv.Need(t, testenv.Tool("systemd-nspawn"), testenv.Tool("nsenter"), testenv.Tool("ostree"), testenv.Tool("make"))
	archive := apttest.New(t, apttest.Options{})
	archive.Add(probe("1.0"), another, lively, foreign(t), slow)
	d := newDaemonSystem(t, archive)
	for _, part := range []struct {
		name string
		run  func(d *daemonSystem)
	}{
		{"starts for whom it is asked by", (*daemonSystem).starts},
		{"asks polkit", (*daemonSystem).refuses},
		{"install", (*daemonSystem).installs},
		{"reload", (*daemonSystem).reloads},
		{"search, info, list, db, history", (*daemonSystem).answers},
		{"upgrade", (*daemonSystem).upgrades},
		{"rollback", (*daemonSystem).rollsBack},
		{"deploy and kargs", (*daemonSystem).deploys},
		{"undo", (*daemonSystem).undoes},
		{"initramfs", (*daemonSystem).makesInitramfs},
		{"initramfs-etc", (*daemonSystem).tracksEtc},
		{"override", (*daemonSystem).overrides},
		{"rebase", (*daemonSystem).rebases},
		{"automatic update", (*daemonSystem).updatesByTimer},
		{"update driver", (*daemonSystem).registersDriver},
		{"reset and remove", (*daemonSystem).resets},
		{"checkout, refresh-md, cleanup, prune", (*daemonSystem).keepsHouse},
		{"compose", (*daemonSystem).composes},
		{"usroverlay", (*daemonSystem).unlocks},
		{"apply-live", (*daemonSystem).appliesLive},
		{"busy, cancel, kill", (*daemonSystem).isDisturbed},
		{"pin and unpin", (*daemonSystem).pins},
		{"restarts", (*daemonSystem).restarts},
		{"names of rpm-ostree", (*daemonSystem).answersAsRpmOstree},
	} {
		t.Run(part.name, func(t *testing.T) {
			defer func() {
				if t.Failed() {
					t.Logf("journal of the daemon:\n%s", d.try("journalctl", "-b", "-q", "-o", "cat", "-n", "25", "-u", "apt-ostreed").Stdout)
				}
			}()
			part.run(&daemonSystem{&system{d.guest, t}, d.sysroot, d.archive})
		})
	}
}

// newDaemonSystem starts one whose APT source is an archive.
func newDaemonSystem(t *testing.T, archive *apttest.Archive) *daemonSystem {
	t.Helper()
	b, err := installed()
	require.NoError(t, err)
	guestOf := vm.Guest{Agent: b.Agent, Sources: source.Format([]source.Source{archive.Publish()})}
	sysroot := t.TempDir()
	t.Cleanup(func() { require.NoError(t, fsx.RemoveAll(sysroot)) })
	repo, err := ostree.Open(b.Repo, ostree.Options{})
	require.NoError(t, err)
	defer repo.Close()
	require.NoError(t, image.InstallSysroot(t.Context(), repo, vm.InstalledRef, sysroot, image.InstallOptions{
		Kargs: []string{"quiet"}, Configure: guestOf.Configure,
	}))
	return &daemonSystem{up(t, func(ctx context.Context) (guest, error) { return vm.StartContainer(ctx, sysroot) }), sysroot, archive}
}

// another is a second package to layer.
var another = apttest.Deb{Package: "another", Files: []apttest.File{{Path: "usr/share/another", Content: "another\n"}}}

// release commits a version of the base on a branch, made of the newest of a ref: it has a file that names it.
func (d *daemonSystem) release(from, branch, version string) {
	d.t.Helper()
	dir := d.t.TempDir()
	require.NoError(d.t, os.MkdirAll(filepath.Join(dir, "usr/share"), 0o755))
	require.NoError(d.t, os.WriteFile(filepath.Join(dir, "usr/share/release"), []byte(version+"\n"), 0o644))
	require.NoError(d.t, vm.Derive(d.t.Context(), filepath.Join(d.sysroot, "ostree/repo"), from, branch, version, dir))
}

// change has the daemon change the system: the history names its client, and who that was.
func (d *daemonSystem) change(args ...string) string {
	d.t.Helper()
	argv := append([]string{"apt-ostree"}, args...)
	r := d.try(argv...)
	require.Zero(d.t, r.Code, "%s\n%s%s", strings.Join(argv, " "), r.Stdout, r.Stderr)
	require.NotContains(d.t, r.Stderr, "works without it")
	last := d.last()
	require.Equal(d.t, history.Succeeded, last.Outcome)
	require.Equal(d.t, strings.Join(argv, " "), last.Actor.CommandLine)
	require.Regexp(d.t, `^client\(dbus::1\.\d+ uid:0\)$`, last.Actor.Client)
	return r.Stdout
}

// last is the newest record of the history.
func (d *daemonSystem) last() history.Record {
	d.t.Helper()
	var entries []struct {
		Transaction history.Record `json:"transaction"`
	}
	require.NoError(d.t, json.Unmarshal([]byte(d.run("apt-ostree", "history", "--json-array", "--limit=1")), &entries))
	require.Len(d.t, entries, 1)
	return entries[0].Transaction
}

// putFile writes a file into the system's /var.
func (d *daemonSystem) putFile(path string, data []byte) {
	d.t.Helper()
	require.NoError(d.t, os.WriteFile(filepath.Join(d.sysroot, "ostree/deploy/debian", path), data, 0o644))
}

// property asks the daemon for a property of the sysroot.
func (d *daemonSystem) property(name string) string {
	d.t.Helper()
	return strings.TrimSpace(d.run("busctl", "get-property", "org.aptostree.dev", "/org/aptostree/dev/Sysroot", "org.aptostree.dev.Sysroot", name))
}

// installed says which version dpkg knows of a package, "" if none.
func (d *daemonSystem) installed(name string) string {
	d.t.Helper()
	return d.try("dpkg-query", "-W", "-f", "${Version}", name).Stdout
}
