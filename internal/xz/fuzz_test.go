package xz_test

import (
	"bytes"
	"fmt"
	"io"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz/lzma"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// FuzzDecodeLZMA2: what is accepted is what another decoder makes of it.
func FuzzDecodeLZMA2(f *testing.F) {
	for _, content := range []string{"", "a", "hello hello hello hello hello", string(bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9}, 300))} {
		for _, props := range []lzma.Properties{{LC: 3, LP: 0, PB: 2}, {LC: 0, LP: 4, PB: 0}, {LC: 4, LP: 0, PB: 4}} {
			var b bytes.Buffer
			w, err := lzma.Writer2Config{Properties: &props}.NewWriter2(&b)
			require.NoError(f, err)
			_, err = io.WriteString(w, content)
			require.NoError(f, err)
			require.NoError(f, w.Close())
			f.Add(b.Bytes(), uint16(len(content)))
		}
	}
	f.Add([]byte("\x01\x00\x02abc\x02\x00\x01de\x00"), uint16(5))
	f.Fuzz(func(t *testing.T, src []byte, size uint16) {
		dst := make([]byte, size)
		n, err := xz.DecodeLZMA2(dst, src)
		if err != nil {
			require.ErrorIs(t, err, xz.ErrCorrupt)
			return
		}
		require.LessOrEqual(t, n, len(src))
		r, err := lzma.NewReader2(bytes.NewReader(src[:n]))
		require.NoError(t, err)
		want, err := io.ReadAll(r)
		require.NoError(t, err)
		require.Equal(t, want, dst)
	})
}

// FuzzReaderAgreesWithXz: what the peer writes is read, and of a damaged file both think the same.
func FuzzReaderAgreesWithXz(f *testing.F) {
	testenv.Need(f, testenv.Tool("xz"))
	for i, size := range []int{0, 1, 300, 20_000} {
		f.Add(sample(size), uint32(i)<<8|uint32(i)*77, uint32(size/5), byte(1))
	}
	f.Add(bytes.Repeat([]byte("0123456789abcdefghijklmnopqrstuvwxyz"), 100), uint32(0x1234567), uint32(40), byte(0x80))
	f.Fuzz(func(t *testing.T, content []byte, choice, at uint32, change byte) {
		lc := choice % 5
		options := []string{
			"--check=" + []string{"none", "crc32", "crc64", "sha256"}[choice>>4%4],
			fmt.Sprintf("--lzma2=preset=%d,dict=64KiB,lc=%d,lp=%d,pb=%d", choice>>8%10, lc, choice>>12%(5-lc), choice>>16%5),
		}
		if choice>>20%2 == 1 {
			options = append(options, fmt.Sprintf("--block-size=%d", 1000+choice>>21))
		}
		file := compress(t, content, options...)
		out, err := io.ReadAll(xz.NewReader(bytes.NewReader(file), window))
		require.NoError(t, err)
		require.True(t, bytes.Equal(content, out))
		file[int(at)%len(file)] ^= change
		cmd := exec.CommandContext(t.Context(), "xz", "-dc", "--format=xz")
		cmd.Stdin = bytes.NewReader(file)
		want, peer := cmd.Output()
		out, err = io.ReadAll(xz.NewReader(bytes.NewReader(file), window))
		require.Equal(t, peer == nil, err == nil, "peer: %v, ours: %v", peer, err)
		if err == nil {
			require.True(t, bytes.Equal(want, out))
		}
		_, err = io.Copy(io.Discard, xz.NewReader(bytes.NewReader(file[:int(at)%len(file)]), window))
		require.Error(t, err, "cut")
	})
}
