package archive_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/archive"
)

const contents = `This file maps each file to the package it is in.

FILE                                                    LOCATION
bin/ls                                                  utils/coreutils
usr/bin/vim						editors/vim,editors/vim-tiny
usr/share/a file with  blanks                           misc/odd
nothing
`

func scan(t *testing.T, text, literal string) ([]string, error) {
	t.Helper()
	var found []string
	err := archive.ScanContents(t.Context(), strings.NewReader(text), []byte(literal), func(file, packages []byte) bool {
		found = append(found, string(file)+"|"+string(packages))
		return true
	})
	return found, err
}

func TestScanContents(t *testing.T) {
	t.Parallel()
	for literal, want := range map[string][]string{
		"bin/":   {"bin/ls|utils/coreutils", "usr/bin/vim|editors/vim,editors/vim-tiny"},
		"blanks": {"usr/share/a file with  blanks|misc/odd"},
		"FILE":   nil,
		"nothin": nil,
		"absent": nil,
	} {
		found, err := scan(t, contents, literal)
		require.NoError(t, err)
		require.Equal(t, want, found, literal)
	}
	// Longer than the buffer, without a newline at the end.
	long := strings.Repeat("usr/x                           misc/x\n", 100_000) + "usr/last misc/y"
	found, err := scan(t, long, "last")
	require.NoError(t, err)
	require.Equal(t, []string{"usr/last|misc/y"}, found)
	_, err = scan(t, strings.Repeat("x", 2<<20), "y")
	require.ErrorContains(t, err, "a line of more than")
}

func TestOpenIndexStops(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, []byte("more than five"), 0o644))
	r, err := archive.OpenIndex(file, "", archive.Checksums{Size: 5})
	require.NoError(t, err)
	_, err = new(bytes.Buffer).ReadFrom(r)
	require.ErrorContains(t, err, "unpacks to more bytes than it should")
	require.NoError(t, r.Close())
	_, err = archive.OpenIndex(file, ".gz", archive.Checksums{Size: 5})
	require.ErrorContains(t, err, "invalid header")
	r, err = archive.OpenIndex(file, ".xz", archive.Checksums{Size: 5})
	require.NoError(t, err)
	_, err = io.ReadAll(r)
	require.ErrorContains(t, err, file+": corrupt xz data")
	require.NoError(t, r.Close())
}

// TestReadIndexRefusesLarge: a claim is not set aside in memory.
func TestReadIndexRefusesLarge(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "x")
	require.NoError(t, os.WriteFile(file, []byte("text"), 0o644))
	err := archive.ReadIndex(t.Context(), file, "", archive.Checksums{Size: 4_000_000_000}, func(string) error { return nil })
	require.ErrorContains(t, err, "is more than the 805306368 that are read")
}

func FuzzScanContents(f *testing.F) {
	f.Add([]byte(contents), []byte("bin/"))
	f.Add([]byte("a b\n\n c\n"), []byte(""))
	f.Fuzz(func(t *testing.T, text, literal []byte) {
		if bytes.IndexByte(literal, '\n') >= 0 {
			return
		}
		lines := bytes.Count(text, []byte("\n")) + 1
		err := archive.ScanContents(t.Context(), bytes.NewReader(text), literal, func(file, packages []byte) bool {
			lines--
			require.NotEmpty(t, file)
			require.NotEmpty(t, packages)
			require.NotContains(t, string(file), "\n")
			return true
		})
		require.NoError(t, err)
		require.GreaterOrEqual(t, lines, 0)
	})
}
