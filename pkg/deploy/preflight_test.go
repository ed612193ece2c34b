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
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
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

// Additional initrds are copied into /boot, even where kernels are hard links.
func TestRoomForOverlayInitrds(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	boot := separateBoot(t, s, "size=4m")
	big := filepath.Join(t.TempDir(), "big.img")
	require.NoError(t, os.WriteFile(big, make([]byte, 5<<20), 0o644))
	c := commit(t, s, "2", nil)
	before := layout(t, s.Path())
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{OverlayInitrds: []string{big}})
	var short *deploy.SpaceError
	require.ErrorAs(t, err, &short)
	require.Equal(t, s.Path()+"/boot", short.Path)
	require.Equal(t, before, layout(t, s.Path()))
	require.NoError(t, unix.Mount("", boot, "", unix.MS_REMOUNT, "size=8m"))
	mustDeploy(t, s, c, deploy.DeployOptions{OverlayInitrds: []string{big}})
	// It is there already: the same one again takes no room.
	mustDeploy(t, s, c, deploy.DeployOptions{OverlayInitrds: []string{big}})
	requireAgreement(t, s)
}

// A /boot without room for entries, or for files, is found out although no kernel has to be written. What is there can be
// removed nevertheless, which is the way out.
func TestBootWithoutRoomForEntries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ options, fill string }{
		"bytes":  {options: "size=1m", fill: strings.Repeat("x", 900<<10)},
		"inodes": {options: "size=8m,nr_inodes=24"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSysroot(t)
			mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
			mustDeploy(t, s, commit(t, s, "2", nil), deploy.DeployOptions{})
			clean(t, s)
			boot := separateBoot(t, s, c.options)
			require.NoError(t, os.WriteFile(boot+"/other", []byte(c.fill), 0o644))
			third := commit(t, s, "3", nil)
			before := layout(t, s.Path())
			_, err := s.Deploy(t.Context(), third, nil, deploy.DeployOptions{Retain: deploy.Retain{All: true}})
			var short *deploy.SpaceError
			require.ErrorAs(t, err, &short)
			require.Equal(t, s.Path()+"/boot", short.Path)
			require.Equal(t, before, layout(t, s.Path()))
			require.NoError(t, s.Undeploy(t.Context(), deployments(t, s)[1]))
			clean(t, s)
			requireBoots(t, s)
		})
	}
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
		"image":  {"size=3m", composefsTree(6 << 10), "MB are needed"},
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

// composefsTree has that many files, which take some room in the image, and none in the repository.
func composefsTree(files int) tree {
	many := tree{"usr/lib/ostree/prepare-root.conf": "[composefs]\nenabled=yes\n"}
	for i := range files {
		many[fmt.Sprintf("usr/share/many/%0150d", i)] = ""
	}
	return many
}

// What an administrator has put into /etc is copied as well.
func TestRoomForLocalConfiguration(t *testing.T) {
	t.Parallel()
	place := mount(t, "size=8m")
	s, err := deploy.Init(place+"/sysroot", deploy.InitOptions{Options: options(t)})
	require.NoError(t, err)
	defer func() { require.NoError(t, s.Close()) }()
	require.NoError(t, s.InitStateroot(t.Context(), "os"))
	d := mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	require.NoError(t, os.WriteFile(d.Path+"/etc/mine", make([]byte, 4<<20), 0o600))
	next := commit(t, s, "2", nil)
	before := layout(t, s.Path())
	_, err = s.Deploy(t.Context(), next, nil, deploy.DeployOptions{})
	var short *deploy.SpaceError
	require.ErrorAs(t, err, &short)
	require.Equal(t, before, layout(t, s.Path()))
	mustDeploy(t, s, next, deploy.DeployOptions{NoMerge: true})
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

	// Changes of the list write there, too.
	clean(t, s)
	before = layout(t, s.Path())
	require.NoError(t, unix.Mount("", boot, "", unix.MS_REMOUNT|unix.MS_RDONLY, "size=8m"))
	for name, change := range map[string]func() error{
		"undeploy":    func() error { return s.Undeploy(t.Context(), deployments(t, s)[1]) },
		"set default": func() error { return s.SetDefault(t.Context(), deployments(t, s)[1]) },
		"kargs":       func() error { return s.EditKargs(t.Context(), kargs.Edit{Append: []string{"x"}}) },
	} {
		require.ErrorAs(t, change(), &readOnly, name)
		require.Equal(t, before, layout(t, s.Path()), name)
	}
	require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[0]), "there is nothing to write")
}

