package ostree_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// benchFiles is how many files the benchmarks' tree has; sizes are like those
// of /usr/share, most are a few kilobytes.
const benchFiles = 3000

func benchDir(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	r := rand.New(rand.NewPCG(1, 1))
	for i := range benchFiles {
		sub := filepath.Join(dir, fmt.Sprintf("d%d/e%d", i%40, i%7))
		require.NoError(b, os.MkdirAll(sub, 0o755))
		data := make([]byte, 1<<(6+r.IntN(10)))
		for j := range data {
			data[j] = byte(r.IntN(64))
		}
		require.NoError(b, os.WriteFile(filepath.Join(sub, fmt.Sprint(i)), data, 0o644))
	}
	return dir
}

func benchCommit(b *testing.B, r *ostree.Repo, dir string) ostree.Checksum {
	b.Helper()
	var c ostree.Checksum
	require.NoError(b, r.Update(b.Context(), func(w *ostree.Writer) error {
		id, err := addTree(b.Context(), w, dir, ostree.AddOptions{})
		if err != nil {
			return err
		}
		c, err = w.WriteCommit(b.Context(), ostree.Commit{Timestamp: ostreetest.Timestamp(), Tree: id})
		return err
	}))
	return c
}

func BenchmarkCommitNew(b *testing.B) {
	dir := benchDir(b)
	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		b.Run(mode.String(), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				r := ostreetest.Repo(b, mode)
				b.StartTimer()
				benchCommit(b, r, dir)
			}
		})
	}
}

func BenchmarkCommitUnchanged(b *testing.B) {
	dir := benchDir(b)
	r := ostreetest.Repo(b, ostree.ModeBareUser)
	benchCommit(b, r, dir)
	for b.Loop() {
		benchCommit(b, r, dir)
	}
}

func BenchmarkCheckoutByHardLink(b *testing.B) {
	r := ostreetest.Repo(b, ostree.ModeBareUser)
	c := benchCommit(b, r, benchDir(b))
	for b.Loop() {
		b.StopTimer()
		dst := filepath.Join(b.TempDir(), "dst")
		b.StartTimer()
		require.NoError(b, r.Checkout(b.Context(), c, dst, ostree.CheckoutOptions{UserMode: true, RequireHardlinks: true}))
		b.StopTimer()
		require.NoError(b, fsx.RemoveAll(dst))
		b.StartTimer()
	}
}

func BenchmarkFsck(b *testing.B) {
	r := ostreetest.Repo(b, ostree.ModeBareUser)
	benchCommit(b, r, benchDir(b))
	for b.Loop() {
		_, err := r.Fsck(b.Context(), ostree.FsckOptions{})
		require.NoError(b, err)
	}
}
