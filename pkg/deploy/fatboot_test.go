package deploy_test

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// fatBoot makes a sysroot whose /boot is FAT, with systemd-boot and an entry of another system.
func fatBoot(t *testing.T) *deploy.Sysroot {
	t.Helper()
	s := newSysroot(t)
	boot := pretendFAT(s)
	require.NoError(t, os.MkdirAll(boot+"/EFI/systemd", 0o755))
	require.NoError(t, os.WriteFile(boot+"/EFI/systemd/systemd-bootx64.efi", nil, 0o644))
	require.NoError(t, os.MkdirAll(boot+"/loader/entries", 0o755))
	require.NoError(t, os.WriteFile(boot+"/loader/entries/windows.conf", []byte("title Windows\nefi /EFI/x.efi\n"), 0o644))
	return s
}

func pretendFAT(s *deploy.Sysroot) (boot string) {
	boot = s.Path() + "/boot"
	s.PretendFAT(func(path string) bool { return path == boot })
	return boot
}

// fatDefault returns the deployment that systemd-boot takes from its entries, sorted by version.
func fatDefault(t *testing.T, s *deploy.Sysroot) string {
	t.Helper()
	var best *bootentry.Entry
	for name, text := range entries(t, s.Path()) {
		if !strings.HasPrefix(name, "ostree-") {
			continue
		}
		e, err := bootentry.Parse([]byte(text))
		require.NoError(t, err)
		if best == nil || bootentry.CompareVersions(e.Get(bootentry.KeyVersion), best.Get(bootentry.KeyVersion)) > 0 {
			best = e
		}
	}
	require.NotNil(t, best)
	link, ok := kargs.Parse(best.Get(bootentry.KeyOptions)).Get("ostree")
	require.True(t, ok)
	target, err := os.Readlink(s.Path() + link)
	require.NoError(t, err)
	return filepath.Base(target)
}

// requireFAT makes sure that /boot has nothing that FAT has not, and what systemd-boot needs.
func requireFAT(t *testing.T, s *deploy.Sysroot) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(s.Path()+"/boot", func(path string, e fs.DirEntry, err error) error {
		require.NoError(t, err)
		require.True(t, e.IsDir() || e.Type().IsRegular(), path)
		require.NotContains(t, e.Name(), ":")
		if e.Type().IsRegular() {
			var st unix.Stat_t
			require.NoError(t, unix.Stat(path, &st))
			require.EqualValues(t, 1, st.Nlink, path)
		}
		return nil
	}))
	require.Equal(t, "title Windows\nefi /EFI/x.efi\n", entries(t, s.Path())["windows.conf"])
	requireBoots(t, s)
}

// Deployments are made, reordered and removed as on any other system; what systemd-boot reads follows.
func TestFATBoot(t *testing.T) {
	t.Parallel()
	s := fatBoot(t)
	for _, version := range []string{"1", "2", "3"} {
		d := mustDeploy(t, s, commit(t, s, version, kernelOf(version, 1)), deploy.DeployOptions{})
		requireFAT(t, s)
		require.Equal(t, d.Name(), fatDefault(t, s))
	}
	require.Equal(t, []string{"3", "2"}, versions(deployments(t, s)))
	require.NoError(t, s.SetDefault(t.Context(), deployments(t, s)[1]))
	list := deployments(t, s)
	require.Equal(t, []string{"2", "3"}, versions(list))
	require.Equal(t, list[0].Name(), fatDefault(t, s))
	require.NoError(t, s.Undeploy(t.Context(), list[1]))
	clean(t, s)
	requireFAT(t, s)
	require.Len(t, slices.Collect(maps.Keys(entries(t, s.Path()))), 2)
	kernels, err := filepath.Glob(s.Path() + "/boot/ostree/*/vmlinuz-*")
	require.NoError(t, err)
	require.Len(t, kernels, 1, "kernels that nothing needs leave the partition")
	require.NoDirExists(t, s.Path()+"/boot/loader.0")
	require.NoDirExists(t, s.Path()+"/boot/loader.1")
}

// What is written to the partition goes onto a real FAT file system and comes back as it was: names with boot counters,
// those of files that are not in effect yet, and sizes.
func TestFATBootFitsFAT(t *testing.T) {
	t.Parallel()
	s := fatBoot(t)
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "boot-counting-tries", "3"))
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	next := commit(t, s, "2", tree{
		"usr/lib/modules/6.1.0/vmlinuz":    strings.Repeat("kernel", 40<<10),
		"usr/lib/modules/6.1.0/devicetree": "tree",
	})
	for n := 0; ; n++ {
		step := crashAt(s, n, func() { mustDeploy(t, s, next, deploy.DeployOptions{}) })
		if step == "bootloader" {
			break
		}
		require.NotEmpty(t, step, "the boot loader has not been configured")
	}
	waiting, err := filepath.Glob(s.Path() + "/boot/loader/entries/ostree-*+3.conf.ostree-new")
	require.NoError(t, err)
	require.NotEmpty(t, waiting)
	requireFitsFAT(t, s.Path()+"/boot")
	mustDeploy(t, s, next, deploy.DeployOptions{})
	clean(t, s)
	requireFitsFAT(t, s.Path()+"/boot")
}

