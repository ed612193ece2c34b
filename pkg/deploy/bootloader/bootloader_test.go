package bootloader_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

func TestSelect(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		configured string
		files      map[string]string
		want       string // of an unsupported boot loader
	}{
		"nothing there":          {},
		"auto":                   {configured: "auto"},
		"grub but told none":     {configured: "none", files: map[string]string{"grub/grub.cfg": ""}},
		"debian's grub":          {files: map[string]string{"grub/grub.cfg": ""}, want: "grub2"},
		"grub on the ESP":        {files: map[string]string{"efi/EFI/debian/grub.cfg": ""}, want: "grub2"},
		"static grub of bootupd": {files: map[string]string{"grub2/grub.cfg": "", "bootupd-state.json": `{"static-configs":{"x":1}}`}},
		"bootupd without static": {files: map[string]string{"grub2/grub.cfg": "", "bootupd-state.json": `{"static-configs":null}`}, want: "grub2"},
		"syslinux first":         {files: map[string]string{"grub/grub.cfg": "", "syslinux/syslinux.cfg": ""}, want: "syslinux"},
		"u-boot":                 {files: map[string]string{"loader/uEnv.txt": ""}, want: "uboot"},
		"configured grub":        {configured: "grub2", want: "grub2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			boot := t.TempDir()
			for file, text := range c.files {
				require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(boot, file)), 0o755))
				require.NoError(t, os.WriteFile(filepath.Join(boot, file), []byte(text), 0o600))
			}
			got, err := bootloader.Select(boot, c.configured)
			if c.want != "" {
				var unsupported *bootloader.UnsupportedError
				require.ErrorAs(t, err, &unsupported)
				require.Equal(t, c.want, unsupported.Name)
				require.ErrorContains(t, err, "set bootloader=none")
				return
			}
			require.NoError(t, err)
			require.Equal(t, "none", got.Name())
			require.NoError(t, got.Write(t.Context(), bootloader.Config{}))
			require.NoError(t, got.Finish(t.Context(), bootloader.Config{}))
		})
	}
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
