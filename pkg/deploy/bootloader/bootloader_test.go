package bootloader_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	const stub = "search.fs_uuid 1-2 root\nset prefix=($root)'/boot/grub'\nconfigfile $prefix/grub.cfg\n"
	grub := bootloader.GRUB{Dir: "grub"}
	for name, c := range map[string]struct {
		configured string
		files      map[string]string
		want       bootloader.Bootloader
		refused    string
	}{
		"nothing there":            {want: bootloader.None{}},
		"auto":                     {configured: "auto", want: bootloader.None{}},
		"grub but told none":       {configured: "none", files: map[string]string{"grub/grub.cfg": ""}, want: bootloader.None{}},
		"debian's grub":            {files: map[string]string{"grub/grub.cfg": ""}, want: grub},
		"fedora's grub":            {files: map[string]string{"grub2/grub.cfg": ""}, want: bootloader.GRUB{Dir: "grub2"}},
		"grub on the ESP":          {files: map[string]string{"efi/EFI/debian/grub.cfg": stub}, want: grub},
		"whole grub.cfg on ESP":    {files: map[string]string{"efi/EFI/x/grub.cfg": "menuentry x {\n}\n"}, refused: "does not lead to a grub.cfg in /boot"},
		"static grub of bootupd":   {files: map[string]string{"grub2/grub.cfg": "", "bootupd-state.json": `{"static-configs":{"x":1}}`}, want: bootloader.None{}},
		"bootupd without static":   {files: map[string]string{"grub2/grub.cfg": "", "bootupd-state.json": `{"static-configs":null}`}, want: bootloader.GRUB{Dir: "grub2"}},
		"syslinux first":           {files: map[string]string{"grub/grub.cfg": "", "syslinux/syslinux.cfg": ""}, want: bootloader.Syslinux{Dir: "syslinux"}},
		"extlinux":                 {files: map[string]string{"extlinux/extlinux.conf": ""}, want: bootloader.Syslinux{Dir: "extlinux"}},
		"u-boot":                   {files: map[string]string{"loader/uEnv.txt": ""}, want: bootloader.UBoot{}},
		"systemd-boot":             {files: map[string]string{"efi/EFI/systemd/systemd-bootx64.efi": ""}, want: bootloader.SystemdBoot{Path: "BOOT/efi"}},
		"configured grub":          {configured: "grub2", want: grub},
		"configured u-boot":        {configured: "uboot", want: bootloader.UBoot{}},
		"configured syslinux":      {configured: "syslinux", want: bootloader.Syslinux{Dir: "syslinux"}},
		"systemd-boot without ESP": {configured: "systemd-boot", refused: "no EFI system partition has it"},
		"zipl":                     {configured: "zipl", refused: "set bootloader=none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			boot := t.TempDir()
			for file, text := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(boot, file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(boot, file), []byte(text), 0o600))
			}
			got, err := bootloader.Select(boot, c.configured)
			if c.refused != "" {
				var unsupported *bootloader.UnsupportedError
				require.ErrorAs(t, err, &unsupported)
				require.ErrorContains(t, err, c.refused)
				return
			}
			require.NoError(t, err)
			if s, ok := c.want.(bootloader.SystemdBoot); ok {
				s.Path = strings.Replace(s.Path, "BOOT", boot, 1)
				c.want = s
			}
			require.Equal(t, c.want, got)
		})
	}
}

func TestNoneDoesNothing(t *testing.T) {
	t.Parallel()
	require.Equal(t, "none", bootloader.None{}.Name())
	require.NoError(t, bootloader.None{}.Write(t.Context(), bootloader.Config{}))
	require.NoError(t, bootloader.None{}.Finish(t.Context(), bootloader.Config{}))
}

func TestSelectRefusesNonsense(t *testing.T) {
	t.Parallel()
	_, err := bootloader.Select(t.TempDir(), "lilo")
	require.ErrorContains(t, err, `"lilo"`)
	boot := t.TempDir()
	require.NoError(t, os.MkdirAll(boot+"/grub", 0o755))
	require.NoError(t, os.WriteFile(boot+"/grub/grub.cfg", nil, 0o600))
	require.NoError(t, os.WriteFile(boot+"/bootupd-state.json", []byte("{"), 0o600))
	_, err = bootloader.Select(boot, "")
	require.ErrorContains(t, err, "bootupd-state.json")
}
