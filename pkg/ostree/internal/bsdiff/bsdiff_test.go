package bsdiff_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/bsdiff"
)

func roundTrip(t require.TestingT, before, after []byte) []byte {
	matches := new(bsdiff.Differ).Diff(before, after)
	end := 0
	for _, m := range matches {
		require.GreaterOrEqual(t, m.New, end)
		require.Positive(t, m.Len)
		require.LessOrEqual(t, m.Old+m.Len, len(before))
		end = m.New + m.Len
	}
	require.LessOrEqual(t, end, len(after))
	patch := bsdiff.AppendPatch(nil, before, after, matches)
	require.LessOrEqual(t, len(patch), bsdiff.PatchSize(len(after), matches))
	got, err := io.ReadAll(bsdiff.NewReader(bytes.NewReader(before), patch, int64(len(after))))
	require.NoError(t, err)
	require.True(t, bytes.Equal(after, got))
	return patch
}

// edited is a file of random bytes of few values, and a version of it in which
// stretches are inserted, removed, moved and changed.
func edited(t *rapid.T) (before, after []byte) {
	rnd := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	values := rapid.SampledFrom([]int{1, 2, 4, 256}).Draw(t, "values")
	random := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(rnd.IntN(values) * 31)
		}
		return b
	}
	before = random(rapid.IntRange(0, 3000).Draw(t, "size"))
	after = bytes.Clone(before)
	for range rapid.IntRange(0, 8).Draw(t, "edits") {
		a, b := rnd.IntN(len(after)+1), rnd.IntN(len(after)+1)
		a, b = min(a, b), max(a, b)
		switch rnd.IntN(4) {
		case 0:
			after = append(after[:a:a], append(random(rnd.IntN(100)), after[a:]...)...)
		case 1:
			after = append(after[:a:a], after[b:]...)
		case 2:
			after = append(bytes.Clone(after[b:]), after[:b]...)
		default:
			for i := a; i < b; i += 1 + rnd.IntN(40) {
				after[i] += byte(rnd.IntN(256))
			}
		}
	}
	return before, after
}

func TestPatchMakesTheNewFile(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before, after := edited(t)
		roundTrip(t, before, after)
	})
}

func TestPatchOfChangedBytesIsMostlyZero(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 1))
	before := make([]byte, 100_000)
	for i := range before {
		before[i] = byte(rnd.IntN(256))
	}
	after := append([]byte("a new header"), before...)
	for i := 50; i < len(after); i += 97 { // as addresses in a program
		after[i]++
	}
	patch := roundTrip(t, before, after)
	require.Less(t, len(patch), len(after)+5*24, "a handful of stretches")
	require.Greater(t, bytes.Count(patch, []byte{0}), len(after)*98/100)
}

func TestReaderInSmallPieces(t *testing.T) {
	t.Parallel()
	before, after := []byte("the quick brown fox jumps over the lazy dog"), []byte("the lazy dog jumps over the quick brown fox!")
	patch := bsdiff.AppendPatch(nil, before, after, new(bsdiff.Differ).Diff(before, after))
	r := bsdiff.NewReader(bytes.NewReader(before), patch, int64(len(after)))
	got, err := io.ReadAll(iotest.OneByteReader(r))
	require.NoError(t, err)
	require.Equal(t, string(after), string(got))
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	before, after := []byte("abcdefgh abcdefgh"), []byte("abcdefgh ABCDEFGH abcdefgh")
	good := bsdiff.AppendPatch(nil, before, after, new(bsdiff.Differ).Diff(before, after))
	read := func(patch []byte, size int) error {
		_, err := io.ReadAll(bsdiff.NewReader(bytes.NewReader(before), patch, int64(size)))
		return err
	}
	require.NoError(t, read(good, len(after)))
	require.ErrorIs(t, read(good, len(after)-1), bsdiff.ErrCorrupt)
	require.ErrorIs(t, read(good, len(after)+1), bsdiff.ErrCorrupt)
	require.ErrorIs(t, read(append(good, 0), len(after)), bsdiff.ErrCorrupt)
	for i := range good {
		require.ErrorIs(t, read(good[:i], len(after)), bsdiff.ErrCorrupt, "%d", i)
	}
	negative := bytes.Clone(good)
	negative[7] = 0x80
	negative[0] = 1
	require.ErrorIs(t, read(negative, len(after)), bsdiff.ErrCorrupt)
}

func FuzzReader(f *testing.F) {
	before, after := []byte("abcdefgh abcdefgh"), []byte("abcdefgh ABCDEFGH abcdefgh")
	f.Add(before, bsdiff.AppendPatch(nil, before, after, new(bsdiff.Differ).Diff(before, after)), int64(len(after)))
	f.Add(before, []byte{}, int64(0))
	f.Fuzz(func(t *testing.T, old, patch []byte, size int64) {
		got, err := io.ReadAll(bsdiff.NewReader(bytes.NewReader(old), patch, max(0, size)))
		if err == nil {
			require.Len(t, got, int(max(0, size)))
		} else {
			require.ErrorIs(t, err, bsdiff.ErrCorrupt)
		}
	})
}