// What cannot be written to /boot when the system shuts down is known after the reboot nevertheless.
func TestFinalizeFailureOfAReadOnlyBoot(t *testing.T) {
	t.Parallel()
	made := newSysroot(t)
	d := mustDeploy(t, made, commit(t, made, "1", nil), deploy.DeployOptions{})
	dir := separateBoot(t, made, "size=8m")
	s, _ := boot(t, made, *d)
	_, err := s.Stage(t.Context(), commit(t, s, "2", kernelOf("2", 1)), nil, deploy.StageOptions{})
	require.NoError(t, err)
	require.NoError(t, unix.Mount("", dir, "", unix.MS_REMOUNT|unix.MS_RDONLY, "size=8m"))
	_, err = s.Finalize(t.Context())
	var readOnly *deploy.ReadOnlyError
	require.ErrorAs(t, err, &readOnly)
	require.Equal(t, []string{"1 booted"}, marks(deployments(t, s)))
	requireBoots(t, s)

	text, err := s.FinalizeFailure()
	require.NoError(t, err)
	require.Contains(t, text, "is on a file system that is mounted read-only")
	var failed *deploy.FinalizeError
	require.ErrorAs(t, s.BootComplete(t.Context()), &failed)
	require.Equal(t, text, failed.Text)
	require.NoError(t, s.BootComplete(t.Context()), "it is reported once")
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

// Another OSTree system that shares /boot keeps its kernels there like we do. An entry that looks like ours and leads
// nowhere stops everything, since nobody can tell whether it is one; under another name it is left alone, and so is
// what it names.
func TestEntryOfAnotherOSTreeSystem(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	sum := strings.Repeat("ab", 32)
	dir := s.Path() + "/boot/ostree/other-" + sum
	overlay := s.Path() + "/boot/ostree/initramfs-overlays/" + sum + ".img"
	for _, file := range []string{dir + "/vmlinuz-6", overlay} {
		require.NoError(t, os.MkdirAll(filepath.Dir(file), 0o755))
		require.NoError(t, os.WriteFile(file, []byte("theirs"), 0o644))
	}
	text := "title Other\nversion 9\noptions quiet ostree=/ostree/boot.0/other/" + sum + "/0\nlinux /ostree/other-" + sum + "/vmlinuz-6\n" +
		"initrd /ostree/none.img\ninitrd /ostree/initramfs-overlays/" + sum + ".img\n"
	entry := s.Path() + "/boot/loader/entries/ostree-9-other.conf"
	require.NoError(t, os.WriteFile(entry, []byte(text), 0o644))
	_, err := s.Deployments(t.Context())
	var unknown *deploy.EntryError
	require.ErrorAs(t, err, &unknown)
	require.ErrorContains(t, err, "ostree-9-other.conf: it is for a deployment that is not here")
	require.ErrorContains(t, err, "rename it")

	require.NoError(t, os.Rename(entry, filepath.Dir(entry)+"/other.conf"))
	for _, version := range []string{"2", "3"} {
		mustDeploy(t, s, commit(t, s, version, kernelOf(version, 1)), deploy.DeployOptions{})
		clean(t, s)
		require.Equal(t, text, entries(t, s.Path())["other.conf"])
		require.FileExists(t, dir+"/vmlinuz-6")
		require.FileExists(t, overlay)
	}
	require.NoError(t, os.Remove(s.Path()+"/boot/loader/entries/other.conf"))
	clean(t, s)
	require.NoDirExists(t, dir)
	require.NoFileExists(t, overlay)
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
