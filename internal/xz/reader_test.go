package xz_test

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"
	reference "github.com/ulikunitz/xz"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/internal/xz"
)

const window = 128 << 20

func compress(t *testing.T, data []byte, options ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "xz", append(options, "-c")...)
	cmd.Stdin = bytes.NewReader(data)
	file, err := cmd.Output()
	require.NoError(t, err)
	return file
}

func TestReaderReadsWhatXzWrites(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	data := sample(200_000)
	for _, options := range [][]string{
		{"-0"}, {"-8"}, {"-9e", "--block-size=100000"}, {"-T2", "--block-size=150000"}, {"--lzma2=lc=0,lp=4,pb=1"}, {"--lzma2=lc=4,lp=0,pb=4"},
		{"--check=crc32"}, {"--check=sha256"}, {"--check=none"}, {"--lzma2=dict=4KiB"},
	} {
		file := compress(t, data, options...)
		out, err := io.ReadAll(xz.NewReader(bytes.NewReader(file), window))
		require.NoError(t, err, "%v", options)
		require.True(t, bytes.Equal(data, out), "%v", options)
		out, err = io.ReadAll(xz.NewReader(iotest.OneByteReader(bytes.NewReader(file)), window))
		require.NoError(t, err, "%v", options)
		require.True(t, bytes.Equal(data, out), "%v", options)
	}
	streams := bytes.Join([][]byte{compress(t, data[:1000], "-0"), compress(t, data[1000:]), compress(t, nil)}, make([]byte, 8))
	out, err := io.ReadAll(xz.NewReader(bytes.NewReader(append(streams, 0, 0, 0, 0)), window))
	require.NoError(t, err)
	require.True(t, bytes.Equal(data, out))
}

// TestReaderDropsWhatIsBehindTheDictionary has content many times as long as the buffer.
func TestReaderDropsWhatIsBehindTheDictionary(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	data := bytes.Repeat(sample(1_500_001), 5)
	for _, options := range [][]string{{"-0", "--lzma2=preset=0,dict=4KiB"}, {"-0", "--lzma2=preset=0,dict=64KiB,lp=3,lc=0,pb=4"}} {
		r := xz.NewReader(bytes.NewReader(compress(t, data, options...)), window)
		out, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, out), "%v", options)
		require.LessOrEqual(t, r.Buffered(), 6<<20)
	}
}

func TestReaderRefuses(t *testing.T) {
	t.Parallel()
	data := sample(20_000)
	file, err := xz.Encode(t.Context(), data)
	require.NoError(t, err)
	read := func(file []byte) error {
		_, err := io.Copy(io.Discard, xz.NewReader(bytes.NewReader(file), window))
		return err
	}
	require.NoError(t, read(file))
	for at := 0; at < len(file); at += 41 {
		require.ErrorIs(t, read(file[:at]), xz.ErrCorrupt, "cut at %d", at)
		damaged := bytes.Clone(file)
		damaged[at] ^= 0x41
		require.Error(t, read(damaged), "changed at %d", at)
	}
	require.ErrorIs(t, read(append(bytes.Clone(file), 0, 0, 0)), xz.ErrCorrupt)
	require.ErrorIs(t, read(append(bytes.Clone(file), "text"...)), xz.ErrCorrupt)
	_, err = io.ReadAll(xz.NewReader(bytes.NewReader(file), 1<<10))
	var dictionary *xz.DictionaryError
	require.ErrorAs(t, err, &dictionary)
	broken := errors.New("broken disk")
	_, err = io.ReadAll(xz.NewReader(io.MultiReader(bytes.NewReader(file[:100]), iotest.ErrReader(broken)), window))
	require.ErrorIs(t, err, broken)
}

// TestReaderBombs: what a file claims costs nothing.
func TestReaderBombs(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	small := compress(t, []byte("x"), "--lzma2=dict=1GiB")
	r := xz.NewReader(bytes.NewReader(bytes.Repeat(small, 1000)), 2<<30)
	out, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Equal(t, strings.Repeat("x", 1000), string(out))
	require.LessOrEqual(t, r.Buffered(), 1<<20)
	zeros := compress(t, make([]byte, 50<<20), "-6") // 7 KiB
	r = xz.NewReader(bytes.NewReader(zeros), window)
	n, err := io.Copy(io.Discard, r)
	require.NoError(t, err)
	require.EqualValues(t, 50<<20, n)
	require.LessOrEqual(t, r.Buffered(), 13<<20)
}

// FuzzReader: what is accepted is what another decoder makes of it.
func FuzzReader(f *testing.F) {
	for _, size := range []int{0, 1, 5000} {
		file, err := xz.Encode(f.Context(), sample(size))
		require.NoError(f, err)
		f.Add(file)
		f.Add(append(append(file, 0, 0, 0, 0), file...))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		out, err := io.ReadAll(io.LimitReader(xz.NewReader(bytes.NewReader(file), 1<<24), 1<<22))
		if err != nil || len(out) == 1<<22 {
			return
		}
		r, err := reference.ReaderConfig{DictCap: 1 << 24}.NewReader(bytes.NewReader(file))
		require.NoError(t, err)
		want, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, out))
	})
}