// requireFitsFAT copies a directory into a FAT file system, checks that and copies it back.
func requireFitsFAT(t *testing.T, dir string) {
	t.Helper()
	testenv.Need(t, testenv.Tool("mkfs.vfat"), testenv.Tool("fsck.vfat"), testenv.Tool("mcopy"))
	fat := filepath.Join(t.TempDir(), "fat")
	run := func(args ...string) {
		out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput()
		require.NoError(t, err, "%s: %s", args, out)
	}
	run("mkfs.vfat", "-C", fat, "34816", "-F", "32", "-s", "1")
	names, err := filepath.Glob(dir + "/*")
	require.NoError(t, err)
	run(append(append([]string{"mcopy", "-s", "-n", "-i", fat}, names...), "::")...)
	run("fsck.vfat", "-n", fat)
	back := t.TempDir()
	run("mcopy", "-s", "-n", "-i", fat, "::*", back)
	require.Equal(t, contents(t, dir), contents(t, back))
}

// contents are the files below a directory.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := make(map[string]string)
	require.NoError(t, fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(text)
		return err
	}))
	return files
}

// The extended boot loader partition at /boot has the entries, and the EFI system partition the boot loader alone.
func TestExtendedBootPartition(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	boot, esp := pretendFAT(s), s.Path()+"/efi"
	require.NoError(t, os.MkdirAll(esp+"/EFI/systemd", 0o755))
	require.NoError(t, os.WriteFile(esp+"/EFI/systemd/systemd-bootx64.efi", nil, 0o644))
	before := contents(t, esp)
	for _, version := range []string{"1", "2"} {
		d := mustDeploy(t, s, commit(t, s, version, kernelOf(version, 1)), deploy.DeployOptions{})
		require.Equal(t, d.Name(), fatDefault(t, s))
		requireBoots(t, s)
	}
	require.Len(t, entries(t, s.Path()), 2)
	kernels, err := filepath.Glob(boot + "/ostree/*/vmlinuz-*")
	require.NoError(t, err)
	require.Len(t, kernels, 2)
	require.Equal(t, before, contents(t, esp))
	requireFitsFAT(t, boot)
}

// The partition can be away: nothing changes then, and the error says what to mount.
func TestFATBootThatIsNotMounted(t *testing.T) {
	t.Parallel()
	s := fatBoot(t)
	mustDeploy(t, s, commit(t, s, "1", nil), deploy.DeployOptions{})
	c := commit(t, s, "2", nil)
	before := layout(t, s.Path())
	s.PretendFAT(func(string) bool { return false })
	require.Equal(t, []string{"1"}, versions(deployments(t, s)))
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var away *deploy.BootPartitionError
	require.ErrorAs(t, err, &away)
	require.ErrorContains(t, err, "is not mounted at "+s.Path()+"/boot; mount it")
	require.Equal(t, before, layout(t, s.Path()))
	pretendFAT(s)
	mustDeploy(t, s, c, deploy.DeployOptions{})
	requireFAT(t, s)
}

// A boot loader that follows links or has a configuration of its own cannot be switched on FAT.
func TestFATBootOfOtherBootLoaders(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	boot := pretendFAT(s)
	require.NoError(t, os.MkdirAll(boot+"/grub", 0o755))
	require.NoError(t, os.WriteFile(boot+"/grub/grub.cfg", []byte("# menu\n"), 0o644))
	c := commit(t, s, "1", nil)
	_, err := s.Deploy(t.Context(), c, nil, deploy.DeployOptions{})
	var unsupported *bootloader.UnsupportedError
	require.ErrorAs(t, err, &unsupported)
	require.ErrorContains(t, err, "boot loader grub2 ("+boot+" is a FAT file system")
	require.NoError(t, s.Repo().SetConfigValue("sysroot", "bootloader", "none"))
	mustDeploy(t, s, c, deploy.DeployOptions{})
	requireBoots(t, s)
}

// Whatever step is the last one before the power fails, what systemd-boot takes by default is the old deployment or
// the new one, complete, and the next change puts everything right.
func TestFATBootCrash(t *testing.T) {
	t.Parallel()
	template := fatBoot(t)
	old := mustDeploy(t, template, commit(t, template, "1", nil), deploy.DeployOptions{})
	c, next := commit(t, template, "2", kernelOf("2", 1)), commit(t, template, "3", kernelOf("3", 1))
	stride := 1
	if testing.Short() {
		stride = 9
	}
	for n := 0; ; n += stride {
		s := copySysroot(t, template)
		pretendFAT(s)
		step := crashAt(s, n, func() { mustDeploy(t, s, c, deploy.DeployOptions{}) })
		require.Contains(t, []string{old.Name(), c.String() + ".0"}, fatDefault(t, s), "after %s", step)
		requireFAT(t, s)
		d := mustDeploy(t, s, next, deploy.DeployOptions{})
		clean(t, s)
		requireFAT(t, s)
		require.Equal(t, d.Name(), fatDefault(t, s), "after %s", step)
		require.Len(t, entries(t, s.Path()), 1+len(deployments(t, s)), "after %s", step)
		if step == "" {
			break
		}
	}
}
