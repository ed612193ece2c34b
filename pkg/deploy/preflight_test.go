package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
)

// mount mounts a file system in memory and makes it go away with the test.
func mount(t *testing.T, options string) string {
	t.Helper()
	testenv.Need(t, testenv.Root)
	dir := filepath.Join(tempDir(t), "mount")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, unix.Mount("tmpfs", dir, "tmpfs", 0, options))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return dir
}

// separateBoot gives a sysroot a /boot of its own.
func separateBoot(t *testing.T, s *deploy.Sysroot, options string) string {
	t.Helper()
	dir := mount(t, options)
	boot := s.Path() + "/boot"
	out, err := exec.CommandContext(t.Context(), "cp", "-a", boot+"/.", dir).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.Rename(boot, boot+".old"))
	require.NoError(t, os.Symlink(dir, boot))
	return dir
}

// kernelOf makes a tree with a kernel of that many KiB.
func kernelOf(version string, size int) tree {
	return tree{"usr/lib/modules/6.1.0/vmlinuz": strings.Repeat(version, size<<10)}
}

// Two kernels fit into /boot and three do not: the one that goes anyhow goes first.
func TestEarlyPrune(t *testing.T) {
	t.Parallel()
	opts := options(t)
	s := newSysrootWith(t, opts)
	boot := separateBoot(t, s, "size=6m")
	mustDeploy(t, s, commit(t, s, "1", kernelOf("1", 2048)), deploy.DeployOptions{})
	mustDeploy(t, s, commit(t, s, "2", kernelOf("2", 2048)), deploy.DeployOptions{})
	c := commit(t, s, "3", kernelOf("3", 2048))

	opts.NoEarlyPrune = true
	strict, err := deploy.Open(s.Path(), opts)
	require.NoError(t, err)
	defer func() { require.NoError(t, strict.Close()) }()
	_, err = s.Cleanup(t.Context())
	require.NoError(t, err)
	before := layout(t, boot)
	_, err = strict.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var short *deploy.SpaceError
	require.ErrorAs(t, err, &short)
	require.Equal(t, before, layout(t, boot))

	d := mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Equal(t, []string{"3", "2"}, versions(deployments(t, s)))
	require.FileExists(t, boot+"/ostree/os-"+d.BootChecksum+"/vmlinuz-6.1.0")
	requireAgreement(t, s)

	// With both kept there is nothing to remove first, and the message says what could be.
	_, err = s.Deploy(t.Context(), resolve(t, s, "1"), nil, deploy.DeployOptions{Retain: deploy.Retain{All: true}})
	require.ErrorAs(t, err, &short)
	require.Len(t, short.Removable, 2)
	require.ErrorContains(t, err, "lacks ")
	require.ErrorContains(t, err, "remove a deployment with \"ostree admin undeploy N\", which can be 0 (os ")
	require.Equal(t, []string{"3", "2"}, versions(deployments(t, s)))
}

// A small file system for everything else: too few bytes for /etc, or too few inodes for directories.
func TestFullRoot(t *testing.T) {
	t.Parallel()
	manyDirs := tree{}
	for i := range 400 {
		manyDirs[fmt.Sprintf("usr/share/%d/", i)] = ""
	}
	for name, c := range map[string]struct {
		options string
		changes tree
		want    string
	}{
		"bytes":  {"size=4m", tree{"usr/etc/big": strings.Repeat("x", 3<<20)}, "MB are needed"},
		"inodes": {"size=64m,nr_inodes=450", manyDirs, " files ("},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := deploy.Init(mount(t, c.options)+"/sysroot", deploy.InitOptions{Options: options(t)})
			require.NoError(t, err)
			defer func() { require.NoError(t, s.Close()) }()
			require.NoError(t, s.InitStateroot(t.Context(), "os"))
			big := commit(t, s, "1", c.changes)
			before := layout(t, s.Path())
			_, err = s.Deploy(t.Context(), big, nil, deploy.DeployOptions{})
			var short *deploy.SpaceError
			require.ErrorAs(t, err, &short)
			require.ErrorIs(t, err, unix.ENOSPC)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "or make it larger")
			require.Equal(t, before, layout(t, s.Path()))
		})
	}
}

func TestReadOnlyBoot(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	boot := separateBoot(t, s, "size=8m")
	c := commit(t, s, "2", nil)
	before := layout(t, s.Path())
	require.NoError(t, unix.Mount("", boot, "", unix.MS_REMOUNT|unix.MS_RDONLY, "size=8m"))
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var readOnly *deploy.ReadOnlyError
	require.ErrorAs(t, err, &readOnly)
	require.ErrorContains(t, err, "remount,rw")
	require.Equal(t, before, layout(t, s.Path()))
	require.NoError(t, unix.Mount("", boot, "", unix.MS_REMOUNT, "size=8m"))
	mustDeploy(t, s, c, deploy.DeployOptions{})
	requireAgreement(t, s)
}

// What other tools put beside our boot entries stays as it is, even under a name like ours.
func TestForeignBootEntries(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	foreign := map[string]string{
		"windows.conf":       "title Windows\nefi /EFI/Microsoft/Boot/bootmgfw.efi\n",
		"ostree-rescue.conf": "# by hand\ntitle Rescue\nlinux /rescue\n",
	}
	dir := s.Path() + "/boot/loader.0/entries"
	require.NoError(t, os.MkdirAll(dir, 0o755))
	require.NoError(t, os.Symlink("loader.0", s.Path()+"/boot/loader"))
	for name, text := range foreign {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644))
	}
	for _, version := range []string{"1", "2", "3"} {
		mustDeploy(t, s, commit(t, s, version, kernelOf(version, 1)), deploy.DeployOptions{})
		have := entries(t, s.Path())
		for name, text := range foreign {
			require.Equal(t, text, have[name])
		}
		require.Len(t, have, len(foreign)+len(deployments(t, s)))
	}
	_, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	require.Len(t, entries(t, s.Path()), 4)
}

// A directory of another tool at the place of our link is left alone, and the message says what to do.
func TestForeignLoaderDirectory(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	c := commit(t, s, "1", nil)
	boot := s.Path() + "/boot"
	require.NoError(t, os.MkdirAll(boot+"/loader/entries", 0o755))
	require.NoError(t, os.WriteFile(boot+"/loader/entries/debian.conf", []byte("title Debian\nlinux /vmlinuz\n"), 0o644))
	before := layout(t, s.Path())
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var foreign *deploy.ForeignLoaderError
	require.ErrorAs(t, err, &foreign)
	require.Equal(t, before, layout(t, s.Path()))

	require.NoError(t, os.Rename(boot+"/loader", boot+"/loader.0"))
	require.NoError(t, os.Symlink("loader.0", boot+"/loader"))
	mustDeploy(t, s, c, deploy.DeployOptions{})
	require.Contains(t, entries(t, s.Path()), "debian.conf")
}

// What vanished from a deployed tree stops the change that needs it, and nothing else.
func TestKernelOfADeploymentIsGone(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, os.RemoveAll(d.Path+"/usr/lib/modules/6.1.0"))
	_, err := s.Deploy(t.Context(), commit(t, s, "2", nil), nil, deploy.DeployOptions{})
	require.ErrorContains(t, err, d.Name()+": no kernel with boot checksum")
	require.Equal(t, []string{"1"}, versions(deployments(t, s)))
	require.NoError(t, complete(deployments(t, s)[0]))
}
