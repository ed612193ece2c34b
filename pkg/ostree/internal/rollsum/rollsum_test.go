package rollsum_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/rollsum"
)

func noise(seed uint64, n int) []byte {
	r := rand.New(rand.NewPCG(seed, 1))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestMatchSurvivesAnInsertion is what blocks with borders of their own are for.
func TestMatchSurvivesAnInsertion(t *testing.T) {
	t.Parallel()
	old := noise(1, 400_000)
	changed := slices.Concat(old[:150_000], []byte("something new"), old[150_000:])
	matched := 0
	for _, s := range rollsum.Match(old, changed) {
		require.Equal(t, old[s.Old:s.Old+s.Len], changed[s.New:s.New+s.Len])
		matched += s.Len
	}
	require.Greater(t, matched, 300_000)
}

func TestMatchFindsNothingInNoise(t *testing.T) {
	t.Parallel()
	require.Empty(t, rollsum.Match(noise(1, 200_000), noise(2, 200_000)))
}

func TestMatchIsTrue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		old := noise(rapid.Uint64().Draw(t, "seed"), rapid.IntRange(0, 100_000).Draw(t, "size"))
		cut := rapid.IntRange(0, len(old)).Draw(t, "cut")
		changed := slices.Concat(old[cut:], old[:cut])
		end := 0
		for _, s := range rollsum.Match(old, changed) {
			require.GreaterOrEqual(t, s.New, end)
			require.Equal(t, old[s.Old:s.Old+s.Len], changed[s.New:s.New+s.Len])
			end = s.New + s.Len
		}
	})
}

// TestNextAlwaysAdvances also where the content has no borders.
func TestNextAlwaysAdvances(t *testing.T) {
	t.Parallel()
	zeros := make([]byte, 1<<20)
	n := rollsum.Next(zeros)
	require.Positive(t, n)
	require.Less(t, n, len(zeros))
	require.Equal(t, 1, rollsum.Next(zeros[:1]))
}
