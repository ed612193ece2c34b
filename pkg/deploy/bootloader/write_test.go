package bootloader_test

import (
	"flag"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// parse makes entries of texts.
func parse(t *testing.T, texts ...string) []*bootentry.Entry {
	t.Helper()
	var entries []*bootentry.Entry
	for _, text := range texts {
		e, err := bootentry.Parse([]byte(text))
		require.NoError(t, err)
		entries = append(entries, e)
	}
	return entries
}

const (
	newer = `title Debian's "GNU/Linux" 12 $x (ostree:0)
version 2
options root=UUID=1-2 dyndbg="file a.c +p" quiet path=a;b ostree=/ostree/boot.1/debian/b/0
linux /ostree/debian-b/vmlinuz-6.1
initrd /ostree/debian-b/initramfs-6.1.img
initrd /ostree/initramfs-overlays/o.img
`
	older = `title Debian GNU/Linux 11 (ostree:1)
version 1
options root=UUID=1-2 ostree=/ostree/boot.1/debian/a/0
devicetree /boot/ostree/debian-a/devicetree-5.10
linux /boot/ostree/debian-a/vmlinuz-5.10
`
)

// config is one of two entries for loader.VERSION.
func config(t *testing.T, boot string, version int) bootloader.Config {
	t.Helper()
	return bootloader.Config{
		Boot: boot, Version: version, Entries: parse(t, newer, older),
		Names: []bootentry.Name{{Version: 2}, {Version: 1}},
	}
}

// swap is what comes between Write and Finish.
func swap(t *testing.T, c bootloader.Config) {
	t.Helper()
	tmp := c.Boot + "/loader.tmp"
	require.NoError(t, os.Symlink([]string{"loader.0", "loader.1"}[c.Version], tmp))
	require.NoError(t, os.Rename(tmp, c.Boot+"/loader"))
}

func put(t *testing.T, path, text string) {
	t.Helper()
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
}

func get(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return data
}

func TestGRUB(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	put(t, boot+"/grub/grub.cfg", "# from grub-mkconfig\n")
	c := config(t, boot, 1)
	g := bootloader.GRUB{Dir: "grub"}
	require.NoError(t, g.Write(t.Context(), c))
	require.Equal(t, "# from grub-mkconfig\n", string(get(t, boot+"/grub/grub.cfg")), "what is in effect stays")
	swap(t, c)
	for range 2 {
		require.NoError(t, g.Finish(t.Context(), c))
		golden(t, "grub.cfg", get(t, boot+"/grub/grub.cfg"))
		require.Equal(t, "# from grub-mkconfig\n", string(get(t, boot+"/grub/grub.cfg.before-ostree")))
	}

	// Another tool's change of the entries leaves no menu: nothing may lead to it.
	require.NoError(t, os.Remove(boot+"/grub/grub.cfg"))
	put(t, boot+"/grub/grub.cfg", "# again\n")
	require.NoError(t, os.RemoveAll(boot+"/loader.1/grub.cfg"))
	require.NoError(t, g.Finish(t.Context(), c))
	require.Equal(t, "# again\n", string(get(t, boot+"/grub/grub.cfg")))
}

func TestGRUBCountsTries(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	c := config(t, boot, 0)
	c.Names[0].Counted, c.Names[0].TriesLeft = true, 2
	require.NoError(t, bootloader.GRUB{Dir: "grub"}.Write(t.Context(), c))
	golden(t, "grub-counted.cfg", get(t, boot+"/loader.0/grub.cfg"))
	env := get(t, boot+"/loader.0/grubenv")
	require.Len(t, env, 1024)
	require.Equal(t, "# GRUB Environment Block\nostree_tries=2", strings.TrimRight(string(env), "#\n"))
}

func TestGRUBChecksItsScripts(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("grub-script-check"), testenv.Tool("grub-editenv"))
	for _, name := range []string{"grub.cfg", "grub-counted.cfg"} {
		out, err := exec.CommandContext(t.Context(), "grub-script-check", "testdata/"+name).CombinedOutput()
		require.NoError(t, err, "%s: %s", name, out)
	}
	boot := t.TempDir()
	c := config(t, boot, 0)
	c.Names[0].Counted, c.Names[0].TriesLeft = true, 2
	require.NoError(t, bootloader.GRUB{Dir: "grub"}.Write(t.Context(), c))
	out, err := exec.CommandContext(t.Context(), "grub-editenv", boot+"/loader.0/grubenv", "list").CombinedOutput()
	require.NoError(t, err)
	require.Equal(t, "ostree_tries=2\n", string(out))
}

func TestGRUBGenerator(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	script := boot + "/generate"
	testenv.WriteProgram(t, script, []byte("#!/bin/sh\n[ \"$2\" ] || exit 7\necho \"version $_OSTREE_GRUB2_BOOTVERSION\" > \"$2\"\n"), 0o755)
	c := config(t, boot, 1)
	require.NoError(t, bootloader.GRUB{Dir: "grub2", Generator: script}.Write(t.Context(), c))
	require.Equal(t, "version 1\n", string(get(t, boot+"/loader.1/grub.cfg")))
	require.ErrorContains(t, bootloader.GRUB{Dir: "grub2", Generator: "/bin/false"}.Write(t.Context(), c), "/bin/false: exit status 1")
}

