package assemble_test

import (
	"compress/gzip"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/txn/assemble"
)

// A tree with initramfs-tools instead of dracut gets its initramfs from that, with what mounts a deployment, and the
// same one each time.
func TestComposeBootableWithInitramfsTools(t *testing.T) {
	needAll(t)
	s := debianSet(t, "usr-is-merged", "linux-image-cloud-amd64", "initramfs-tools", "ostree-boot", "ostree", "udev")
	in := assemble.Input{
		Repo: newRepo(t, ostree.ModeBare), Batches: s.batches(t), Debs: s.debs, Timestamp: epoch, Runner: jail(t), LogDir: t.TempDir(), Logger: logger(t),
		Initramfs: true, InitramfsArgs: []string{"-c", "gzip"}, ExcludeDocs: true,
	}
	result, err := assemble.Build(t.Context(), in)
	require.NoError(t, err)
	name := "usr/lib/modules/" + result.Kernel + "/initramfs.img"
	first := file(t, in.Repo, result.Commit, name)
	unpacked, err := gzip.NewReader(strings.NewReader(first))
	require.NoError(t, err)
	archive, err := io.ReadAll(unpacked)
	require.NoError(t, err)
	for _, want := range []string{"usr/lib/ostree/ostree-prepare-root\x00", "scripts/local-bottom/ostree\x00", "ext4.ko"} {
		require.Contains(t, string(archive), want)
	}

	in.Repo = newRepo(t, ostree.ModeBare)
	again, err := assemble.Build(t.Context(), in)
	require.NoError(t, err)
	require.True(t, first == file(t, in.Repo, again.Commit, name), "the same initramfs again")
}
