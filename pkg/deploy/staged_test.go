package deploy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/etcmerge"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/origin"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// rooted are the directories and links by which a test tree can be the root of a mount namespace.
func rooted(changes tree) tree {
	files := tree{
		"boot/": "", "proc/": "", "dev/": "", "run/": "", "tmp/": "",
		"bin": "->usr/bin", "sbin": "->usr/sbin", "lib": "->usr/lib", "lib64": "->usr/lib64",
	}
	maps.Copy(files, changes)
	return files
}

// namespace mounts a deployment as the initramfs does, but for the programs of this machine in /usr,
// and runs a command there.
const namespace = `set -e
root=$1 sysroot=$2 run=$3; shift 3
mount --bind "$root" "$root"
mount --bind "$sysroot" "$root/sysroot"
mount --bind "$sysroot/boot" "$root/boot"
mount --bind "$run" "$root/run"
mount --rbind /usr "$root/usr"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
PATH=/run/bin:/usr/sbin:/usr/bin INVOCATION_ID=test exec chroot "$root" "$@"`

// machine is a sysroot of which a deployment runs, for the tool as well as for this package.
type machine struct {
	*deploy.Sysroot
	booted deploy.Deployment
	run    string
}

// newMachine makes a sysroot with versions 1 and 2, of which 2 is running.
func newMachine(t *testing.T) machine {
	t.Helper()
	testenv.Need(t, testenv.Root, testenv.Tool("ostree"), testenv.Tool("unshare"))
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", rooted(nil)), deploy.DeployOptions{Kargs: kargs.Parse("root=x quiet")})
	d := mustDeploy(t, s, commit(t, s, "2", rooted(nil)), deploy.DeployOptions{})
	return machineOf(t, s, *d)
}

func machineOf(t *testing.T, s *deploy.Sysroot, d deploy.Deployment) machine {
	t.Helper()
	b, run := boot(t, s, d)
	// Newer versions of the tool start what finalizes at shutdown.
	require.NoError(t, os.Mkdir(run+"/bin", 0o755))
	testenv.WriteProgram(t, run+"/bin/systemctl", []byte("#!/bin/sh\n"), 0o755)
	return machine{b, d, run}
}

// tool runs the real tool in the running deployment.
func (m machine) tool(t *testing.T, args ...string) (string, error) {
	t.Helper()
	argv := append([]string{"-m", "--pid", "--fork", "sh", "-c", namespace, "sh", m.booted.Path, m.Path(), m.run, "ostree"}, args...)
	out, err := exec.CommandContext(t.Context(), "unshare", argv...).CombinedOutput()
	return strings.TrimSpace(string(out)), err
}

func (m machine) mustTool(t *testing.T, args ...string) string {
	t.Helper()
	out, err := m.tool(t, args...)
	require.NoError(t, err, "ostree %s: %s", strings.Join(args, " "), out)
	return out
}

// clone copies a machine, as it is, so that the same can be done to both.
func (m machine) clone(t *testing.T) machine {
	t.Helper()
	s := copySysroot(t, m.Sysroot)
	list := deployments(t, s)
	for _, d := range list {
		if d.Same(m.booted) {
			c := machineOf(t, s, d)
			if data, err := os.ReadFile(m.staged()); err == nil {
				require.NoError(t, os.MkdirAll(c.run+"/ostree", 0o755))
				require.NoError(t, os.WriteFile(c.staged(), data, 0o644))
			}
			return c
		}
	}
	require.Fail(t, "the running deployment is not in the copy")
	return machine{}
}

func (m machine) staged() string { return m.run + "/ostree/staged-deployment" }

func (m machine) stage(t *testing.T, c ostree.Checksum, opts deploy.StageOptions) *deploy.Deployment {
	t.Helper()
	d, err := m.Stage(t.Context(), c, origin.New("branch/3"), opts)
	require.NoError(t, err)
	return d
}

// editEtc makes the local changes that a merge has to carry over.
func (m machine) editEtc(t *testing.T) {
	t.Helper()
	require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("mine"), 0o644))
	require.NoError(t, os.WriteFile(m.booted.Path+"/etc/added", []byte("mine"), 0o600))
	require.NoError(t, os.Remove(m.booted.Path+"/etc/d/b.conf"))
}