func TestSyslinuxKeepsForeignLabels(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	const old = "TIMEOUT 50\nDEFAULT Debian (ostree:0)\nlabel rescue\n    linux /rescue\n    append x\n\nLABEL Debian (ostree:0)\n\tKERNEL /ostree/debian-a/vmlinuz\n\tAPPEND y\nPROMPT 0"
	put(t, boot+"/extlinux/extlinux.conf", old)
	c := config(t, boot, 1)
	s := bootloader.Syslinux{Dir: "extlinux"}
	require.NoError(t, s.Write(t.Context(), c))
	require.Equal(t, old, string(get(t, boot+"/extlinux/extlinux.conf")))
	swap(t, c)
	require.NoError(t, s.Finish(t.Context(), c))
	golden(t, "extlinux.conf", get(t, boot+"/extlinux/extlinux.conf"))
	require.NoError(t, s.Write(t.Context(), config(t, boot, 0)))
	golden(t, "extlinux.conf", get(t, boot+"/loader.0/extlinux.conf"))

	put(t, boot+"/extlinux/extlinux.conf", "DEFAULT rescue\nLABEL rescue\n\tKERNEL /rescue")
	require.NoError(t, s.Write(t.Context(), config(t, boot, 0)))
	require.True(t, strings.HasPrefix(string(get(t, boot+"/loader.0/extlinux.conf")), "DEFAULT rescue\nLABEL rescue\n\tKERNEL /rescue\nLABEL Debian's"))
	put(t, boot+"/extlinux/extlinux.conf", "LABEL nothing\nTIMEOUT 3")
	require.ErrorContains(t, s.Write(t.Context(), config(t, boot, 0)), `label "nothing" has no kernel`)
}

func TestUBoot(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	c := config(t, boot, 1)
	c.Default = t.TempDir()
	put(t, c.Default+"/usr/lib/ostree-boot/uEnv.txt", "loaduimage=load mmc\n")
	require.NoError(t, bootloader.UBoot{}.Write(t.Context(), c))
	swap(t, c)
	require.NoError(t, bootloader.UBoot{}.Finish(t.Context(), c))
	golden(t, "uEnv.txt", get(t, boot+"/uEnv.txt"))
}

func TestEntriesWithoutKernel(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	c := config(t, boot, 1)
	c.Entries = parse(t, "title x\n")
	for _, loader := range []bootloader.Bootloader{
		bootloader.GRUB{Dir: "grub"}, bootloader.Syslinux{Dir: "syslinux"}, bootloader.UBoot{}, bootloader.SystemdBoot{Path: boot + "/efi"},
	} {
		require.ErrorContains(t, loader.Write(t.Context(), c), `boot entry "x" has no key linux`)
	}
}

// files lists a directory with contents.
func files(t *testing.T, root string) []string {
	t.Helper()
	var out []string
	require.NoError(t, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		out = append(out, name)
		return err
	}))
	slices.Sort(out)
	return out
}

func TestSystemdBoot(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	esp := boot + "/efi"
	put(t, esp+"/loader/entries/windows.conf", "title Windows\n")
	put(t, esp+"/loader/entries/ostree-other.conf", "title of another tool\n")
	for _, name := range []string{
		"debian-b/vmlinuz-6.1", "debian-b/initramfs-6.1.img", "initramfs-overlays/o.img",
		"debian-a/vmlinuz-5.10", "debian-a/devicetree-5.10",
	} {
		put(t, boot+"/ostree/"+name, name)
	}
	s := bootloader.SystemdBoot{Path: esp}
	foreign := []string{"loader/entries/ostree-other.conf", "loader/entries/windows.conf"}
	kernels := []string{
		"ostree/debian-a/devicetree-5.10", "ostree/debian-a/vmlinuz-5.10",
		"ostree/debian-b/initramfs-6.1.img", "ostree/debian-b/vmlinuz-6.1", "ostree/initramfs-overlays/o.img",
	}
	c := config(t, boot, 1)
	c.Names[0].Counted, c.Names[0].TriesLeft = true, 3
	require.NoError(t, s.Write(t.Context(), c))
	require.Equal(t, slices.Concat([]string{"loader/entries/ostree-1.1.conf.ostree-new", "loader/entries/ostree-1.2+3.conf.ostree-new"}, foreign, kernels), files(t, esp))
	require.NoError(t, s.Finish(t.Context(), c))
	require.Equal(t, slices.Concat([]string{"loader/entries/ostree-1.1.conf", "loader/entries/ostree-1.2+3.conf"}, foreign, kernels), files(t, esp))
	golden(t, "systemd-boot.conf", get(t, esp+"/loader/entries/ostree-1.2+3.conf"))
	require.Equal(t, "debian-b/vmlinuz-6.1", string(get(t, esp+"/ostree/debian-b/vmlinuz-6.1")))

	// The next change did not take place: its entries never appear, and do not hinder the one after.
	only := config(t, boot, 0)
	only.Entries, only.Names = only.Entries[1:], only.Names[1:]
	require.NoError(t, s.Write(t.Context(), only))
	require.NoError(t, s.Finish(t.Context(), c))
	require.Equal(t, slices.Concat([]string{"loader/entries/ostree-1.1.conf", "loader/entries/ostree-1.2+3.conf"}, foreign, kernels), files(t, esp))

	// It took place, but the machine stopped while the new entries were appearing.
	require.NoError(t, s.Write(t.Context(), only))
	require.NoError(t, s.Write(t.Context(), only))
	require.NoError(t, s.Finish(t.Context(), only))
	require.Equal(t, slices.Concat([]string{"loader/entries/ostree-2.1.conf"}, foreign, kernels[:2]), files(t, esp))
	require.Contains(t, string(get(t, esp+"/loader/entries/ostree-2.1.conf")), "version 2.1\n")
	require.NoError(t, s.Finish(t.Context(), only), "again")

	// Entries that another tool wrote to /boot are not here; the old ones stay.
	require.NoError(t, s.Finish(t.Context(), c))
	require.Equal(t, slices.Concat([]string{"loader/entries/ostree-2.1.conf"}, foreign, kernels[:2]), files(t, esp))
}

