package xz_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/ulikunitz/xz/lzma"

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
