package image_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/image"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

const (
	rootUUID = "11111111-2222-4333-8444-555555555555"
	ref      = "os/test"
	size     = 512 << 20
	rootAt   = 258 << 20 // after 1 MiB for the table, 1 for GRUB and 256 for the EFI system partition
)

func needTools(t *testing.T) {
	t.Helper()
	needs := []testenv.Requirement{testenv.Root}
	for _, tool := range []string{"ostree", "mke2fs", "debugfs", "e2fsck", "mkfs.vfat", "mcopy", "grub-mkimage", "partx", "blkid"} {
		needs = append(needs, testenv.Tool(tool))
	}
	for _, dir := range []string{"/usr/lib/grub/i386-pc", "/usr/lib/grub/x86_64-efi"} {
		needs = append(needs, testenv.File(dir))
	}
	testenv.Need(t, needs...)
}

// tool runs a peer and returns what it printed.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	require.NoError(t, err, "%s %v: %s", name, args, out)
	return string(out)
}

// repository has a commit with a kernel.
func repository(t *testing.T) *ostree.Repo {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"usr/lib/modules/6.1.0/vmlinuz": "kernel", "usr/lib/modules/6.1.0/initramfs.img": "initramfs",
		"usr/lib/os-release": "ID=os\nPRETTY_NAME=\"Test OS\"\n", "usr/etc/hostname": "default", "usr/bin/program": "#!",
	} {
		path := filepath.Join(dir, "tree", name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(text), 0o644))
	}
	for _, name := range []string{"var", "sysroot", "boot"} {
		require.NoError(t, os.Mkdir(filepath.Join(dir, "tree", name), 0o755))
	}
	tool(t, "ostree", "init", "--mode=bare", "--repo="+dir+"/repo")
	tool(t, "ostree", "commit", "--repo="+dir+"/repo", "--branch="+ref, "--tree=dir="+dir+"/tree")
	repo, err := ostree.Open(dir+"/repo", ostree.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, repo.Close()) })
	return repo
}

func install(t *testing.T, opts image.InstallOptions) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "disk.raw")
	opts.Size, opts.RootUUID = size, rootUUID
	require.NoError(t, image.Install(t.Context(), repository(t), ref, file, opts))
	left, err := os.ReadDir(filepath.Dir(file))
	require.NoError(t, err)
	require.Len(t, left, 1, "something is left over beside the disk")
	return file
}

// root runs debugfs on the root file system.
func root(t *testing.T, disk, command string) string {
	t.Helper()
	return tool(t, "debugfs", "-R", command, fmt.Sprintf("%s?offset=%d", disk, rootAt))
}