// Staging by either leaves the same files, to the byte, and either reads the other's.
func TestStageLikeOstree(t *testing.T) {
	t.Parallel()
	mine := newMachine(t)
	c := commit(t, mine.Sysroot, "3", rooted(tree{"usr/etc/c.conf": "new", "usr/lib/modules/6.1.0/vmlinuz": "kernel 3"}))
	theirs := mine.clone(t)

	d := mine.stage(t, c, deploy.StageOptions{DeployOptions: deploy.DeployOptions{EditKargs: kargs.Edit{Append: []string{"three"}}}})
	require.True(t, d.Staged)
	theirs.mustTool(t, "admin", "deploy", "--stage", "--karg-append=three", "branch/3")
	want, err := os.ReadFile(theirs.staged())
	require.NoError(t, err)
	got, err := os.ReadFile(mine.staged())
	require.NoError(t, err)
	require.Equal(t, want, got)
	require.Equal(t, layout(t, theirs.Path()), layout(t, mine.Path()))
	for _, m := range []machine{mine, theirs} {
		require.Equal(t, []string{"3 pending staged", "2 booted", "1 rollback"}, marks(deployments(t, m.Sysroot)))
		require.Equal(t, statusOf(deployments(t, m.Sysroot)), m.mustTool(t, "admin", "status"))
		require.Equal(t, "root=x quiet three", deployments(t, m.Sysroot)[0].Kargs.String())
	}
	require.NoDirExists(t, mine.Path()+"/boot/ostree/os-"+d.BootChecksum, "the kernel comes at shutdown")
}

// What either staged, either finalizes, and the result is the same.
func TestFinalizeLikeOstree(t *testing.T) {
	t.Parallel()
	first := newMachine(t)
	c := commit(t, first.Sysroot, "3", rooted(tree{"usr/etc/c.conf": "new", "usr/lib/modules/6.1.0/vmlinuz": "kernel 3"}))
	var want []string
	for _, way := range []struct{ stagedByTool, finalizedByTool bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		m := first.clone(t)
		if way.stagedByTool {
			m.mustTool(t, "admin", "deploy", "--stage", "--karg-append=three", "branch/3")
		} else {
			m.stage(t, c, deploy.StageOptions{DeployOptions: deploy.DeployOptions{EditKargs: kargs.Edit{Append: []string{"three"}}}})
		}
		m.editEtc(t) // After staging: it is the state at shutdown that counts.
		if way.finalizedByTool {
			m.mustTool(t, "admin", "finalize-staged")
		} else {
			done, err := m.Finalize(t.Context())
			require.NoError(t, err)
			require.Equal(t, "3", done.Deployment.Version)
		}
		require.NoFileExists(t, m.staged(), "%+v", way)
		require.Equal(t, []string{"3 pending", "2 booted"}, marks(deployments(t, m.Sysroot)), "%+v", way)
		require.Equal(t, statusOf(deployments(t, m.Sysroot)), m.mustTool(t, "admin", "status"), "%+v", way)
		got := layout(t, m.Path())
		if want == nil {
			want = got
		}
		require.Equal(t, want, got, "%+v", way)
		require.Contains(t, entries(t, m.Path())[entryName(t, 2, "os")], "root=x quiet ostree=/ostree/boot.")
		text, err := os.ReadFile(deployments(t, m.Sysroot)[0].Path + "/etc/a.conf")
		require.NoError(t, err)
		require.Equal(t, "mine", string(text))
	}
}

