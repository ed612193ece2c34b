package inflate_test

import (
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/internal/inflate"
)

// samples are contents of every kind.
func samples(t testing.TB) map[string][]byte {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // it must be the same every time
	noise := make([]byte, 200_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	skewed := make([]byte, 300_000)
	for i := range skewed {
		skewed[i] = byte(r.ExpFloat64() * 10)
	}
	far := append(append(bytes.Clone(noise[:32<<10]), noise[:32<<10]...), noise[:5]...)
	source, err := os.ReadFile("codes.go")
	require.NoError(t, err)
	return map[string][]byte{
		"empty": {}, "one": {'x'}, "same": bytes.Repeat([]byte{0}, 1<<20), "pairs": bytes.Repeat([]byte("ab"), 100_000),
		"sevens": bytes.Repeat([]byte("abcdefg"), 30_000), "noise": noise, "skewed": skewed, "far": far,
		"text": bytes.Repeat(source, 40), "source": source,
	}
}

func compress(t testing.TB, data []byte, level int) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, level)
	require.NoError(t, err)
	_, err = w.Write(data)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func TestReader(t *testing.T) {
	t.Parallel()
	reader := inflate.NewReader()
	for name, want := range samples(t) {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 6, 9} {
			data := append(compress(t, want, level), "rest"...)
			for _, read := range []struct {
				in  int
				out func(io.Reader) io.Reader
			}{
				{16, func(r io.Reader) io.Reader { return r }},
				{64 << 10, func(r io.Reader) io.Reader { return bufio.NewReaderSize(r, 100_000) }},
				{4096, func(r io.Reader) io.Reader { return bufio.NewReaderSize(r, 70_001) }},
				{4096, iotest.HalfReader},
			} {
				src := bufio.NewReaderSize(bytes.NewReader(data), read.in)
				reader.Reset(src)
				got, err := io.ReadAll(read.out(reader))
				require.NoError(t, err, "%s %d", name, level)
				require.True(t, bytes.Equal(want, got), "%s %d", name, level)
				rest, err := io.ReadAll(src)
				require.NoError(t, err)
				require.Equal(t, "rest", string(rest))
			}
		}
	}
}

func TestReadIntoTheExactSize(t *testing.T) {
	t.Parallel()
	want := samples(t)["text"]
	reader := inflate.NewReader()
	reader.Reset(bufio.NewReader(bytes.NewReader(compress(t, want, 6))))
	got := make([]byte, len(want))
	n, err := io.ReadFull(reader, got)
	require.NoError(t, err)
	require.Equal(t, len(want), n)
	require.True(t, bytes.Equal(want, got))
	_, err = reader.Read(got)
	require.ErrorIs(t, err, io.EOF)
}

func TestErrorsOfTheSource(t *testing.T) {
	t.Parallel()
	data := compress(t, samples(t)["text"], 6)
	failure := errors.New("failure")
	reader := inflate.NewReader()
	for _, n := range []int{0, 1, 2, 100, len(data) - 1} {
		reader.Reset(bufio.NewReader(bytes.NewReader(data[:n])))
		_, err := io.Copy(io.Discard, reader)
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		reader.Reset(bufio.NewReader(io.MultiReader(bytes.NewReader(data[:n]), iotest.ErrReader(failure))))
		_, err = io.Copy(io.Discard, reader)
		require.ErrorIs(t, err, failure)
	}
}

func TestCorrupt(t *testing.T) {
	t.Parallel()
	reader := inflate.NewReader()
	for name, data := range map[string]string{
		"kind":             "\x07",
		"stored size":      "\x01\x01\x00\x00\x00x",
		"before the start": "\x4b\x04\x22\x00", // fixed codes: "a", and a match of distance 2
		"too many codes":   "\xfd\xff\xff\xff",
	} {
		reader.Reset(bufio.NewReader(strings.NewReader(data + strings.Repeat("\x00", 40))))
		_, err := io.Copy(io.Discard, reader)
		var corrupt *inflate.CorruptError
		require.ErrorAs(t, err, &corrupt, name)
		require.ErrorContains(t, err, "offset")
	}
}

// same compares with compress/flate.
func same(t *testing.T, data []byte, buffer int) {
	t.Helper()
	want, wantErr := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), 1<<20))
	reader := inflate.NewReader()
	reader.Reset(bufio.NewReaderSize(bytes.NewReader(data), 16))
	got, gotErr := io.ReadAll(bufio.NewReaderSize(io.LimitReader(reader, 1<<20), buffer))
	require.Equal(t, wantErr == nil, gotErr == nil, "%v, %v", wantErr, gotErr)
	require.Equal(t, errors.Is(wantErr, io.ErrUnexpectedEOF), errors.Is(gotErr, io.ErrUnexpectedEOF), "%v, %v", wantErr, gotErr)
	if wantErr == nil {
		require.True(t, bytes.Equal(want, got))
		return
	}
	n := min(len(want), len(got))
	require.True(t, bytes.Equal(want[:n], got[:n]))
}

// TestDamaged flips bits, so that almost everything in the decoder meets data
// that makes no sense.
func TestDamaged(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // it must be the same every time
	data := compress(t, samples(t)["source"], 6)
	for range 300 {
		damaged := bytes.Clone(data)
		for range 1 + r.IntN(3) {
			damaged[r.IntN(min(len(damaged), 300))] ^= 1 << r.IntN(8)
		}
		same(t, damaged, 1+r.IntN(100_000))
	}
}

func FuzzReader(f *testing.F) {
	for _, data := range samples(f) {
		for _, level := range []int{flate.HuffmanOnly, 0, 1, 9} {
			f.Add(compress(f, data[:min(len(data), 5000)], level), uint32(100_000))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, buffer uint32) { same(t, data, 1+int(buffer%200_000)) })
}

func BenchmarkReader(b *testing.B) {
	source, err := os.ReadFile("/proc/self/exe")
	require.NoError(b, err)
	source = source[:min(len(source), 4<<20)]
	data := compress(b, source, 6)
	out := make([]byte, 128<<10)
	b.Run("ours", func(b *testing.B) {
		reader := inflate.NewReader()
		src := bufio.NewReaderSize(nil, 32<<10)
		b.SetBytes(int64(len(source)))
		for b.Loop() {
			src.Reset(bytes.NewReader(data))
			reader.Reset(src)
			for err = nil; err == nil; {
				_, err = reader.Read(out)
			}
			require.ErrorIs(b, err, io.EOF)
		}
	})
	b.Run("standard", func(b *testing.B) {
		b.SetBytes(int64(len(source)))
		reader := flate.NewReader(nil)
		for b.Loop() {
			require.NoError(b, reader.(flate.Resetter).Reset(bufio.NewReaderSize(bytes.NewReader(data), 32<<10), nil))
			for err = nil; err == nil; {
				_, err = reader.Read(out)
			}
		}
	})
}
