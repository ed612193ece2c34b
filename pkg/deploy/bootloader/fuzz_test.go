package bootloader_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

func FuzzForeignLabels(f *testing.F) {
	for _, seed := range []string{"", "\n", "DEFAULT x\nLABEL x\n\tKERNEL /x\n", "LABEL a\n\tKERNEL /ostree/a\n\nLABEL b\n linux /b", "\tLABEL", "label\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines, _, err := bootloader.ForeignLabels(text)
		if err != nil {
			return
		}
		again, _, err := bootloader.ForeignLabels(strings.Join(lines, "\n"))
		require.NoError(t, err)
		require.Equal(t, strings.Join(lines, "\n"), strings.Join(again, "\n"), "nothing of ours is left, and the rest is read as it was")
	})
}

func FuzzParseMirrorName(f *testing.F) {
	for _, seed := range []string{"ostree-1.2.conf", "ostree-1.2+3-1.conf", "ostree-2.conf", "ostree-1.2.conf.ostree-new", "windows.conf", "ostree--1.2.conf"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, file string) {
		if name, ok := bootloader.ParseMirrorName(file); ok {
			again, ok := bootloader.ParseMirrorName(name)
			require.True(t, ok)
			require.Equal(t, name, again)
		}
	})
}