// Without kernel arguments of its own a staged deployment gets those of the merge deployment.
func TestFinalizeInheritsKernelArguments(t *testing.T) {
	t.Parallel()
	first := newMachine(t)
	c := commit(t, first.Sysroot, "3", rooted(nil))
	for _, byTool := range []bool{true, false} {
		m := first.clone(t)
		theirs := first.clone(t)
		theirs.mustTool(t, "admin", "deploy", "--stage", "branch/3")
		m.stage(t, c, deploy.StageOptions{})
		want, err := os.ReadFile(theirs.staged())
		require.NoError(t, err)
		got, err := os.ReadFile(m.staged())
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, "root=x quiet", deployments(t, m.Sysroot)[0].Kargs.String())
		if byTool {
			m.mustTool(t, "admin", "finalize-staged")
		} else {
			_, err := m.Finalize(t.Context())
			require.NoError(t, err)
		}
		require.Equal(t, "root=x quiet", deployments(t, m.Sysroot)[0].Kargs.String())
	}
}

func TestStageAgainReplaces(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	first := m.stage(t, commit(t, m.Sysroot, "3", rooted(nil)), deploy.StageOptions{})
	second := m.stage(t, commit(t, m.Sysroot, "4", rooted(nil)), deploy.StageOptions{})
	require.NoDirExists(t, first.Path)
	require.DirExists(t, second.Path)
	require.Equal(t, []string{"4 pending staged", "2 booted", "1 rollback"}, marks(deployments(t, m.Sysroot)))
	m.mustTool(t, "admin", "deploy", "--stage", "branch/3")
	require.NoDirExists(t, second.Path, "the tool replaces ours")
	require.Equal(t, "3", deployments(t, m.Sysroot)[0].Version)
}

func TestChangesOfTheListAndTheStagedDeployment(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(t *testing.T, m machine)
		want   []string
	}{
		"undeploy it": {
			func(t *testing.T, m machine) {
				require.NoError(t, m.Undeploy(t.Context(), deployments(t, m.Sysroot)[0]))
			}, []string{"2 booted", "1 rollback"},
		},
		"the tool undeploys it": {
			func(t *testing.T, m machine) { m.mustTool(t, "admin", "undeploy", "0") }, []string{"2 booted", "1 rollback"},
		},
		"undeploy another": {
			func(t *testing.T, m machine) {
				require.NoError(t, m.Undeploy(t.Context(), deployments(t, m.Sysroot)[2]))
			}, []string{"3 pending staged", "2 booted"},
		},
		"deploy": {
			func(t *testing.T, m machine) {
				mustDeploy(t, m.Sysroot, resolve(t, m.Sysroot, "1"), deploy.DeployOptions{})
			},
			[]string{"1 pending", "2 booted"},
		},
		"deploy beside it": {
			func(t *testing.T, m machine) {
				mustDeploy(t, m.Sysroot, resolve(t, m.Sysroot, "1"), deploy.DeployOptions{Retain: deploy.Retain{Pending: true}})
			}, []string{"3 pending staged", "1", "2 booted"},
		},
		"clean up": {
			func(t *testing.T, m machine) {
				_, err := m.Cleanup(t.Context())
				require.NoError(t, err)
			}, []string{"3 pending staged", "2 booted", "1 rollback"},
		},
		"pin": {
			func(t *testing.T, m machine) {
				_, err := m.Pin(t.Context(), deployments(t, m.Sysroot)[1], true)
				require.NoError(t, err)
			}, []string{"3 pending staged", "2 booted", "1 rollback"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newMachine(t)
			d := m.stage(t, commit(t, m.Sysroot, "3", rooted(nil)), deploy.StageOptions{})
			c.change(t, m)
			require.Equal(t, c.want, marks(deployments(t, m.Sysroot)))
			require.Equal(t, statusOf(deployments(t, m.Sysroot)), m.mustTool(t, "admin", "status"))
			if strings.Contains(c.want[0], "staged") {
				require.DirExists(t, d.Path)
				ostreeTool(t, "--repo="+m.Repo().Path(), "prune", "--refs-only")
				_, err := m.Finalize(t.Context())
				require.NoError(t, err)
				require.Equal(t, "3", deployments(t, m.Sysroot)[0].Version)
				return
			}
			require.NoDirExists(t, d.Path)
			require.NoFileExists(t, m.staged())
		})
	}
}

