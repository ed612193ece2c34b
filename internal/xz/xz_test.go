package xz_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	reference "github.com/ulikunitz/xz"
	"pgregory.net/rapid"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// sample is data of several kinds: runs, text that repeats itself, noise.
func sample(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	for b.Len() < size {
		switch r.IntN(4) {
		case 0:
			b.Write(make([]byte, r.IntN(3000)))
		case 1:
			for range r.IntN(200) {
				fmt.Fprintf(&b, "usr/lib/module-%d/%x\n", r.IntN(50), r.IntN(1000))
			}
		case 2:
			for range r.IntN(3000) {
				b.WriteByte(byte(r.Uint32()))
			}
		case 3:
			if all := b.Bytes(); len(all) > 0 {
				from := r.IntN(len(all))
				b.Write(bytes.Clone(all[from:min(len(all), from+r.IntN(5000))]))
			}
		}
	}
	return b.Bytes()[:size]
}

func decode(t require.TestingT, file []byte) []byte {
	n, err := xz.Size(file)
	require.NoError(t, err)
	out := make([]byte, n)
	require.NoError(t, xz.Decode(out, file))
	return out
}

func TestDecodeWhatXzWrites(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	data := sample(250_000)
	for _, options := range [][]string{
		{"-0"}, {"-8"}, {"-9e", "--block-size=100000"}, {"--lzma2=lc=0,lp=4,pb=1"}, {"--check=crc32"}, {"--check=sha256"},
	} {
		cmd := exec.CommandContext(t.Context(), "xz", append(options, "-c")...)
		cmd.Stdin = bytes.NewReader(data)
		file, err := cmd.Output()
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, decode(t, file)), "%v", options)
	}
}

func TestXzReadsWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	testenv.Need(t, testenv.Tool("xz"))
	for _, size := range []int{0, 1, 200_000, 4<<20 + 1} {
		data := sample(min(size, 200_000))
		data = append(data, make([]byte, size-len(data))...) // a second block, quickly
		file, err := xz.Encode(t.Context(), data)
		require.NoError(t, err)
		cmd := exec.CommandContext(t.Context(), "xz", "-dc")
		cmd.Stdin = bytes.NewReader(file)
		out, err := cmd.Output()
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, out), "%d bytes", size)
		require.True(t, bytes.Equal(data, decode(t, file)), "%d bytes", size)
	}
}

func TestDecodeWhatEncodeWrites(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		piece := rapid.SliceOfN(rapid.Byte(), 1, 300)
		pieces := rapid.SliceOfN(piece, 1, 5).Draw(t, "pieces")
		var data []byte
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(pieces)-1), 0, 400).Draw(t, "order") {
			data = append(data, pieces[i]...)
		}
		file, err := xz.Encode(t.Context(), data)
		require.NoError(t, err)
		require.True(t, bytes.Equal(data, decode(t, file)))
	})
}

// TestDecodeRefusesDamage changes and cuts a file at many places.
func TestDecodeRefusesDamage(t *testing.T) {
	t.Parallel()
	data := sample(20_000)
	file, err := xz.Encode(t.Context(), data)
	require.NoError(t, err)
	read := func(file []byte) error {
		n, err := xz.Size(file)
		if err != nil {
			return err
		}
		if n > 1<<20 {
			return xz.ErrCorrupt // who calls has a limit
		}
		return xz.Decode(make([]byte, n), file)
	}
	for at := 0; at < len(file); at += 37 {
		require.ErrorIs(t, read(file[:at]), xz.ErrCorrupt, "cut at %d", at)
		damaged := bytes.Clone(file)
		damaged[at] ^= 0x41
		require.ErrorIs(t, read(damaged), xz.ErrCorrupt, "changed at %d", at)
	}
}

// FuzzDecode compares with another decoder: what we accept it reads alike.
func FuzzDecode(f *testing.F) {
	for _, size := range []int{0, 1, 5000} {
		file, err := xz.Encode(f.Context(), sample(size))
		require.NoError(f, err)
		f.Add(file)
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		n, err := xz.Size(file)
		if err != nil || n > 1<<20 {
			return
		}
		out := make([]byte, n)
		if xz.Decode(out, file) != nil {
			return
		}
		r, err := reference.NewReader(bytes.NewReader(file))
		require.NoError(t, err)
		want, err := io.ReadAll(r)
		require.NoError(t, err)
		require.True(t, bytes.Equal(want, out))
	})
}

func BenchmarkDecode(b *testing.B) {
	data := sample(4 << 20)
	file, err := xz.Encode(b.Context(), data)
	require.NoError(b, err)
	out := make([]byte, len(data))
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		require.NoError(b, xz.Decode(out, file))
	}
}
