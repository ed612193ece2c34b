package ostree_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/gvariant"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// inlineDelta makes a repository with two commits and the static delta between
// them, in one file.
func inlineDelta(t testing.TB) (r *ostree.Repo, superblock []byte) {
	t.Helper()
	r = ostreetest.Repo(t, ostree.ModeArchive)
	before, after := deltaTrees()
	from := ostreetest.Commit(t, r, "main", before)
	to := ostreetest.Commit(t, r, "main", after)
	file := filepath.Join(t.TempDir(), "delta")
	_, err := r.GenerateDelta(t.Context(), from, to, ostree.DeltaOptions{Inline: true, File: file})
	require.NoError(t, err)
	superblock, err = os.ReadFile(file)
	require.NoError(t, err)
	return r, superblock
}

// FuzzSuperblock: a superblock gives an error or can be described.
func FuzzSuperblock(f *testing.F) {
	_, superblock := inlineDelta(f)
	f.Add(superblock)
	// The same, signed.
	f.Add(gvariant.Tuple(gvariant.Uint64(0x54444e475354534f), gvariant.Bytes(superblock), gvariant.Dict(
		gvariant.Entry{Key: "ostree.sign.dummy", Value: gvariant.Array("ay", gvariant.Bytes([]byte("key")))})).Data())
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = ostree.CheckSuperblock(t.Context(), data)
	})
}

// FuzzDeltaPart: a part that was tampered with makes none of the objects that it
// should, or all of them.
func FuzzDeltaPart(f *testing.F) {
	src, superblock := inlineDelta(f)
	objects, part, err := ostree.OpenDeltaPart(superblock, 0)
	require.NoError(f, err)
	require.NotEmpty(f, objects)
	f.Add(part)
	r := fuzzRepo(f)
	// It has what the delta starts from.
	from, err := src.Resolve(f.Context(), "main^")
	require.NoError(f, err)
	require.NoError(f, ostree.ImportCommit(f.Context(), r, src, from))
	errBack := errors.New("nothing is to stay")
	f.Fuzz(func(t *testing.T, part []byte) {
		err := r.Update(t.Context(), func(w *ostree.Writer) error {
			if err := ostree.CookDeltaPart(t.Context(), w, objects, part); err != nil {
				return errBack
			}
			for _, n := range objects {
				ok, err := w.Has(t.Context(), n)
				require.NoError(t, err)
				require.True(t, ok, n)
			}
			return errBack
		})
		require.ErrorIs(t, err, errBack)
	})
}

// TestDeltaPartWithManySteps: operations that take three bytes each must not
// take up a multiple of that in memory.
func TestDeltaPartWithManySteps(t *testing.T) {
	const steps = 300_000
	ops := []byte{'o', 0, 0}
	ops = append(ops, 0x80|steps&0x7f, 0x80|steps>>7&0x7f, steps>>14) // the size of the file
	for range steps {
		ops = append(ops, 'w', 1, 0)
	}
	ops = append(ops, 'c')
	part := gvariant.Tuple(
		gvariant.Array("(uuu)", gvariant.Tuple(gvariant.Uint32(0), gvariant.Uint32(0), gvariant.Uint32(0xa4810000))),
		gvariant.Array("a(ayay)", gvariant.Array("(ayay)")),
		gvariant.Bytes([]byte("x")), gvariant.Bytes(ops),
	).Data()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	require.NoError(t, ostree.ReadDeltaPart([]ostree.ObjectName{{Type: ostree.ObjectFile}}, part))
	runtime.ReadMemStats(&after)
	require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(1<<20))
}