func TestLockFinalization(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	_, err := m.LockFinalization(t.Context(), true)
	var none *deploy.NotFoundError
	require.ErrorAs(t, err, &none)

	theirs := m.clone(t)
	c := commit(t, m.Sysroot, "3", rooted(nil))
	ostreeTool(t, "--repo="+theirs.Repo().Path(), "pull-local", m.Repo().Path(), "branch/3")
	theirs.mustTool(t, "admin", "deploy", "--stage", "--lock-finalization", "branch/3")
	require.True(t, deployments(t, theirs.Sysroot)[0].Locked)
	changed, err := theirs.LockFinalization(t.Context(), false)
	require.NoError(t, err)
	require.True(t, changed)
	theirs.mustTool(t, "admin", "finalize-staged")
	require.Equal(t, []string{"3 pending", "2 booted"}, marks(deployments(t, theirs.Sysroot)))

	m.stage(t, c, deploy.StageOptions{Locked: true})
	require.True(t, deployments(t, m.Sysroot)[0].Locked)
	done, err := m.Finalize(t.Context())
	require.NoError(t, err)
	require.Equal(t, deploy.Finalized{Locked: true}, done)
	m.mustTool(t, "admin", "finalize-staged")
	require.Equal(t, []string{"3 pending staged", "2 booted", "1 rollback"}, marks(deployments(t, m.Sysroot)), "the tool knows the lock")

	for _, want := range []bool{true, false} {
		changed, err := m.LockFinalization(t.Context(), false)
		require.NoError(t, err)
		require.Equal(t, want, changed)
	}
	changed, err = m.LockFinalization(t.Context(), true)
	require.NoError(t, err)
	require.True(t, changed)
	_, err = m.LockFinalization(t.Context(), false)
	require.NoError(t, err)
	m.mustTool(t, "admin", "finalize-staged")
	require.Equal(t, []string{"3 pending", "2 booted"}, marks(deployments(t, m.Sysroot)))

	done, err = m.Finalize(t.Context())
	require.NoError(t, err)
	require.Equal(t, deploy.Finalized{}, done, "nothing is staged")
}

// What cannot be merged is reported when staging, and what has become so by shutdown after it.
func TestFinalizeFailure(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := commit(t, m.Sysroot, "3", rooted(tree{"usr/etc/a.conf": "-", "usr/etc/a.conf/x": "now a directory"}))
	require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("mine"), 0o644))
	before := layout(t, m.Path())
	_, err := m.Stage(t.Context(), c, nil, deploy.StageOptions{})
	var conflict *etcmerge.ConflictError
	require.ErrorAs(t, err, &conflict)
	require.Equal(t, "a.conf", conflict.Path)
	require.Equal(t, before, layout(t, m.Path()))
	require.NoFileExists(t, m.staged())

	require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("default"), 0o644))
	for _, byTool := range []bool{false, true} {
		d := m.stage(t, c, deploy.StageOptions{})
		require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("mine"), 0o644))
		if byTool {
			out, err := m.tool(t, "admin", "finalize-staged")
			require.Error(t, err)
			require.Contains(t, out, "newly defaults to directory")
		} else {
			_, err = m.Finalize(t.Context())
			require.ErrorAs(t, err, &conflict)
		}
		require.Equal(t, []string{"2 booted", "1 rollback"}, marks(deployments(t, m.Sysroot)))
		text, err := m.FinalizeFailure()
		require.NoError(t, err)
		require.Contains(t, text, "a.conf")

		var failed *deploy.FinalizeError
		require.ErrorAs(t, m.BootComplete(t.Context()), &failed)
		require.Contains(t, failed.Text, "a.conf")
		require.NoError(t, m.BootComplete(t.Context()), "it is reported once")
		text, err = m.FinalizeFailure()
		require.NoError(t, err)
		require.Equal(t, failed.Text, text, "status shows it until the next reboot")
		require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("default"), 0o644))
		_, err = m.Cleanup(t.Context())
		require.NoError(t, err)
		require.NoDirExists(t, d.Path)
	}

	// The tool reports what this package left.
	m.stage(t, c, deploy.StageOptions{})
	require.NoError(t, os.WriteFile(m.booted.Path+"/etc/a.conf", []byte("mine"), 0o644))
	_, err = m.Finalize(t.Context())
	require.Error(t, err)
	out, err := m.tool(t, "admin", "boot-complete")
	require.Error(t, err)
	require.Contains(t, out, "ostree-finalize-staged.service failed on previous boot: finalize the staged deployment: ")
	require.NoError(t, m.BootComplete(t.Context()))
}

