package fsx_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/internal/fsx"
)

func TestEachName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var want []string
	for i := range 200 { // more than one call of the kernel fills the buffer with
		name := fmt.Sprintf("name-%d-é", i)
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o644))
		want = append(want, name)
	}
	d, err := fsx.OpenDir(dir)
	require.NoError(t, err)
	defer d.Close()
	var got []string
	require.NoError(t, fsx.EachName(int(d.Fd()), make([]byte, 1<<10), func(name []byte) error {
		got = append(got, string(name))
		return nil
	}))
	require.ElementsMatch(t, want, got)
	require.Error(t, fsx.EachName(-1, make([]byte, 1<<10), nil))
}
