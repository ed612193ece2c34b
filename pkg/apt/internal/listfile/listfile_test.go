package listfile_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/internal/listfile"
)

func entries() []listfile.Entry {
	return []listfile.Entry{
		{Name: "alpha", Summary: "the first", Stanza: "Package: alpha\nVersion: 2\n", Essential: true},
		{Name: "alpha", Summary: "not kept", Stanza: "Package: alpha\nVersion: 1\n", Provides: []string{"virtual", "virtual"}},
		{Name: "beta", Stanza: ""},
		{Name: "gamma", Summary: "äö", Stanza: "x", Provides: []string{"virtual", "alpha", ""}},
	}
}

func encode(t testing.TB, e []listfile.Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	require.NoError(t, listfile.Write(&b, e))
	return b.Bytes()
}

// check verifies that a file says what entries says.
func check(t *testing.T, f *listfile.File) {
	t.Helper()
	require.Equal(t, 4, f.Len())
	require.Equal(t, 3, f.Names())
	for i, name := range []string{"alpha", "beta", "gamma"} {
		require.Equal(t, name, f.Name(i))
		at, found := f.Find(name)
		require.True(t, found)
		require.Equal(t, i, at)
	}
	_, found := f.Find("bet")
	require.False(t, found)
	from, to := f.Versions(0)
	require.Equal(t, [2]int{0, 2}, [2]int{from, to})
	require.Equal(t, []int{1, 3}, f.Providers("virtual"))
	require.Equal(t, []int{3}, f.Providers(""))
	require.Empty(t, f.Providers("beta"))
	require.Equal(t, []int{0}, f.Essential())
	require.Equal(t, "alpha", f.Owner(1))
	require.Equal(t, "gamma", f.Owner(3))
	for i, e := range entries() {
		s, err := f.Stanza(i)
		require.NoError(t, err)
		require.Equal(t, e.Stanza, s)
	}
	var found2 []string
	require.NoError(t, f.Search(func(i int, name, summary []byte) { found2 = append(found2, fmt.Sprintf("%d %s %s", i, name, summary)) }))
	require.Equal(t, []string{"0 alpha the first", "1 beta ", "2 gamma äö"}, found2)
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	data := encode(t, entries())
	f, err := listfile.Decode(data)
	require.NoError(t, err)
	check(t, f)

	path := filepath.Join(t.TempDir(), "list")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	mapped, err := listfile.Open(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path), "an open file stays")
	check(t, mapped)

	empty, err := listfile.Decode(encode(t, nil))
	require.NoError(t, err)
	require.Zero(t, empty.Len()+empty.Names())
	_, found := empty.Find("a")
	require.False(t, found)
}

func TestWriteRefusesUnsorted(t *testing.T) {
	t.Parallel()
	require.ErrorContains(t, listfile.Write(&bytes.Buffer{}, []listfile.Entry{{Name: "b"}, {Name: "a"}}), "not sorted")
}

// use asks a file everything. It returns the first error.
func use(f *listfile.File) error {
	var failed error
	for i := range f.Len() {
		_ = f.Owner(i)
		if _, err := f.Stanza(i); err != nil {
			failed = err
		}
	}
	for i := range f.Names() {
		f.Versions(i)
		f.Providers(f.Name(i))
	}
	f.Essential()
	if err := f.Search(func(int, []byte, []byte) {}); err != nil {
		failed = err
	}
	return failed
}

// TestDamage flips each bit and cuts at each place: either the file is refused or the stanza or the
// summaries that are hit.
func TestDamage(t *testing.T) {
	t.Parallel()
	good := encode(t, entries())
	for i := range good {
		for bit := range 8 {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << bit
			f, err := listfile.Decode(bad)
			if err == nil {
				err = use(f)
			}
			require.ErrorIs(t, err, listfile.ErrDamaged, "byte %d", i)
		}
		_, err := listfile.Decode(good[:i])
		require.ErrorIs(t, err, listfile.ErrDamaged)
	}
	dir := t.TempDir()
	for name, data := range map[string][]byte{"empty": nil, "short": good[:20], "cut": good[:len(good)-1], "longer": append(bytes.Clone(good), 0)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), data, 0o600))
		_, err := listfile.Open(filepath.Join(dir, name))
		require.ErrorIs(t, err, listfile.ErrDamaged, name)
	}
	_, err := listfile.Open(dir)
	require.ErrorIs(t, err, listfile.ErrDamaged)
	_, err = listfile.Open(filepath.Join(dir, "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}

// FuzzDecode also looks behind the checksums, which tell no malice.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, entries()))
	f.Add(encode(f, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, data := range [][]byte{data, listfile.Seal(data)} {
			file, err := listfile.Decode(data)
			if err != nil {
				require.ErrorIs(t, err, listfile.ErrDamaged)
				continue
			}
			_ = use(file) // must not panic; damage may or may not be there
		}
	})
}
