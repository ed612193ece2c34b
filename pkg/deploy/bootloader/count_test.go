package bootloader_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootloader"
)

// A block that GRUB would not take either is no counter, and no error: it must not keep a system from
// being assessed.
func TestGRUBTries(t *testing.T) {
	t.Parallel()
	block := func(text string) string {
		text = "# GRUB Environment Block\n" + text
		return text + strings.Repeat("#", 1024-len(text))
	}
	for name, c := range map[string]struct {
		text    string
		left    int
		counted bool
	}{
		"counted":   {block("ostree_tries=2\n"), 2, true},
		"run out":   {block("other=1\nostree_tries=0\n"), 0, true},
		"good":      {block("ostree_tries=\n"), 0, false},
		"other":     {block("saved_entry=x\n"), 0, false},
		"no number": {block("ostree_tries=x\n"), 0, false},
		"short":     {"ostree_tries=2\n", 0, false},
		"empty":     {"", 0, false},
	} {
		boot := t.TempDir()
		put(t, boot+"/loader/grubenv", c.text)
		left, counted, err := bootloader.GRUB{}.Tries(bootloader.Config{Boot: boot})
		require.NoError(t, err, name)
		require.Equal(t, c.left, left, name)
		require.Equal(t, c.counted, counted, name)
	}
	_, counted, err := bootloader.GRUB{}.Tries(bootloader.Config{Boot: t.TempDir()})
	require.NoError(t, err)
	require.False(t, counted)
}