func TestInstall(t *testing.T) {
	t.Parallel()
	needTools(t)
	disk := install(t, image.InstallOptions{
		Stateroot: "os", Kargs: []string{"console=ttyS0"},
		Configure: func(_ context.Context, d deploy.Deployment, varDir string) error {
			if err := os.WriteFile(d.Path+"/etc/hostname", []byte("mine"), 0o644); err != nil {
				return err
			}
			return os.WriteFile(varDir+"/data", []byte("data"), 0o600)
		},
	})

	t.Run("partitions", func(t *testing.T) {
		t.Parallel()
		want := []string{
			"bios 2048 2048 21686148-6449-6e6f-744e-656564454649",
			"esp 4096 524288 c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
			"root 528384 518144 4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
		}
		require.Equal(t, want, partitions(t, disk))
		// A damaged table is found in its copy at the end.
		f, err := os.OpenFile(copyOf(t, disk), os.O_RDWR, 0)
		require.NoError(t, err)
		defer f.Close()
		_, err = f.WriteAt(make([]byte, 512), 512)
		require.NoError(t, err)
		require.Equal(t, want, partitions(t, f.Name()))
	})
	t.Run("root file system", func(t *testing.T) {
		t.Parallel()
		require.Contains(t, tool(t, "e2fsck", "-fn", fmt.Sprintf("%s?offset=%d", disk, rootAt)), "root: ")
		require.Contains(t, tool(t, "blkid", "-p", "-O", fmt.Sprint(rootAt), disk), `UUID="`+rootUUID+`"`)
		require.Contains(t, root(t, disk, "stat /"), "Mode:  0755")
	})
	t.Run("deployment", func(t *testing.T) {
		t.Parallel()
		entry := root(t, disk, "cat /boot/loader/entries/ostree-1.conf")
		require.Contains(t, entry, "options root=UUID="+rootUUID+" rw console=ttyS0 ostree=/ostree/boot.")
		name := regexp.MustCompile(`[0-9a-f]{64}\.0`).FindString(root(t, disk, "ls /ostree/deploy/os/deploy"))
		require.NotEmpty(t, name)
		deployment := "/ostree/deploy/os/deploy/" + name
		require.Contains(t, root(t, disk, "cat "+deployment+"/etc/hostname"), "mine")
		require.Contains(t, root(t, disk, "cat "+deployment+"/usr/etc/hostname"), "default")
		require.Contains(t, root(t, disk, "cat "+deployment+".origin"), "refspec="+ref)
		require.Contains(t, root(t, disk, "cat /ostree/deploy/os/var/data"), "data")
		flags := regexp.MustCompile(`Flags: (0x[0-9a-f]+)`).FindStringSubmatch(root(t, disk, "stat "+deployment))
		require.NotNil(t, flags)
		require.Equal(t, "1", flags[1][len(flags[1])-2:len(flags[1])-1], "not immutable: %s", flags[1])
		require.Contains(t, root(t, disk, "stat "+deployment+"/usr/bin/program"), "Links: 2", "no hard link to the repository")
		require.Contains(t, root(t, disk, "cat /ostree/repo/config"), "readonly=true")
	})
	t.Run("boot loaders", func(t *testing.T) {
		t.Parallel()
		menu := root(t, disk, "cat /boot/loader/grub.cfg")
		require.Contains(t, menu, "Test OS (ostree:0)")
		require.Contains(t, root(t, disk, "stat /boot/grub/grub.cfg"), `"../loader/grub.cfg"`)
		efi := filepath.Join(t.TempDir(), "bootx64.efi")
		tool(t, "mcopy", "-i", fmt.Sprintf("%s@@%d", disk, 2<<20), "::EFI/BOOT/BOOTX64.EFI", efi)
		program, err := os.ReadFile(efi)
		require.NoError(t, err)
		require.Equal(t, "MZ", string(program[:2]))
		require.Contains(t, string(program), "--set=root "+rootUUID)
		checkBIOS(t, disk)
	})
}

// TestInstallSystemdBoot makes a disk without GRUB: what the boot loader reads is in the EFI system partition.
func TestInstallSystemdBoot(t *testing.T) {
	t.Parallel()
	needTools(t)
	testenv.Need(t, testenv.File("/usr/lib/systemd/boot/efi/systemd-bootx64.efi"))
	disk := install(t, image.InstallOptions{Options: image.Options{Loader: image.SystemdBoot}, Stateroot: "os", Tries: 3})
	require.Equal(t, []string{
		"esp 4096 524288 c12a7328-f81f-11d2-ba4b-00a0c93ec93b",
		"root 528384 518144 4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
	}, partitions(t, disk))
	esp := fmt.Sprintf("%s@@%d", disk, 2<<20)
	entry := tool(t, "mtype", "-i", esp, "::loader/entries/ostree-1.1.conf")
	require.Contains(t, entry, "options root=UUID="+rootUUID)
	kernel := regexp.MustCompile(`(?m)^linux (/ostree/\S+)`).FindStringSubmatch(entry)
	require.NotNil(t, kernel)
	require.Equal(t, "kernel", tool(t, "mtype", "-i", esp, "::"+kernel[1]))
	tool(t, "mdir", "-i", esp, "::EFI/BOOT/BOOTX64.EFI", "::EFI/systemd/systemd-bootx64.efi")
	name := regexp.MustCompile(`[0-9a-f]{64}\.0`).FindString(root(t, disk, "ls /ostree/deploy/os/deploy"))
	require.Contains(t, root(t, disk, "cat /ostree/deploy/os/deploy/"+name+"/etc/fstab"), "UUID=1111-1111 /boot/efi vfat umask=0077 0 2\n")
	require.Contains(t, root(t, disk, "stat /boot/efi"), "directory")
	require.Contains(t, root(t, disk, "cat /ostree/repo/config"), "boot-counting-tries=3")
}

