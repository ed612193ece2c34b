package deb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/apt-ostree/apt-ostree/pkg/apt/deb"
)

// with is a control archive that has one more file.
func with(name, text string) deb.Control {
	return deb.Control{name: deb.ControlFile{Data: []byte(text)}}
}

func TestConffiles(t *testing.T) {
	t.Parallel()
	got, err := with("conffiles", "/etc/a\n   \n/etc/b c  \nremove-on-upgrade /etc/old\n").Conffiles()
	require.NoError(t, err)
	require.Equal(t, []deb.Conffile{{Path: "/etc/a"}, {Path: "/etc/b c"}, {Path: "/etc/old", Remove: true}}, got)
	got, err = deb.Control{}.Conffiles()
	require.NoError(t, err)
	require.Empty(t, got)
	for _, text := range []string{"/etc/a", "etc/a\n", "remove-on-upgrade\n", "remove-on-upgrade etc/a\n", "keep /etc/a\n"} {
		_, err := with("conffiles", text).Conffiles()
		require.ErrorIs(t, err, deb.ErrFormat, "%q", text)
		require.False(t, dpkgAccepts(t, "conffiles", text), "%q", text)
	}
}

func TestTriggers(t *testing.T) {
	t.Parallel()
	got, err := with("triggers", "# comment\n\ninterest /usr/share/x\ninterest-noawait man\nactivate-await y\nactivate-noawait ldconfig").Triggers()
	require.NoError(t, err)
	require.Equal(t, []deb.Trigger{
		{Name: "/usr/share/x"}, {Name: "man", NoAwait: true}, {Name: "y", Activate: true}, {Name: "ldconfig", Activate: true, NoAwait: true},
	}, got)
	require.True(t, got[0].File())
	require.False(t, got[1].File())
	for _, text := range []string{"interest\n", "wish x\n", "interest \x01\n", "interest a b\n", "interest x # more\n"} {
		_, err := with("triggers", text).Triggers()
		require.ErrorIs(t, err, deb.ErrFormat, "%q", text)
		require.False(t, dpkgAccepts(t, "triggers", text), "%q", text)
	}
}

// dpkgAccepts reports whether dpkg unpacks a package with a control file. Without dpkg it says no, as
// the tests expect.
func dpkgAccepts(t *testing.T, name, text string) bool {
	t.Helper()
	if !haveDpkg() {
		return false
	}
	_, _, err := dpkgUnpacks(t, outer(fullControl(item{name: "./" + name, mode: 0o644, data: text}), tarball(item{name: "./", typ: '5', mode: 0o755})))
	return err == nil
}

func FuzzControlFiles(f *testing.F) {
	f.Add("/etc/a\nremove-on-upgrade /etc/old\n")
	f.Add("interest-noawait /usr/share/x # y\nactivate z\n")
	f.Fuzz(func(t *testing.T, text string) {
		if list, err := with("conffiles", text).Conffiles(); err == nil {
			for _, c := range list {
				require.Equal(t, byte('/'), c.Path[0])
				require.NotContains(t, c.Path, "\n")
			}
		}
		if list, err := with("triggers", text).Triggers(); err == nil {
			for _, trigger := range list {
				require.NotEmpty(t, trigger.Name)
			}
		}
	})
}