// A partition is shared: what entries of another system name stays, in whatever case, and so does what is no file of ours.
func TestSystemdBootLeavesKernelsOfOthers(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	esp := boot + "/efi"
	for _, name := range []string{"debian-b/vmlinuz-6.1", "debian-b/initramfs-6.1.img", "initramfs-overlays/o.img", "debian-a/vmlinuz-5.10", "debian-a/devicetree-5.10"} {
		put(t, boot+"/ostree/"+name, name)
	}
	theirs := []string{"ostree/other-c/dtb/x.dtb", "ostree/other-c/initrd", "ostree/other-c/more", "ostree/other-c/vmlinuz"}
	for _, name := range append(theirs, "ostree/other-c/old") {
		put(t, filepath.Join(esp, name), name)
	}
	put(t, esp+"/loader/entries/ostree-other.conf", "title Other\nlinux /OSTREE/other-c/vmlinuz\ninitrd /ostree/other-c/initrd\ninitrd /ostree/other-c/more\n")
	s := bootloader.SystemdBoot{Path: esp}
	require.NoError(t, s.Write(t.Context(), config(t, boot, 1)))
	require.NoError(t, s.Finish(t.Context(), config(t, boot, 1)))
	require.Subset(t, files(t, esp), theirs)
	require.NoFileExists(t, esp+"/ostree/other-c/old")
	require.FileExists(t, esp+"/ostree/debian-b/vmlinuz-6.1")

	// What an entry names that cannot be read is not known: everything stays.
	put(t, esp+"/loader/entries/broken.conf/x", "")
	only := config(t, boot, 0)
	only.Entries, only.Names = only.Entries[1:], only.Names[1:]
	require.NoError(t, s.Write(t.Context(), only))
	require.NoError(t, s.Finish(t.Context(), only))
	require.FileExists(t, esp+"/ostree/debian-b/vmlinuz-6.1")
	require.NoError(t, os.RemoveAll(esp+"/loader/entries/broken.conf"))
	require.NoError(t, s.Finish(t.Context(), only))
	require.NoFileExists(t, esp+"/ostree/debian-b/vmlinuz-6.1")
	require.Subset(t, files(t, esp), theirs)
}

// Whatever has been renamed or removed when the machine stops, repeating it gets to the same end.
func TestSystemdBootRepeatsWhatWasCutShort(t *testing.T) {
	t.Parallel()
	boot := t.TempDir()
	for _, name := range []string{"debian-b/vmlinuz-6.1", "debian-b/initramfs-6.1.img", "initramfs-overlays/o.img", "debian-a/vmlinuz-5.10", "debian-a/devicetree-5.10"} {
		put(t, boot+"/ostree/"+name, name)
	}
	s := bootloader.SystemdBoot{Path: boot + "/efi"}
	require.NoError(t, s.Write(t.Context(), config(t, boot, 1)))
	require.NoError(t, s.Finish(t.Context(), config(t, boot, 1)))
	require.NoError(t, s.Write(t.Context(), config(t, boot, 0)))
	dir := boot + "/efi/loader/entries/"
	for _, step := range []func() error{
		func() error { return os.Rename(dir+"ostree-2.1.conf.ostree-new", dir+"ostree-2.1.conf") },
		func() error { return os.Rename(dir+"ostree-2.2.conf.ostree-new", dir+"ostree-2.2.conf") },
		func() error { return os.Remove(dir + "ostree-1.2.conf") },
	} {
		require.NoError(t, step())
		again := t.TempDir()
		require.NoError(t, os.CopyFS(again, os.DirFS(boot)))
		require.NoError(t, bootloader.SystemdBoot{Path: again + "/efi"}.Finish(t.Context(), config(t, again, 0)))
		require.Equal(t, []string{"ostree-2.1.conf", "ostree-2.2.conf"}, files(t, again+"/efi/loader/entries"))
	}
}
