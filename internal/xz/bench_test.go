package xz_test

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
	reference "github.com/ulikunitz/xz"

	"github.com/apt-ostree/apt-ostree/internal/testenv"
	"github.com/apt-ostree/apt-ostree/internal/xz"
)

// program is a real program, this one, as packages have it compressed, and its size.
func program(b *testing.B) (file []byte, size int64) {
	b.Helper()
	testenv.Need(b, testenv.Tool("xz"))
	path, err := os.Executable()
	require.NoError(b, err)
	info, err := os.Stat(path)
	require.NoError(b, err)
	file, err = exec.CommandContext(b.Context(), "xz", "-6", "-T1", "-c", path).Output()
	require.NoError(b, err)
	return file, info.Size()
}

// BenchmarkReader compares with another decoder in Go, and with one in C that runs as
// a process of its own.
func BenchmarkReader(b *testing.B) {
	file, size := program(b)
	for _, decoder := range []struct {
		name   string
		decode func(b *testing.B) error
	}{
		{"ours", func(*testing.B) error {
			_, err := io.Copy(io.Discard, xz.NewReader(bytes.NewReader(file), window))
			return err
		}},
		{"ulikunitz", func(*testing.B) error {
			r, err := reference.NewReader(bytes.NewReader(file))
			if err == nil {
				_, err = io.Copy(io.Discard, r)
			}
			return err
		}},
		{"xz", func(b *testing.B) error {
			cmd := exec.CommandContext(b.Context(), "xz", "-dc", "-T1")
			cmd.Stdin = bytes.NewReader(file)
			return cmd.Run()
		}},
	} {
		b.Run(decoder.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				require.NoError(b, decoder.decode(b))
			}
		})
	}
}
