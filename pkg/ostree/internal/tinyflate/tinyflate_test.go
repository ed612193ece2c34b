package tinyflate_test

import (
	"bytes"
	"compress/flate"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/tinyflate"
)

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		// Few different bytes make many matches, of all lengths and distances.
		letters := rapid.SliceOfN(rapid.ByteRange(0, rapid.SampledFrom([]byte{0, 1, 3, 255}).Draw(t, "letters")), 0, tinyflate.MaxSize)
		data := letters.Draw(t, "data")
		back, err := io.ReadAll(flate.NewReader(bytes.NewReader(tinyflate.Append(nil, data))))
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, back))
	})
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"":                        2,
		"moo\n":                   6, // as zlib does it
		strings.Repeat("a", 4096): 30,
	} {
		packed := tinyflate.Append([]byte("x"), []byte(text))
		require.Equal(t, byte('x'), packed[0])
		require.LessOrEqual(t, len(packed)-1, want, text)
	}
	require.Equal(t, []byte{0x03, 0}, tinyflate.Append(nil, nil))
}

func BenchmarkAppend(b *testing.B) {
	data := []byte(strings.Repeat("the quick brown fox jumps over the lazy dog\n", 5))
	for b.Loop() {
		tinyflate.Append(nil, data)
	}
}
