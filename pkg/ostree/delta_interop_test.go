package ostree_test

import (
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/pkg/ostree"
	"github.com/apt-ostree/apt-ostree/pkg/ostree/ostreetest"
)

// similar returns versions of one file: a patch between them is small, and the
// parts that are equal are large enough for a rolling checksum.
func similar(size int, edits ...string) string {
	rnd := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(rnd.IntN(20))
	}
	for i, edit := range edits {
		at := (i + 1) * size / (len(edits) + 1)
		b = append(b[:at:at], append([]byte(edit), b[at:]...)...)
	}
	return string(b)
}

// deltaTrees are two versions of a tree that differ in all ways that deltas
// treat differently. In a short run the large file just has enough for a rolling
// checksum: compressing it is most of what the tests of deltas take.
func deltaTrees() (before, after ostreetest.Tree) {
	large := 200_000
	if testing.Short() {
		large = 80_000
	}
	before = ostreetest.Full().With(ostreetest.Tree{
		"usr/lib/large":   ostreetest.File(similar(large)),
		"usr/lib/rebuilt": ostreetest.File(similar(30_000)).Owner(5, 6),
		"usr/lib/gone":    ostreetest.File("gone"),
	})
	after = before.Without("usr/lib/gone").With(ostreetest.Tree{
		"usr/lib/large":   ostreetest.File(similar(large, "one", "two")).Xattr("user.x", "y"),
		"usr/lib/rebuilt": ostreetest.File(similar(30_000, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l")).Owner(5, 6),
		"usr/lib/new":     ostreetest.File(similar(5_000, "new")).Perm(0o4711),
		"usr/lib/empty2":  ostreetest.File("").Perm(0o600),
		"usr/lib/link":    ostreetest.Link("new").Owner(1, 2),
		"usr/new/dir":     ostreetest.Dir().Perm(0o1777),
	})
	return before, after
}

func TestApplyDeltaOfTheTool(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	before, after := deltaTrees()
	src := newRepo(t, ostree.ModeArchive)
	from := ostreetest.Commit(t, src, "main", before)
	to := ostreetest.Commit(t, src, "main", after)
	name := ostree.DeltaName{From: from, To: to}
	tool(t, src, "static-delta", "generate", "main")
	tool(t, src, "static-delta", "generate", "--empty", "main")
	single := filepath.Join(t.TempDir(), "single")
	tool(t, src, "static-delta", "generate", "main", "--inline", "--swap-endianness", "--filename="+single)

	for _, mode := range []ostree.Mode{ostree.ModeBareUser, ostree.ModeArchive} {
		for what, path := range map[string]string{
			"parts":   filepath.Join(src.Path(), name.Path()),
			"nothing": filepath.Join(src.Path(), ostree.DeltaName{To: to}.Path()),
			"single":  single,
		} {
			t.Run(mode.String()+"/"+what, func(t *testing.T) {
				t.Parallel()
				dst := newRepo(t, mode)
				if what != "nothing" {
					_, err := dst.ApplyDelta(t.Context(), path, ostree.ApplyDeltaOptions{})
					require.ErrorAs(t, err, new(*ostree.DeltaSourceError))
					require.NoError(t, ostree.ImportCommit(t.Context(), dst, src, from))
				}
				_, err := dst.ApplyDelta(t.Context(), path, ostree.ApplyDeltaOptions{})
				require.NoError(t, err)
				tool(t, dst, "fsck", "--quiet")
				require.Equal(t, tool(t, src, "ls", "-RCX", to.String()), tool(t, dst, "ls", "-RCX", to.String()))
			})
		}
	}
}

func TestToolAppliesOurDelta(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("ostree"))
	before, after := deltaTrees()
	for _, mode := range []ostree.Mode{ostree.ModeArchive, ostree.ModeBareUser} {
		src := newRepo(t, mode)
		from := ostreetest.Commit(t, src, "main", before)
		to := ostreetest.Commit(t, src, "main", after)
		for what, opts := range map[string]ostree.DeltaOptions{
			"default":     {},
			"inline":      {Inline: true},
			"many parts":  {MaxPart: 10_000},
			"swapped":     {BigEndian: true, MinFallback: -1},
			"not patched": {MaxPatched: -1},
		} {
			for _, start := range []ostree.Checksum{from, {}} {
				t.Run(mode.String()+"/"+what+"/"+strconv.FormatBool(start.IsZero()), func(t *testing.T) {
					t.Parallel()
					opts := opts
					opts.File = filepath.Join(t.TempDir(), "delta")
					report, err := src.GenerateDelta(t.Context(), start, to, opts)
					require.NoError(t, err)
					if start == from && what == "default" {
						require.Equal(t, []int{1, 1}, []int{report.Copied, report.Patched})
					}
					theirs, ours := newRepo(t, ostree.ModeBareUser), newRepo(t, ostree.ModeBareUser)
					for _, r := range []*ostree.Repo{theirs, ours} {
						if start == from {
							require.NoError(t, ostree.ImportCommit(t.Context(), r, src, from))
						}
					}
					tool(t, theirs, "static-delta", "apply-offline", opts.File)
					_, err = ours.ApplyDelta(t.Context(), opts.File, ostree.ApplyDeltaOptions{})
					require.NoError(t, err)
					for _, r := range []*ostree.Repo{theirs, ours} {
						tool(t, r, "fsck", "--quiet")
						require.Equal(t, tool(t, src, "ls", "-RCX", to.String()), tool(t, r, "ls", "-RCX", to.String()))
					}
				})
			}
		}
	}
}
