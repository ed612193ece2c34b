package bootentry_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/deploy/bootentry"
)

const sample = `title Debian 12 (ostree:0)
version 2
options root=LABEL=a quiet ostree=/ostree/boot.1/debian/c/0
devicetree /ostree/debian-c/devicetree-6.1.0
linux /ostree/debian-c/vmlinuz-6.1.0
initrd /ostree/debian-c/initramfs-6.1.0.img
initrd /ostree/initramfs-overlays/1.img
x-options-source-tuned skew_tick=1
architecture x64
`

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	e, err := bootentry.Parse([]byte(sample))
	require.NoError(t, err)
	require.Equal(t, "2", e.Get(bootentry.KeyVersion))
	require.Equal(t, "/ostree/debian-c/initramfs-6.1.0.img", e.Get(bootentry.KeyInitrd))
	require.Equal(t, []string{"/ostree/initramfs-overlays/1.img"}, e.Overlays())
	out, err := e.Clone().Bytes()
	require.NoError(t, err)
	require.Equal(t, sample, string(out))
}

func TestParseIsTolerant(t *testing.T) {
	t.Parallel()
	e, err := bootentry.Parse([]byte("# comment\n\ntitle\t  A  B \r\nnovalue\n9key x\nlinux /old\nlinux /new\n\xff\x00"))
	require.NoError(t, err)
	require.Equal(t, "A  B", e.Get("title"))
	require.Equal(t, "/new", e.Get("linux"), "the last one counts")
	require.Equal(t, []string{"title", "linux"}, e.Keys())
}

func TestBytesUsesOneOrder(t *testing.T) {
	t.Parallel()
	e := new(bootentry.Entry)
	for _, key := range []string{"fdtdir", "initrd", "linux", "options", "version", "title"} {
		e.Set(key, "v")
	}
	e.Set("linux", "w")
	e.SetOverlays([]string{"o"})
	out, err := e.Bytes()
	require.NoError(t, err)
	require.Equal(t, "title v\nversion v\noptions v\nlinux w\ninitrd v\ninitrd o\nfdtdir v\n", string(out))

	e.Delete("initrd")
	e.Delete("fdtdir")
	out, err = e.Bytes()
	require.NoError(t, err)
	require.Equal(t, "title v\nversion v\noptions v\nlinux w\n", string(out))
}

func TestBytesRefusesWhatBreaksLines(t *testing.T) {
	t.Parallel()
	for _, c := range [][2]string{{"options", "a\nlinux /evil"}, {"a b", "x"}, {"", "x"}, {"#", "x"}, {"title", "\x00"}} {
		e := new(bootentry.Entry)
		e.Set(c[0], c[1])
		_, err := e.Bytes()
		require.Error(t, err, "%q", c)
	}
}

func TestParseRefusesHugeInput(t *testing.T) {
	t.Parallel()
	_, err := bootentry.Parse([]byte(strings.Repeat("a b\n", 1<<17)))
	require.ErrorContains(t, err, "not plausible")
}

func TestName(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bootentry.Name{
		"ostree-1.conf":             {Version: 1},
		"ostree-12-debian.conf":     {Version: 12, Stateroot: "debian"},
		"ostree-2-my-os.conf":       {Version: 2, Stateroot: "my-os"},
		"ostree-3+5.conf":           {Version: 3, Counted: true, TriesLeft: 5},
		"ostree-3-debian+4-1.conf":  {Version: 3, Stateroot: "debian", Counted: true, TriesLeft: 4, TriesDone: 1},
		"ostree-3-debian+beta.conf": {Version: 3, Stateroot: "debian+beta"},
	} {
		got, ok := bootentry.ParseName(text)
		require.True(t, ok, text)
		require.Equal(t, want, got, text)
		require.Equal(t, text, got.String())
	}
	for _, foreign := range []string{"", "windows.conf", "ostree-.conf", "ostree-x.conf", "ostree-1", "ostree-1+.conf", "ostree-9999999999.conf"} {
		_, ok := bootentry.ParseName(foreign)
		require.False(t, ok, foreign)
	}
}

// The order is the one documented in strverscmp(3) and in the glibc manual.
func TestCompareVersions(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "000", "00", "01", "010", "09", "0", "1", "9", "10", "item#99", "item#100"}
	for i, a := range sorted {
		for j, b := range sorted {
			got := bootentry.CompareVersions(a, b)
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			require.Equal(t, want, got, "%q %q", a, b)
		}
	}
	require.Positive(t, bootentry.CompareVersions("alpha1", "alpha001"))
	require.Positive(t, bootentry.CompareVersions("foo.010", "foo.009"))
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("initrd a\ninitrd b\n#x\n\n k v\nk\tv"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := bootentry.Parse(data)
		if err != nil {
			return
		}
		out, err := e.Bytes()
		if err != nil {
			return // A NUL or a stray carriage return came in.
		}
		again, err := bootentry.Parse(out)
		require.NoError(t, err)
		require.True(t, slices.Equal(e.Keys(), again.Keys()))
		for _, key := range e.Keys() {
			require.Equal(t, e.Get(key), again.Get(key))
		}
		require.Equal(t, e.Overlays(), again.Overlays())
	})
}

func FuzzParseName(f *testing.F) {
	f.Add("ostree-1.conf")
	f.Add("ostree-1-os+2-3.conf")
	f.Fuzz(func(t *testing.T, name string) {
		n, ok := bootentry.ParseName(name)
		if !ok {
			return
		}
		again, ok := bootentry.ParseName(n.String())
		require.True(t, ok, name)
		require.Equal(t, n, again)
	})
}

func ExampleParse() {
	e, err := bootentry.Parse([]byte("title Debian 12\nlinux /vmlinuz\noptions quiet\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	e.Set(bootentry.KeyOptions, "quiet splash")
	text, err := e.Bytes()
	fmt.Print(string(text))
	fmt.Println(err)
	// Output:
	// title Debian 12
	// options quiet splash
	// linux /vmlinuz
	// <nil>
}
