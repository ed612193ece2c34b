package ostree_test

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
)

// BenchmarkWriteFile stores small files, new ones and known ones.
func BenchmarkWriteFile(b *testing.B) {
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		for _, known := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/known=%v", mode, known), func(b *testing.B) {
				r := newRepo(b, mode)
				update(b, r, func(w *ostree.Writer) error {
					var group errgroup.Group
					group.SetLimit(runtime.GOMAXPROCS(0))
					b.ReportAllocs()
					b.ResetTimer()
					for i := range b.N {
						if known {
							i = 0
						}
						group.Go(func() error {
							content := bytes.Repeat([]byte(fmt.Sprint(i, "\n")), 500)
							_, err := w.WriteFile(b.Context(), plain, bytes.NewReader(content))
							return err
						})
					}
					err := group.Wait()
					b.StopTimer()
					return err
				})
			})
		}
	}
}

// BenchmarkLoadDirTree reads a directory of a thousand files.
func BenchmarkLoadDirTree(b *testing.B) {
	t := &ostree.DirTree{}
	for i := range 1000 {
		t.Files = append(t.Files, ostree.DirTreeFile{Name: fmt.Sprintf("file-%04d", i), Checksum: ostree.Checksum{1}})
	}
	data, err := ostree.EncodeDirTree(t)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ostree.DecodeDirTree(data); err != nil {
			b.Fatal(err)
		}
	}
}