func TestStageRefuses(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	_, err := s.Stage(t.Context(), c, nil, deploy.StageOptions{})
	require.ErrorIs(t, err, deploy.ErrNotBooted)
	_, err = s.Stage(t.Context(), c, nil, deploy.StageOptions{DeployOptions: deploy.DeployOptions{NotDefault: true}})
	require.ErrorContains(t, err, "cannot be said of a staged deployment")

	m := newMachine(t)
	for _, text := range []string{"rubbish", ""} {
		require.NoError(t, os.MkdirAll(filepath.Dir(m.staged()), 0o755))
		require.NoError(t, os.WriteFile(m.staged(), []byte(text), 0o644))
		_, err = m.Deployments(t.Context())
		require.ErrorContains(t, err, "staged-deployment is damaged")
	}
}

// Additional initrds wait in /run, come into /boot with the entry, and leave with it.
func TestOverlayInitrds(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	c := commit(t, m.Sysroot, "3", rooted(nil))
	extra := filepath.Join(t.TempDir(), "extra.img")
	require.NoError(t, os.WriteFile(extra, []byte("more"), 0o644))
	const sum = "187897ce0afcf20b50ba2b37dca84a951b7046f29ed5ab94f010619f69d6e189"
	theirs := m.clone(t)
	theirs.mustTool(t, "admin", "deploy", "--stage", "--overlay-initrd="+hostFile(t, theirs, extra), "branch/3")

	m.stage(t, c, deploy.StageOptions{DeployOptions: deploy.DeployOptions{OverlayInitrds: []string{extra}}})
	want, err := os.ReadFile(theirs.staged())
	require.NoError(t, err)
	got, err := os.ReadFile(m.staged())
	require.NoError(t, err)
	require.Equal(t, want, got)
	for _, machine := range []machine{m, theirs} {
		require.FileExists(t, machine.run+"/ostree/staged-initrds/"+sum)
		_, err := machine.Finalize(t.Context())
		require.NoError(t, err)
		require.FileExists(t, machine.Path()+"/boot/ostree/initramfs-overlays/"+sum+".img")
		require.Contains(t, entries(t, machine.Path())[entryName(t, 2, "os")], "\ninitrd /ostree/initramfs-overlays/"+sum+".img\n")
		mustDeploy(t, machine.Sysroot, c, deploy.DeployOptions{})
		_, err = machine.Cleanup(t.Context())
		require.NoError(t, err)
		require.NoFileExists(t, machine.Path()+"/boot/ostree/initramfs-overlays/"+sum+".img")
	}
	_, err = m.Stage(t.Context(), c, nil, deploy.StageOptions{DeployOptions: deploy.DeployOptions{OverlayInitrds: []string{"/nonexistent"}}})
	require.ErrorIs(t, err, os.ErrNotExist)
}

// Between deployments of one commit, whose boot entries could otherwise stay, additional initrds make a difference.
func TestOverlayInitrdsOfTheSameCommit(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	extra := filepath.Join(t.TempDir(), "extra.img")
	require.NoError(t, os.WriteFile(extra, []byte("more"), 0o644))
	for range 2 {
		mustDeploy(t, s, c, deploy.DeployOptions{})
	}
	for _, want := range []int{1, 1, 0, 0, 1} {
		opts := deploy.DeployOptions{}
		if want == 1 {
			opts.OverlayInitrds = []string{extra}
		}
		d := mustDeploy(t, s, c, opts)
		require.Len(t, d.OverlayInitrds(), want)
		clean(t, s)
		requireBoots(t, s)
	}
}

// hostFile copies a file to where the tool can see it.
func hostFile(t *testing.T, m machine, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(m.run+"/file", data, 0o644))
	return "/run/file"
}
