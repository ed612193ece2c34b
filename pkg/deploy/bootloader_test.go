package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/deploy"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
	"github.com/apt-ostree/apt-ostree/pkg/deploy/kargs"
)

// loaderFile makes a file of a boot loader that leads into the directory loader.
func loaderFile(t *testing.T, root, file, text string) {
	t.Helper()
	boot := root + "/boot/"
	require.NoError(t, os.Mkdir(boot+"loader.0", 0o755))
	require.NoError(t, os.Symlink("loader.0", boot+"loader"))
	require.NoError(t, os.WriteFile(boot+"loader/"+filepath.Base(file), []byte(text), 0o644))
	require.NoError(t, os.MkdirAll(filepath.Dir(boot+file), 0o755))
	target, err := filepath.Rel(filepath.Dir(file), "loader/"+filepath.Base(file))
	require.NoError(t, err)
	require.NoError(t, os.Symlink(target, boot+file))
}

// The configurations that libostree knows how to make are the same, to the byte.
func TestBootloadersLikeOstree(t *testing.T) {
	t.Parallel()
	const modules = "usr/lib/modules/6.1.0/"
	for name, c := range map[string]struct{ file, text string }{
		"syslinux":              {"syslinux/syslinux.cfg", ""},
		"syslinux with a label": {"syslinux/syslinux.cfg", "TIMEOUT 3\nLABEL x\n\tKERNEL /x\n\tAPPEND y\n"},
		"syslinux with more":    {"syslinux/syslinux.cfg", "TIMEOUT 3\n\nLABEL x\n\tKERNEL /x\n\tAPPEND y\nPROMPT 1"},
		"u-boot":                {"uEnv.txt", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTwin(t)
			loaderFile(t, w.theirs, c.file, c.text)
			loaderFile(t, w.mine.Path(), c.file, c.text)
			w.commit(t, "1", nil)
			w.commit(t, "2", tree{modules + "vmlinuz": "2", modules + "devicetree": "dt"})
			w.commit(t, "3", tree{modules + "vmlinuz": "3", "usr/lib/ostree-boot/uEnv.txt": "a=b\nc=d\n"})
			w.deploy(t, "1", deploy.DeployOptions{Kargs: kargs.Parse("root=LABEL=x quiet")}, "--karg=root=LABEL=x", "--karg=quiet")
			for _, version := range []string{"2", "3", "1"} {
				w.requireSame(t)
				w.deploy(t, version, deploy.DeployOptions{})
			}
			w.requireSame(t)
		})
	}
}

func TestGenerateGRUBLikeOstree(t *testing.T) {
	t.Parallel()
	s := newSysroot(t)
	name := commit(t, s, "1", tree{"usr/lib/os-release": "PRETTY_NAME=\"It's \\\"a\\\" name\"\n"})
	mustDeploy(t, s, name, deploy.DeployOptions{Kargs: kargs.Parse("root=x quiet")})
	mustDeploy(t, s, commit(t, s, "2", tree{"usr/lib/modules/6.1.0/initramfs.img": "-"}), deploy.DeployOptions{})
	script := bootloader.GRUBScript{DeviceID: "hd0,gpt1", PrepareRoot: "set root=x\nsearch y"}
	cmd := exec.CommandContext(t.Context(), "ostree", "admin", "instutil", "grub2-generate", "--sysroot="+s.Path())
	cmd.Env = append(os.Environ(), "_OSTREE_GRUB2_BOOTVERSION=0", "GRUB2_BOOT_DEVICE_ID="+script.DeviceID, "GRUB2_PREPARE_ROOT_CACHE="+script.PrepareRoot)
	want, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", want)
	var list []*bootentry.Entry
	for _, version := range []int{2, 1} {
		e, err := bootentry.Parse([]byte(entries(t, s.Path())[entryName(t, version, "os")]))
		require.NoError(t, err)
		list = append(list, e)
	}
	got, err := bootloader.GenerateGRUB(list, script)
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// A Debian system with GRUB: its menu is replaced in the same step as the entries, and the tool, told
// that there is no boot loader to configure, agrees with everything.
func TestDebianGRUB(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("grub-script-check"))
	s := newSysroot(t)
	menu := s.Path() + "/boot/grub/grub.cfg"
	require.NoError(t, os.MkdirAll(filepath.Dir(menu), 0o755))
	require.NoError(t, os.WriteFile(menu, []byte("# made by grub-mkconfig\n"), 0o644))
	for _, version := range []string{"1", "2"} {
		d := mustDeploy(t, s, commit(t, s, version, tree{"usr/lib/modules/6.1.0/vmlinuz": version}), deploy.DeployOptions{})
		text, err := os.ReadFile(menu)
		require.NoError(t, err)
		first, _, _ := strings.Cut(string(text[strings.Index(string(text), "menuentry"):]), "}")
		require.Contains(t, first, "linux /boot/ostree/os-"+d.BootChecksum+"/vmlinuz-6.1.0 ostree=/ostree/boot.")
		require.Contains(t, first, "(ostree:0)")
		out, err := exec.CommandContext(t.Context(), "grub-script-check", menu).CombinedOutput()
		require.NoError(t, err, "%s", out)
		requireAgreement(t, s)
	}
	require.FileExists(t, menu+".before-ostree")
	_, err := s.Cleanup(t.Context())
	require.NoError(t, err)
	target, err := os.Readlink(menu)
	require.NoError(t, err)
	require.Equal(t, "../loader/grub.cfg", target)
	require.FileExists(t, menu)
}
