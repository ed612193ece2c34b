package composefs_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/ostree/composefs"
)

// fileDigests are those of so many letters a. That of the empty file, which
// images do not use, is what the kernel has.
func fileDigests() map[int64]string {
	return map[int64]string{
		0:        "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95",
		1:        "bce75948b9e7510293f8f2720412af9697c1479281323f3f220623fb8e94b557",
		4095:     "cff490d058f9ad59d0ced3c2dcc9d7b0e6683a88c3d4fc88ce8d222ddaebb912",
		4096:     "a2a808ddaced77f0b6b3068f47b14b5a1fb3fc43674993ab11b8e7e6f2d089e2",
		4097:     "18b155c0b6e054f3f7d22488ed15340e74dc161ce2d123e13eb685c3ce565f70",
		524288:   "35ce0df2a57eb54aeba7969570bac9dfadfac295ec181a03f13ac7a7da54909e", // one full block of hashes
		524289:   "cc4f297494cf9e0b6f159db6d30a62d3fcc219fc9c0cbc2d8792bd264da4d9cb", // two levels
		1048576:  "3e982f1619f4442c645e71b6bb2e77ca8526b98744453e8ce2e7b2a436848e2d",
		67112960: "c0c49666091659eb52d6ed5dd3b0ad85a48827d7401c3db003b982ad665f52ab", // three levels
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestFileDigest(t *testing.T) {
	t.Parallel()
	for size, want := range fileDigests() {
		t.Run(strconv.FormatInt(size, 10), func(t *testing.T) {
			t.Parallel()
			got, err := composefs.FileDigest(io.LimitReader(letters{}, size))
			require.NoError(t, err)
			require.Equal(t, want, got.String())
		})
	}
}

func TestHasherTakesPieces(t *testing.T) {
	t.Parallel()
	h := composefs.NewHasher()
	written := int64(0)
	for _, n := range []int{1, 4094, 0, 1, 1, 3000, 517191} {
		_, err := h.Write(bytes.Repeat([]byte("a"), n))
		require.NoError(t, err)
		written += int64(n)
		if want, ok := fileDigests()[written]; ok {
			require.Equal(t, want, h.Digest().String(), "after %d bytes", written)
		}
	}
	require.EqualValues(t, 524288, written)
}

func TestFileDigestReportsTheReader(t *testing.T) {
	t.Parallel()
	_, err := composefs.FileDigest(iotest.ErrReader(io.ErrNoProgress))
	require.ErrorIs(t, err, io.ErrNoProgress)
}

// Where the file system has fs-verity the kernel computes the same digest.
func TestKernelAgrees(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, bytes.Repeat([]byte("a"), 524289), 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	defer f.Close()
	_, ok, err := composefs.Measure(f)
	require.NoError(t, err)
	require.False(t, ok, "nobody has asked for it yet")
	if err := composefs.Enable(f); err != nil {
		require.ErrorIs(t, err, composefs.ErrUnsupported)
		return
	}
	require.NoError(t, composefs.Enable(f), "again")
	got, ok, err := composefs.Measure(f)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, fileDigests()[524289], got.String())
	require.ErrorIs(t, os.WriteFile(name, nil, 0o600), os.ErrPermission)
}