// partitions lists name, first sector, number of sectors and type.
func partitions(t *testing.T, disk string) []string {
	t.Helper()
	return strings.Split(strings.TrimSpace(tool(t, "partx", "-r", "-g", "-o", "NAME,START,SECTORS,TYPE", disk)), "\n")
}

// copyOf copies a disk with its holes.
func copyOf(t *testing.T, disk string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.raw")
	tool(t, "cp", "--sparse=always", disk, path)
	return path
}

// checkBIOS follows the way of a BIOS: from the first sector to core.img.
func checkBIOS(t *testing.T, disk string) {
	t.Helper()
	f, err := os.Open(disk)
	require.NoError(t, err)
	defer f.Close()
	head := make([]byte, 1<<20+512)
	_, err = f.ReadAt(head, 0)
	require.NoError(t, err)
	boot, err := os.ReadFile("/usr/lib/grub/i386-pc/boot.img")
	require.NoError(t, err)
	require.Equal(t, boot[:0x5c], head[:0x5c])
	require.Equal(t, []byte{0, 8, 0, 0, 0, 0, 0, 0}, head[0x5c:0x64], "sector 2048")
	require.Equal(t, []byte{0x55, 0xaa}, head[510:512])
	diskboot, err := os.ReadFile("/usr/lib/grub/i386-pc/diskboot.img")
	require.NoError(t, err)
	require.Equal(t, diskboot[:400], head[1<<20:1<<20+400])
	require.Equal(t, []byte{1, 8, 0, 0, 0, 0, 0, 0}, head[1<<20+500:1<<20+508], "the rest begins at sector 2049")
}

// TestInstallIsReproducible makes the same table, boot sector and identifiers again.
func TestInstallIsReproducible(t *testing.T) {
	t.Parallel()
	needTools(t)
	var heads [2][]byte
	for i := range heads {
		f, err := os.Open(install(t, image.InstallOptions{}))
		require.NoError(t, err)
		heads[i] = make([]byte, 2<<20) // with the second stage of GRUB
		_, err = f.ReadAt(heads[i], 0)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	}
	require.True(t, string(heads[0]) == string(heads[1]))
}

func TestInstallErrors(t *testing.T) {
	t.Parallel()
	needTools(t)
	repo := repository(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "disk.raw")
	for name, c := range map[string]struct {
		rev  string
		opts image.InstallOptions
		want string
	}{
		"size":          {ref, image.InstallOptions{Options: image.Options{Size: 1000}}, "at least 512 MiB"},
		"not a UUID":    {ref, image.InstallOptions{Options: image.Options{RootUUID: "root"}}, "not a UUID"},
		"no such ref":   {"os/missing", image.InstallOptions{}, "os/missing"},
		"boot loader":   {ref, image.InstallOptions{Options: image.Options{Loader: "lilo"}}, "lilo"},
		"configuration": {ref, image.InstallOptions{Configure: func(context.Context, deploy.Deployment, string) error { return os.ErrInvalid }}, "invalid argument"},
	} {
		require.ErrorContains(t, image.Install(t.Context(), repo, c.rev, file, c.opts), c.want, name)
	}
	require.NoError(t, os.WriteFile(file, []byte("precious"), 0o600))
	require.ErrorIs(t, image.Install(t.Context(), repo, ref, file, image.InstallOptions{}), os.ErrExist)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Equal(t, "precious", string(text))
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Len(t, left, 1)

	// What does not fit is found out by mke2fs, and nothing is left of the disk.
	full := filepath.Join(dir, "full.raw")
	err = image.Install(t.Context(), repo, ref, full, image.InstallOptions{Options: image.Options{Size: size}, Configure: func(_ context.Context, _ deploy.Deployment, varDir string) error {
		return os.WriteFile(varDir+"/large", []byte(strings.Repeat("x", 300<<20)), 0o600)
	}})
	require.ErrorContains(t, err, "mke2fs")
	require.NoFileExists(t, full)
}
